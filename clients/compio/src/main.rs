//! compio (completion I/O on io_uring) + async-tungstenite over compio's own
//! adapter for futures: connect, then `next()` until the stream ends.

use anyhow::{Context, Result, anyhow};
use async_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use async_tungstenite::{WebSocketStream, client_async_with_config};
use client_kit::{
    Class, ClientPlan, End, Identity, IoUringUnavailable, NoArgs, Outcome, QueueKind, QueueShape,
    Session, Taker,
};
use compio::io::compat::AsyncStream;
use compio::net::TcpStream;
use compio::runtime::Runtime;
use futures_util::{SinkExt, StreamExt};
use std::pin::Pin;
use std::process::ExitCode;

/// What async-tungstenite reads from: a buffer that io_uring fills.
pub(crate) type Stream = Pin<Box<AsyncStream<TcpStream>>>;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "compio",
        class: Class::Library,
        runtime: "compio, one thread".to_owned(),
        transport: "compio TcpStream (io_uring receive)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["compio", "async-tungstenite", "tungstenite"],
    }
}

fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    match Runtime::new() {
        Ok(runtime) => runtime.block_on(clients(sessions)),
        Err(error) => Ok(Outcome::unavailable(IoUringUnavailable::new(&error).to_string())),
    }
}

/// A task for each connection, all on the one thread.
async fn clients(sessions: Vec<Session>) -> Result<Outcome> {
    let tasks: Vec<_> = sessions.into_iter().map(|s| compio::runtime::spawn(client(s))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.map_err(|_| anyhow!("a reader panicked"))??);
    }
    Ok(Outcome::of_all(outcomes))
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.adopt(&stream)?;
    let handshake = client_async_with_config(session.url(), adapt(stream), Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut taker = session.ready()?;
    let end = read(&mut socket, &mut taker).await;
    Ok(taker.finish(end))
}

/// An operation of io_uring owns its buffer until it is complete, so the bytes
/// are copied once more on their way to tungstenite's.
pub(crate) fn adapt(stream: TcpStream) -> Stream {
    Box::pin(AsyncStream::with_capacity(client_kit::READ_BUFFER_BYTES, stream))
}

pub(crate) async fn read(socket: &mut WebSocketStream<Stream>, taker: &mut Taker) -> End {
    loop {
        let flow = match socket.next().await {
            Some(Ok(Message::Binary(payload))) => taker.take_binary(&payload),
            Some(Ok(Message::Text(text))) => taker.take_text(&text),
            Some(Ok(Message::Close(frame))) => {
                // The library has prepared the reply; a peer that does not
                // wait for it is no fault.
                let _ = socket.flush().await;
                return End::Close(frame.map_or(1005, |frame| frame.code.into()));
            }
            // The library answers a ping when it is asked for what comes next.
            Some(Ok(_)) => continue,
            Some(Err(error)) => return End::Failed(error.to_string()),
            None => return End::StreamEnded,
        };
        if flow.is_break() {
            return End::Stopped;
        }
    }
}

pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(client_kit::READ_BUFFER_BYTES)
        .max_message_size(Some(client_kit::MAX_MESSAGE_BYTES))
        .max_frame_size(Some(client_kit::MAX_MESSAGE_BYTES))
}
