//! The listener: accepts connections and completes their handshakes, in a thread of its own
//! and with a deadline, so that incomplete handshakes do not delay ticks.

use crate::accept::accepted::Accepted;
use crate::accept::access::AccessControl;
use crate::accept::client_stream::ClientStream;
use crate::accept::counts::AcceptCounts;
use crate::accept::current::Current;
use crate::accept::dispatch::Dispatcher;
use crate::accept::places::{Place, Places};
use crate::accept::refusal::{HEAD_BYTES, Refusal};
use crate::accept::request::Request;
use crate::accept::slots::{ConnectionSlots, NoSlot, Slot, Slots};
use crate::accept::subprotocol;
use crate::connection::endpoint::Wire;
use crate::connection::kernel;
use crate::log::symbols::Symbols;
use anyhow::{Context, Error, Result, anyhow, ensure};
use contract::listener::{self, ListenError};
use rustls::ServerConfig;
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

/// The default deadline of a handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// The default of connections at a time.
pub const MAX_CONNECTIONS: usize = 10_000;
/// The default of connections at a time of one host.
pub const MAX_CONNECTIONS_OF_HOST: usize = 1_024;
/// The default of handshakes at a time; a newer one displaces the oldest of them. As many as the
/// default of connections of one host, which may open them all at once.
pub const MAX_HANDSHAKES: usize = MAX_CONNECTIONS_OF_HOST;
/// Handshakes at a time beyond the connections that are expected.
const UNEXPECTED_HANDSHAKES: usize = 64;
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
    /// The most of them from one host, which is an IPv4 address or a /64 network.
    pub max_connections_of_host: usize,
    /// Handshakes at a time; more where more connections are expected. A newer one displaces the
    /// oldest.
    pub max_handshakes: usize,
    /// The subprotocols that a client may choose.
    pub subprotocols: Vec<String>,
    /// The deadline of a handshake.
    pub handshake_limit: Duration,
    /// Who may connect.
    pub access: AccessControl,
    /// Speak TLS with this certificate; `None`: plain TCP.
    pub tls: Option<Current<Arc<ServerConfig>>>,
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
            max_connections_of_host: usize::MAX,
            max_handshakes: MAX_HANDSHAKES,
            subprotocols: Vec::new(),
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
    slots: Slots,
    /// The thread ends when this is dropped.
    _open: oneshot::Sender<()>,
}

