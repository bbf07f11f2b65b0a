//! The listener: accepts connections and completes their handshakes, in a thread of its own
//! and with a deadline, so that incomplete handshakes do not delay ticks.

use crate::accept::accepted::Accepted;
use crate::accept::access::AccessControl;
use crate::accept::client_stream::ClientStream;
use crate::accept::counts::AcceptCounts;
use crate::accept::dispatch::Dispatcher;
use crate::accept::refusal::{HEAD_BYTES, Refusal};
use crate::accept::request::Request;
use crate::connection::endpoint::Wire;
use crate::connection::kernel;
use crate::log::symbols::Symbols;
use anyhow::{Context, Error, Result, ensure};
use contract::listener::{self, ListenError};
use rustls::ServerConfig;
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

/// The default deadline of a handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// The default of connections at a time.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Handshakes at a time; more wait in the kernel.
const HANDSHAKES: usize = 256;
/// Descriptors for everything else: poller, listener, standard streams, meter.
const OTHER_DESCRIPTORS: usize = 32;
/// How long to wait after a failed accept (out of descriptors).
const RETRY: Duration = Duration::from_millis(20);
/// How long a client has to read an answer, and to leave after a refusal.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// What a refused client may still be sending meanwhile, in bytes.
const DISCARDED_BYTES: u64 = 2 * 1024 * 1024;

/// How connections are set up.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// `SO_SNDBUF`; `None`: autotuning.
    pub send_buffer_bytes: Option<u32>,
    /// `TCP_CONGESTION`, which connections inherit; `None`: the default of the machine.
    pub congestion: Option<String>,
    /// Accept so many connections, each number once, and close the port after the last;
    /// `None`: any number, until the listener is dropped.
    pub expected: Option<usize>,
    /// The most connections at a time.
    pub max_connections: usize,
    /// The deadline of a handshake.
    pub handshake_limit: Duration,
    /// Who may connect.
    pub access: AccessControl,
    /// Speak TLS with this certificate; `None`: plain TCP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Where accepted and refused connections are counted.
    pub counts: AcceptCounts,
}

impl ListenerConfig {
    /// The scheme of the URL (RFC 6455, 3).
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "wss" } else { "ws" }
    }
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            send_buffer_bytes: None,
            congestion: None,
            expected: None,
            max_connections: MAX_CONNECTIONS,
            handshake_limit: HANDSHAKE_LIMIT,
            access: AccessControl::default(),
            tls: None,
            counts: AcceptCounts::default(),
        }
    }
}

/// A running listener. Its port is closed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// The URL for clients.
    pub url: String,
    /// The most connections at a time: as configured, or fewer by the descriptor limit.
    pub capacity: usize,
    free: Arc<Semaphore>,
    /// The thread ends when this is dropped.
    _open: oneshot::Sender<()>,
}

impl Listener {
    /// Where ended connections are reported.
    #[must_use]
    pub fn slots(&self) -> ConnectionSlots {
        ConnectionSlots { free: Arc::clone(&self.free) }
    }
}

/// The slots for connections of a listener.
#[derive(Debug, Clone)]
pub struct ConnectionSlots {
    free: Arc<Semaphore>,
}

impl ConnectionSlots {
    /// An accepted connection has ended: another may take its slot.
    pub fn release(&self) {
        self.free.add_permits(1);
    }
}

/// Listens on an address; each connection that completes its handshake is given to one of
/// the engines.
///
/// # Errors
/// When the address cannot be listened on, or the kernel refuses the congestion control.
pub fn listen(host: IpAddr, port: u16, config: ListenerConfig, to: Dispatcher) -> Result<Listener> {
    let listener = match listener::open((host, port).into(), config.congestion.as_deref()) {
        Err(ListenError::Address(error)) => {
            let context = format!("cannot listen on {host}:{port}: choose another --port");
            return Err(Error::new(error).context(context));
        }
        opened => opened?,
    };
    let address = listener.local_addr()?;
    // Some descriptors are kept for handshakes, so that clients beyond the capacity get an
    // answer.
    let descriptors = kernel::descriptor_limit()?;
    let handshakes = HANDSHAKES.min(descriptors / 4).max(1);
    let spare = descriptors.saturating_sub(handshakes + OTHER_DESCRIPTORS).max(1);
    let capacity = config.max_connections.min(spare);
    let free = Arc::new(Semaphore::new(capacity));
    let url = format!("{}://{address}/ticks", config.scheme());
    let (open, closed) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (completed, completions) = unbounded_channel();
    let numbers = Mutex::new(HashSet::new());
    let acceptor = Acceptor { config, to, numbers, free: Arc::clone(&free), completed };
    std::thread::Builder::new().name("listener".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = closed => {}
                _ = accept(listener, Arc::new(acceptor), completions, handshakes) => {}
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(Listener { address, url, capacity, free, _open: open })
}

/// Accepts clients until all expected connections are complete, or for ever.
async fn accept(
    listener: TcpListener,
    acceptor: Arc<Acceptor>,
    mut completions: UnboundedReceiver<()>,
    handshakes: usize,
) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(handshakes));
    let mut expected = acceptor.config.expected;
    while expected != Some(0) {
        let permit = Arc::clone(&slots).acquire_owned().await?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = completions.recv() => {
                expected = expected.map(|n| n - 1);
                continue;
            }
        };
        let Ok((socket, peer)) = accepted else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let acceptor = Arc::clone(&acceptor);
        tokio::spawn(async move {
            let _permit = permit;
            // A client that is lost within its handshake costs nobody else anything.
            if let Err(error) = acceptor.handshake(socket, peer).await {
                debug!(%peer, "{peer} was lost within its handshake: {error:#}");
            }
        });
    }
    Ok(())
}

