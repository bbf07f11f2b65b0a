//! The door: accepts connections and sees them through the WebSocket
//! handshake, in a thread of its own and with a deadline, so that whoever only
//! knocks costs the ticks nothing.

use crate::accept::accepted::Arrival;
use crate::accept::access::Gate;
use crate::accept::admissions::Admissions;
use crate::accept::client_stream::Knock;
use crate::accept::dispatch::Spread;
use crate::accept::refusal::Refusal;
use crate::accept::request::{self, HEAD_BYTES, Request};
use crate::connection::endpoint::Wire;
use crate::connection::kernel;
use crate::log::symbols::Symbols;
use anyhow::{Context, Result, ensure};
use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc::UnboundedSender, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::debug;
use tungstenite::http::StatusCode;

/// Time for a handshake, unless told otherwise.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections at a time, unless told otherwise.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Handshakes under way at a time; more have to wait.
const HANDSHAKES: usize = 256;
/// Descriptors for all else: poller, listener, standard streams, meter.
const OTHER_DESCRIPTORS: usize = 32;
/// Connections that the kernel holds until they are accepted. Beyond them it
/// drops what knocks, and a client tries again after a second.
const BACKLOG: i32 = 4096;
/// After a failed accept (out of descriptors): time to recover.
const BREATH: Duration = Duration::from_millis(20);
/// Time for a client to take its refusal and to leave.
const FAREWELL: Duration = Duration::from_secs(1);
/// What it may still be sending meanwhile, in bytes.
const FAREWELL_BYTES: u64 = 2 * 1024 * 1024;

/// How connections are set up.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// `SO_SNDBUF`; `None`: autotuning.
    pub send_buffer_bytes: Option<u32>,
    /// `TCP_CONGESTION`; `None`: the machine's.
    pub congestion: Option<String>,
    /// Let in so many connections, each number once, and close the door behind
    /// the last; `None`: any number, for ever.
    pub expected: Option<usize>,
    /// No more connections than that at a time.
    pub max_connections: usize,
    /// Time for a handshake.
    pub handshake: Duration,
    /// Who is let in.
    pub gate: Gate,
    /// Speak TLS, and show this certificate; `None`: plain TCP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Where who comes and who is turned away is counted.
    pub admissions: Admissions,
}

impl Tuning {
    /// How URLs of this door begin (RFC 6455, 3).
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "wss" } else { "ws" }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            send_buffer_bytes: None,
            congestion: None,
            expected: None,
            max_connections: MAX_CONNECTIONS,
            handshake: HANDSHAKE,
            gate: Gate::default(),
            tls: None,
            admissions: Admissions::default(),
        }
    }
}

/// An open door. It closes when dropped.
#[derive(Debug)]
pub struct Door {
    /// Where it is.
    pub address: SocketAddr,
    /// Its URL, for clients.
    pub url: String,
    /// Connections that there is room for.
    pub places: usize,
    free: Arc<Semaphore>,
    /// Dropped: the thread ends.
    _open: oneshot::Sender<()>,
}

impl Door {
    /// Where those that came through are signed off.
    #[must_use]
    pub fn vacancies(&self) -> Vacancies {
        Vacancies { free: Arc::clone(&self.free) }
    }
}

/// The places of a door.
#[derive(Debug, Clone)]
pub struct Vacancies {
    free: Arc<Semaphore>,
}

impl Vacancies {
    /// One of the connections that came through has gone: another may come.
    pub fn vacate(&self) {
        self.free.add_permits(1);
    }
}

/// Opens a door; each client that has come through is handed to one of the engines.
///
/// # Errors
/// When the address cannot be listened on.
pub fn open(host: IpAddr, port: u16, tuning: Tuning, to: Spread) -> Result<Door> {
    let listener = listen((host, port).into())
        .with_context(|| format!("cannot listen on {host}:{port}: choose another --port"))?;
    let address = listener.local_addr()?;
    // Whoever is let in needs a descriptor: the last ones are kept, so that
    // those whom there is no room for can be told.
    let descriptors = kernel::descriptor_limit()?;
    let handshakes = HANDSHAKES.min(descriptors / 4).max(1);
    let spare = descriptors.saturating_sub(handshakes + OTHER_DESCRIPTORS).max(1);
    let places = tuning.max_connections.min(spare);
    let free = Arc::new(Semaphore::new(places));
    let url = format!("{}://{address}/ticks", tuning.scheme());
    let (open, closed) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (seated, seats) = tokio::sync::mpsc::unbounded_channel();
    let porter =
        Porter { numbers: Mutex::new(HashSet::new()), free: Arc::clone(&free), tuning, to, seated };
    std::thread::Builder::new().name("door".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = closed => {}
                _ = receive(listener, Arc::new(porter), seats, handshakes) => {}
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(Door { address, url, places, free, _open: open })
}

/// Like `TcpListener::bind`, with a longer backlog.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes in clients until all expected are there, or for ever.
async fn receive(
    listener: TcpListener,
    porter: Arc<Porter>,
    mut seats: tokio::sync::mpsc::UnboundedReceiver<()>,
    handshakes: usize,
) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(handshakes));
    let mut left = porter.tuning.expected;
    while left != Some(0) {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = seats.recv() => {
                left = left.map(|n| n - 1);
                continue;
            }
        };
        let Ok((socket, peer)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let porter = Arc::clone(&porter);
        tokio::spawn(async move {
            let _permit = permit;
            // Whoever is lost in the middle of a handshake is nobody's loss.
            if let Err(error) = porter.see_in(socket, peer).await {
                debug!(%peer, "{peer} was lost in its handshake: {error:#}");
            }
        });
    }
    Ok(())
}

