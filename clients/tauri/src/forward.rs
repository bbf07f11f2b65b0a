//! Ticks from a socket in the Rust process into the page, on Tauri's own runtime.

use crate::args::Path;
use anyhow::Result;
use client_kit::page::{Relay, Relayed, RelayedTick};
use client_kit::tungstenite::{config, read_stream};
use client_kit::{End, PageConnection, Session};
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tauri::async_runtime::{JoinHandle, spawn};
use tauri::ipc::{Channel, JavaScriptChannelId};
use tauri::{AppHandle, Emitter, State, Webview};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Between two frames of a display.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// The close code for an end without a close frame (RFC 6455, section 7.1.5).
const ABNORMAL: u16 = 1006;

/// A message of a channel.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ToPage {
    /// One tick.
    Tick(RelayedTick),
    /// The ticks of a frame.
    Batch(Vec<RelayedTick>),
    /// The end of the connection: its close code.
    End(u16),
}

/// The way into the page of one connection.
#[derive(Clone)]
enum Way {
    Emit { app: AppHandle, tick: String, end: String },
    Channel(Channel<ToPage>),
    Batches { channel: Channel<ToPage>, batch: Arc<Mutex<Vec<RelayedTick>>> },
}

/// A connection that the page has asked for.
pub struct Opened {
    /// Its session.
    pub session: Session,
    socket: WebSocketStream<TcpStream>,
    way: Way,
}

/// What the page's command and the client's thread share.
#[derive(Default)]
pub struct Forwarding {
    /// Set before the page connects.
    asked_for: Mutex<(Option<Path>, Vec<Option<Session>>)>,
    opened: Mutex<Vec<Opened>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Forwarding {
    /// Lets the page open these connections.
    pub fn offer(&self, path: Path, sessions: Vec<Session>) {
        *lock(&self.asked_for) = (Some(path), sessions.into_iter().map(Some).collect());
    }

    /// What the page has opened, in the order of the connections.
    pub fn take_opened(&self) -> Vec<Opened> {
        let mut opened = std::mem::take(&mut *lock(&self.opened));
        opened.sort_by_key(|opened| opened.session.connection());
        opened
    }
}

/// Connects, as the page asks for it. Ticks are read once the client's thread says so.
#[tauri::command]
pub async fn open(
    app: AppHandle,
    webview: Webview,
    forwarding: State<'_, Arc<Forwarding>>,
    connection: usize,
    ticks: Option<JavaScriptChannelId>,
) -> std::result::Result<(), String> {
    let (path, session) = {
        let mut asked_for = lock(&forwarding.asked_for);
        let session = asked_for.1.get_mut(connection).and_then(Option::take);
        (asked_for.0, session)
    };
    let session = session.ok_or("no such connection")?;
    let channel = ticks.map(|id| id.channel_on(webview));
    let way = match (path, channel) {
        (Some(Path::Emit), _) => {
            Way::Emit { app, tick: format!("tick-{connection}"), end: format!("end-{connection}") }
        }
        (Some(Path::Channel), Some(channel)) => Way::Channel(channel),
        (Some(Path::ChannelBatched), Some(channel)) => {
            Way::Batches { channel, batch: Arc::default() }
        }
        _ => return Err("a channel is needed".to_owned()),
    };
    let socket = connect(&session).await.map_err(|error| format!("{error:#}"))?;
    lock(&forwarding.opened).push(Opened { session, socket, way });
    Ok(())
}

/// The socket of a session, after its handshake.
pub async fn connect(session: &Session) -> Result<WebSocketStream<TcpStream>> {
    let stream = TcpStream::connect(session.address()).await?;
    session.register_socket(&stream)?;
    Ok(client_async_with_config(session.url(), stream, Some(config())).await?.0)
}

impl Opened {
    /// Begins to read it, now that all of them are open.
    pub fn start(self) -> Result<(PageConnection, JoinHandle<(End, Relayed)>)> {
        let Self { session, socket, way } = self;
        let connection = session.ready_with_page()?;
        let relay = Relay::new(connection.clone());
        Ok((connection, spawn(read(socket, relay, way))))
    }
}

/// Reads to the end, and passes every tick on.
async fn read(
    mut socket: WebSocketStream<TcpStream>,
    mut relay: Relay,
    way: Way,
) -> (End, Relayed) {
    let frames = way.batches().map(spawn);
    let mut fault = None;
    let end = read_stream(&mut socket, |message| {
        let tick = relay.take(message);
        match tick.map_or(Ok(()), |tick| way.send(tick)) {
            Ok(()) => relay.flow(),
            Err(error) => {
                fault = Some(End::Failed(error.to_string()));
                ControlFlow::Break(())
            }
        }
    })
    .await;
    if let Some(frames) = frames {
        frames.abort();
    }
    let mut end = fault.unwrap_or(end);
    if let Err(error) = way.end(&end) {
        end = End::Failed(error.to_string());
    }
    (end, relay.finish())
}

impl Way {
    fn send(&self, tick: RelayedTick) -> tauri::Result<()> {
        match self {
            Self::Emit { app, tick: event, .. } => app.emit(event, tick),
            Self::Channel(channel) => channel.send(ToPage::Tick(tick)),
            Self::Batches { batch, .. } => {
                lock(batch).push(tick);
                Ok(())
            }
        }
    }

    /// Sends what has come, once a frame.
    fn batches(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let Self::Batches { channel, batch } = self.clone() else { return None };
        Some(async move {
            let mut frames = interval(FRAME);
            frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                frames.tick().await;
                // The end sends what is left, and reports what fails.
                let _ = send_batch(&channel, &batch);
            }
        })
    }

    /// Tells the page that no tick follows.
    fn end(&self, end: &End) -> tauri::Result<()> {
        let code = match end {
            End::Close(code) => *code,
            _ => ABNORMAL,
        };
        match self {
            Self::Emit { app, end, .. } => app.emit(end, code),
            Self::Channel(channel) => channel.send(ToPage::End(code)),
            Self::Batches { channel, batch } => {
                send_batch(channel, batch)?;
                channel.send(ToPage::End(code))
            }
        }
    }
}

/// Under the lock, so that two batches keep their order.
fn send_batch(channel: &Channel<ToPage>, batch: &Mutex<Vec<RelayedTick>>) -> tauri::Result<()> {
    let mut batch = lock(batch);
    match batch.is_empty() {
        true => Ok(()),
        false => channel.send(ToPage::Batch(std::mem::take(&mut *batch))),
    }
}