/// Takes clients through their handshakes.
struct Acceptor {
    config: ListenerConfig,
    to: Dispatcher,
    /// Connection numbers that are taken, where each may come once.
    numbers: Mutex<HashSet<usize>>,
    /// Slots for connections.
    free: Arc<Semaphore>,
    /// Gets a message for each completed handshake.
    completed: UnboundedSender<()>,
}

impl Acceptor {
    /// Both handshakes together have one deadline.
    async fn handshake(&self, socket: tokio::net::TcpStream, peer: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + self.config.handshake_limit;
        let Some(config) = &self.config.tls else {
            return self.answer(socket, peer, deadline).await;
        };
        let accept = TlsAcceptor::from(Arc::clone(config)).accept(socket);
        let secured = timeout_at(deadline, accept).await.map_err(Error::from);
        // A client that speaks no TLS cannot be answered.
        let secured = secured.and_then(|done| done.context("no TLS"));
        let socket = secured.inspect_err(|_| self.config.counts.refuse(None))?;
        self.answer(socket, peer, deadline).await
    }

    /// Reads the request, and accepts or refuses it.
    async fn answer(
        &self,
        mut socket: impl ClientStream,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<()> {
        let request = match timeout_at(deadline, read_request(&mut socket)).await {
            Ok(request) => request.inspect_err(|_| self.config.counts.refuse(None))?,
            Err(_) => Err(Refusal::Timeout(self.config.handshake_limit)),
        };
        let checked = request.and_then(|request| Ok((self.check(&request)?, request)));
        let (slot, request) = match checked {
            Ok(checked) => checked,
            Err(refusal) => {
                let status = refusal.status();
                debug!(
                    %peer, status = status.as_u16(),
                    "{peer} was refused: {status}, {refusal}"
                );
                self.config.counts.refuse(Some(status));
                return Ok(timeout(ANSWER_LIMIT, refuse(socket, &refusal)).await??);
            }
        };
        let number = request.connection;
        let upgraded = self.upgrade(socket, &request).await;
        let symbols = request.symbols.unwrap_or(Symbols::all());
        let sent = upgraded.and_then(|wire| {
            ensure!(self.to.send(Accepted { number, wire, symbols }), "the server is ending");
            Ok(())
        });
        if sent.is_err() {
            self.lock_numbers().remove(&number);
            return sent;
        }
        // `ConnectionSlots::release` gives it back.
        slot.forget();
        self.config.counts.accept();
        let _ = self.completed.send(());
        Ok(())
    }

    /// Checks whether a request may connect, and takes a slot for it.
    fn check(&self, request: &Request) -> Result<OwnedSemaphorePermit, Refusal> {
        self.config.access.check(request)?;
        let slot = Arc::clone(&self.free).try_acquire_owned().map_err(|_| Refusal::Full)?;
        let Some(expected) = self.config.expected else { return Ok(slot) };
        if request.symbols.is_some() {
            return Err(Refusal::AllSymbolsOnly);
        }
        let number = request.connection;
        if number >= expected || !self.lock_numbers().insert(number) {
            return Err(Refusal::UnexpectedConnection(number));
        }
        Ok(slot)
    }

    async fn upgrade(&self, mut socket: impl ClientStream, request: &Request) -> Result<Wire> {
        // An empty send buffer takes the answer at once.
        timeout(ANSWER_LIMIT, async {
            socket.write_all(&request.acceptance()).await?;
            socket.flush().await
        })
        .await??;
        let (socket, tls) = socket.into_parts()?;
        kernel::set_options(&socket, self.config.send_buffer_bytes)?;
        Ok((socket, tls))
    }

    fn lock_numbers(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a request, and no more than [`HEAD_BYTES`] of it.
async fn read_request(
    socket: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<Request, Refusal>> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let room = HEAD_BYTES - head.len();
        if room == 0 {
            return Ok(Err(Refusal::HeadTooLong));
        }
        if socket.take(room as u64).read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match Request::parse(&head) {
            Ok(Some(request)) => return Ok(Ok(request)),
            Ok(None) => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
}

/// Sends a refusal, and discards what the client still sends: closing a socket with unread
/// bytes resets the connection, and the answer may be lost (RFC 9112, 9.6).
async fn refuse(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    refusal: &Refusal,
) -> io::Result<()> {
    socket.write_all(&refusal.to_bytes()).await?;
    socket.shutdown().await?;
    tokio::io::copy(&mut socket.take(DISCARDED_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