impl Listener {
    /// Where ended connections are reported.
    #[must_use]
    pub fn slots(&self) -> ConnectionSlots {
        self.slots.ended()
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
    let kept = config.max_handshakes.min(descriptors / 4).max(1);
    let spare = descriptors.saturating_sub(kept + OTHER_DESCRIPTORS).max(1);
    // A client that opens all of its connections at once must not displace itself.
    let expected = config.expected.map_or(0, |expected| expected + UNEXPECTED_HANDSHAKES);
    let handshakes = kept.max(expected);
    let capacity = config.max_connections.min(spare);
    let slots = Slots::new(capacity, config.max_connections_of_host);
    let url = format!("{}://{address}/ticks", config.scheme());
    let (open, closed) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (completed, completions) = unbounded_channel();
    let numbers = Mutex::new(HashSet::new());
    let acceptor = Acceptor { config, to, numbers, slots: slots.clone(), completed };
    std::thread::Builder::new().name("listener".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = closed => {}
                _ = accept(listener, Arc::new(acceptor), completions, handshakes) => {}
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(Listener { address, url, capacity, slots, _open: open })
}

/// Accepts clients until all expected connections are complete, or for ever.
async fn accept(
    listener: TcpListener,
    acceptor: Arc<Acceptor>,
    mut completions: UnboundedReceiver<()>,
    handshakes: usize,
) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Places::new(handshakes);
    let mut expected = acceptor.config.expected;
    while expected != Some(0) {
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
        let place = places.take(peer.ip()).await;
        let acceptor = Arc::clone(&acceptor);
        tokio::spawn(async move {
            // A client that is lost within its handshake costs nobody else anything.
            if let Err(error) = acceptor.handshake(socket, peer, place).await {
                debug!(%peer, "{peer} was lost within its handshake: {error:#}");
            }
        });
        // However many clients come at once, those before them go on, and one that was
        // displaced gives its descriptor back.
        tokio::task::yield_now().await;
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
    slots: Slots,
    /// Gets a message for each completed handshake.
    completed: UnboundedSender<()>,
}

impl Acceptor {
    /// Both handshakes together have one deadline.
    async fn handshake(
        &self,
        socket: tokio::net::TcpStream,
        peer: SocketAddr,
        mut place: Place,
    ) -> Result<()> {
        let deadline = Instant::now() + self.config.handshake_limit;
        let Some(config) = &self.config.tls else {
            return self.answer(socket, peer, deadline, place).await;
        };
        let accept = TlsAcceptor::from(config.get()).accept(socket);
        // A client that has not spoken TLS to the end cannot be answered.
        let secured = tokio::select! {
            secured = timeout_at(deadline, accept) => {
                secured.map_err(Error::from).and_then(|done| done.context("no TLS"))
            }
            () = place.displaced() => {
                self.config.counts.displace();
                Err(anyhow!("{}", Refusal::Displaced))
            }
        };
        let socket = secured.inspect_err(|_| self.config.counts.refuse(None))?;
        self.answer(socket, peer, deadline, place).await
    }

    /// Reads the request, and accepts or refuses it.
    async fn answer(
        &self,
        mut socket: impl ClientStream,
        peer: SocketAddr,
        deadline: Instant,
        mut place: Place,
    ) -> Result<()> {
        let request = tokio::select! {
            // A request that is complete by now counts.
            biased;
            request = timeout_at(deadline, read_request(&mut socket)) => match request {
                Ok(request) => request.inspect_err(|_| self.config.counts.refuse(None))?,
                Err(_) => Err(Refusal::Timeout(self.config.handshake_limit)),
            },
            () = place.displaced() => Err(Refusal::Displaced),
        };
        let request = match request {
            Ok(request) => request,
            Err(refusal) => {
                return self.refuse(socket, peer, place, &refusal, refusal.to_bytes()).await;
            }
        };
        let chosen = subprotocol::choose(&request.subprotocols, &self.config.subprotocols);
        let acceptance = request.acceptance(chosen);
        let slot = match self.check(&request, peer) {
            Ok(slot) => slot,
            Err(refusal) => {
                let closed = refusal.close_frame().map(|frame| [acceptance, frame].concat());
                let answer = closed.unwrap_or_else(|| refusal.to_bytes());
                return self.refuse(socket, peer, place, &refusal, answer).await;
            }
        };
        // From now on it has a slot, and nobody displaces it.
        drop(place);
        let number = request.connection;
        let upgraded = self.upgrade(socket, &acceptance).await;
        let symbols = request.symbols.unwrap_or(Symbols::all());
        let sent = upgraded.and_then(|wire| {
            let accepted = Accepted { number, peer, wire, symbols };
            ensure!(self.to.send(accepted), "the server is ending");
            Ok(())
        });
        if sent.is_err() {
            self.lock_numbers().remove(&number);
            return sent;
        }
        slot.keep();
        self.config.counts.accept();
        let _ = self.completed.send(());
        Ok(())
    }

    /// Sends a refusal, and waits a little for the client to read it, unless a newer client
    /// needs the place.
    async fn refuse(
        &self,
        socket: impl AsyncRead + AsyncWrite + Unpin,
        peer: SocketAddr,
        mut place: Place,
        refusal: &Refusal,
        answer: Vec<u8>,
    ) -> Result<()> {
        let code = refusal.code();
        debug!(%peer, status = code, "{peer} was refused: {code}, {refusal}");
        self.config.counts.refuse(Some(code));
        if *refusal == Refusal::Displaced {
            self.config.counts.displace();
            // What an empty send buffer takes at once: the place is gone.
            let _ = timeout(Duration::ZERO, send(socket, answer)).await;
            return Ok(());
        }
        tokio::select! {
            sent = timeout(ANSWER_LIMIT, send(socket, answer)) => Ok(sent??),
            () = place.displaced() => Ok(()),
        }
    }

    /// Checks whether a request may connect, and takes a slot for it.
    fn check(&self, request: &Request, peer: SocketAddr) -> Result<Slot, Refusal> {
        self.config.access.check(request)?;
        let slot = self.slots.take(peer.ip()).map_err(|none| match none {
            NoSlot::Full => Refusal::Full,
            NoSlot::HostFull => Refusal::HostFull { most: self.config.max_connections_of_host },
        })?;
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

    async fn upgrade(&self, mut socket: impl ClientStream, acceptance: &[u8]) -> Result<Wire> {
        // An empty send buffer takes the answer at once.
        timeout(ANSWER_LIMIT, async {
            socket.write_all(acceptance).await?;
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
            // One that has closed its side only may still read the answer.
            return match head.is_empty() {
                true => Err(io::ErrorKind::UnexpectedEof.into()),
                false => Ok(Err(Refusal::CutShort)),
            };
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
async fn send(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) -> io::Result<()> {
    socket.write_all(&answer).await?;
    socket.shutdown().await?;
    tokio::io::copy(&mut socket.take(DISCARDED_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