/// Sees one client after the other through its handshake.
struct Porter {
    tuning: Tuning,
    to: Spread,
    /// Numbers that are taken, where each may come once.
    numbers: Mutex<HashSet<usize>>,
    /// Places for connections.
    free: Arc<Semaphore>,
    /// Is told of each who has come in.
    seated: UnboundedSender<()>,
}

impl Porter {
    /// All that comes before the ticks has one deadline.
    async fn see_in(&self, socket: tokio::net::TcpStream, peer: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + self.tuning.handshake;
        let Some(config) = &self.tuning.tls else {
            return self.hear(socket, peer, deadline).await;
        };
        let accept = TlsAcceptor::from(Arc::clone(config)).accept(socket);
        let secret = timeout_at(deadline, accept).await.map_err(anyhow::Error::from);
        // Who speaks no TLS cannot be told anything else.
        let secret = secret.and_then(|done| done.context("no TLS"));
        let socket = secret.inspect_err(|_| self.tuning.admissions.refuse(None))?;
        self.hear(socket, peer, deadline).await
    }

    async fn hear(
        &self,
        mut socket: impl Knock,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<()> {
        let request = match timeout_at(deadline, read_request(&mut socket)).await {
            Ok(request) => request.inspect_err(|_| self.tuning.admissions.refuse(None))?,
            Err(_) => Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                format!("no whole request came within {} s", self.tuning.handshake.as_secs_f64()),
            )),
        };
        let admitted = request.and_then(|request| Ok((self.admit(&request)?, request)));
        let (place, request) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                let status = refusal.status.as_u16();
                debug!(%peer, status, "{peer} was turned away: {refusal}");
                self.tuning.admissions.refuse(Some(status));
                return Ok(timeout(FAREWELL, refuse(socket, &refusal)).await??);
            }
        };
        let number = request.connection;
        let arrived = self.welcome(socket, &request).await;
        let symbols = request.symbols.unwrap_or(Symbols::all());
        let sent = arrived.and_then(|wire| {
            let arrival = Arrival { number, wire, symbols };
            ensure!(self.to.send(arrival), "the server is ending");
            Ok(())
        });
        if sent.is_err() {
            self.lock_numbers().remove(&number);
            return sent;
        }
        // It is given back by `Vacancies::vacate`.
        place.forget();
        self.tuning.admissions.accept();
        let _ = self.seated.send(());
        Ok(())
    }

    /// Finds a place for whoever asks.
    fn admit(&self, request: &Request) -> Result<OwnedSemaphorePermit, Refusal> {
        self.tuning.gate.check(request)?;
        let place = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let line = "all places are taken: come again later";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, line)
        })?;
        let Some(expected) = self.tuning.expected else { return Ok(place) };
        if request.symbols.is_some() {
            let line = "this run is of all symbols: leave `symbols=` out";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, line));
        }
        let number = request.connection;
        if number >= expected || !self.lock_numbers().insert(number) {
            let line = format!("connection {number} is not one that is still to come");
            return Err(Refusal::new(StatusCode::CONFLICT, line));
        }
        Ok(place)
    }

    async fn welcome(&self, mut socket: impl Knock, request: &Request) -> Result<Wire> {
        // A fresh send buffer takes the answer at once.
        timeout(FAREWELL, async {
            socket.write_all(&request.welcome()).await?;
            socket.flush().await
        })
        .await??;
        let (socket, tls) = socket.into_parts()?;
        let tuning = &self.tuning;
        kernel::tune(&socket, tuning.send_buffer_bytes, tuning.congestion.as_deref())?;
        Ok((socket, tls))
    }

    fn lock_numbers(&self) -> std::sync::MutexGuard<'_, HashSet<usize>> {
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
            return Ok(Err(request::head_too_long()));
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

/// Answers with a refusal, and hears the client out: a socket that is closed
/// with unread bytes resets the connection, and the answer may be lost
/// (RFC 9112, 9.6).
async fn refuse(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    refusal: &Refusal,
) -> io::Result<()> {
    socket.write_all(&refusal.to_bytes()).await?;
    socket.shutdown().await?;
    tokio::io::copy(&mut socket.take(FAREWELL_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
