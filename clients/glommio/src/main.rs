//! A glommio executor pinned to one CPU + async-tungstenite over glommio's
//! TcpStream: connect, then `next()` until the stream ends.

use anyhow::{Context, Result};
use async_tungstenite::client_async_with_config;
use client_kit::tungstenite::{config, read_stream};
use client_kit::{Class, ClientPlan, Identity, NoArgs, Outcome, QueueKind, QueueShape, Session};
use glommio::net::TcpStream;
use std::process::ExitCode;

mod executor;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "glommio",
        class: Class::Library,
        runtime: "glommio, one executor pinned to one CPU".to_owned(),
        transport: "glommio TcpStream (recv, io_uring poll)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["glommio", "async-tungstenite", "tungstenite"],
    }
}

fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    match executor::pinned() {
        Ok(executor) => executor.run(clients(sessions)),
        Err(reason) => Ok(Outcome::unavailable(reason.to_string())),
    }
}

/// A task for each connection, all on the one executor.
async fn clients(sessions: Vec<Session>) -> Result<Outcome> {
    let tasks: Vec<_> = sessions.into_iter().map(|s| glommio::spawn_local(client(s))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await?);
    }
    Ok(Outcome::combine(outcomes))
}

async fn client(session: Session) -> Result<Outcome> {
    let connecting = TcpStream::connect(session.address());
    let stream = connecting.await.map_err(std::io::Error::from).context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client_async_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut processor = session.ready()?;
    let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
    Ok(processor.finish(end))
}
