//! The door: accepts connections and sees them through the WebSocket
//! handshake, in a thread of its own and with a deadline, so that whoever only
//! knocks costs the ticks nothing.

use crate::metrics::admissions::Admissions;
use crate::{kernel, outlet};
use anyhow::{Context, Result};
use polling::Poller;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tracing::debug;

/// Time for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Handshakes under way at a time; more have to wait.
const HANDSHAKES: usize = 256;
/// After a failed accept (out of descriptors): time to recover.
const BREATH: Duration = Duration::from_millis(20);

/// How connections are set up.
#[derive(Debug, Clone, Default)]
pub struct Tuning {
    /// `SO_SNDBUF`; `None`: autotuning.
    pub send_buffer_bytes: Option<u32>,
    /// `TCP_CONGESTION`; `None`: the machine's.
    pub congestion: Option<String>,
    /// Let in so many connections, each number once, and close the door behind
    /// the last; `None`: any number, for ever.
    pub expected: Option<usize>,
    /// Where who comes and who is turned away is counted.
    pub admissions: Admissions,
}

/// A connection that has come through, and the number at the end of its URL.
pub type Arrival = (usize, TcpStream);

/// An open door. It closes when dropped.
#[derive(Debug)]
pub struct Door {
    /// Where it is.
    pub address: SocketAddr,
    /// Dropped: the thread ends.
    _open: oneshot::Sender<()>,
}

/// Opens a door; each client that has come through is sent to `to`, and the
/// poller is woken.
///
/// # Errors
/// When the address cannot be listened on.
pub fn open(
    host: IpAddr,
    port: u16,
    tuning: Tuning,
    to: Sender<Arrival>,
    poller: Arc<Poller>,
) -> Result<Door> {
    let listener = TcpListener::bind((host, port))
        .with_context(|| format!("cannot listen on {host}:{port}: choose another --port"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let (open, closed) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("door".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = closed => {}
                _ = receive(listener, tuning, to, poller) => {}
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(Door { address, _open: open })
}

/// Takes in clients until all expected are there, or for ever.
async fn receive(
    listener: TcpListener,
    tuning: Tuning,
    to: Sender<Arrival>,
    poller: Arc<Poller>,
) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(HANDSHAKES));
    let places = Arc::new(Mutex::new(HashSet::new()));
    let (seat, mut seated) = tokio::sync::mpsc::unbounded_channel::<()>();
    let mut left = tuning.expected;
    while left != Some(0) {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = seated.recv() => {
                left = left.map(|n| n - 1);
                continue;
            }
        };
        let Ok((socket, peer)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (tuning, to, poller, seat, places) =
            (tuning.clone(), to.clone(), Arc::clone(&poller), seat.clone(), Arc::clone(&places));
        tokio::spawn(async move {
            let shaken = tokio::time::timeout(HANDSHAKE, shake_hands(socket, &tuning)).await;
            drop(permit);
            match shaken {
                Ok(Ok((number, socket))) if is_wanted(number, tuning.expected, &places) => {
                    tuning.admissions.accept();
                    if to.send((number, socket)).is_ok() {
                        let _ = seat.send(());
                        let _ = poller.notify();
                    }
                }
                Ok(Err(error)) => {
                    debug!(%peer, "{peer} was turned away: {error:#}");
                    tuning.admissions.refuse(status(&error));
                }
                Ok(Ok(_)) => tuning.admissions.refuse(None),
                Err(_) => {
                    debug!(%peer, "{peer} was turned away: no handshake within {HANDSHAKE:?}");
                    tuning.admissions.refuse(None);
                }
            }
        });
    }
    Ok(())
}

/// The HTTP status that a client was turned away with, if it got one.
fn status(error: &anyhow::Error) -> Option<u16> {
    match error.downcast_ref() {
        Some(tungstenite::Error::Http(answer)) => Some(answer.status().as_u16()),
        _ => None,
    }
}

/// Whether a connection with that number is still to come.
fn is_wanted(number: usize, expected: Option<usize>, places: &Mutex<HashSet<usize>>) -> bool {
    let Some(expected) = expected else { return true };
    let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
    number < expected && places.insert(number)
}

async fn shake_hands(socket: tokio::net::TcpStream, tuning: &Tuning) -> Result<Arrival> {
    let limits = Some(outlet::limits());
    let mut number = 0;
    #[allow(clippy::result_large_err)] // the library's own signature
    let check = |request: &Request, response: Response| match request.uri().path() {
        "/ticks" => {
            let query = request.uri().query().unwrap_or_default();
            let asked = query.split('&').find_map(|pair| pair.strip_prefix("connection="));
            number = asked.and_then(|n| n.parse().ok()).unwrap_or(0);
            Ok(response)
        }
        _ => {
            let mut refusal = ErrorResponse::new(Some("ticks are at /ticks\n".into()));
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            Err(refusal)
        }
    };
    let protocol = tokio_tungstenite::accept_hdr_async_with_config(socket, check, limits).await?;
    // The server's side of a handshake reads no further than its end, for the
    // client has to wait for the answer: nothing is lost with the wrapper.
    let socket = protocol.into_inner().into_std()?;
    kernel::tune(&socket, tuning.send_buffer_bytes, tuning.congestion.as_deref())?;
    Ok((number, socket))
}
