//! compio (completion I/O on io_uring) + async-tungstenite over compio's own
//! adapter for futures: connect, then `next()` until the stream ends.

use anyhow::{Context, Result, anyhow};
use async_tungstenite::client_async_with_config;
use client_kit::tungstenite::{config, read_stream};
use client_kit::{
    Class, ClientPlan, Identity, IoUringUnavailable, NoArgs, Outcome, QueueKind, QueueShape,
    Session,
};
use compio::io::compat::AsyncStream;
use compio::net::TcpStream;
use compio::runtime::Runtime;
use std::pin::Pin;
use std::process::ExitCode;

/// What async-tungstenite reads from: an adapter with a buffer that io_uring fills.
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
    Ok(Outcome::combine(outcomes))
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client_async_with_config(session.url(), adapt(stream), Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut processor = session.ready()?;
    let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
    Ok(processor.finish(end))
}

/// An io_uring operation owns its buffer until it is complete, so the bytes are copied once
/// more, into tungstenite's buffer.
pub(crate) fn adapt(stream: TcpStream) -> Stream {
    Box::pin(AsyncStream::with_capacity(client_kit::READ_BUFFER_BYTES, stream))
}
