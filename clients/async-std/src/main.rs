//! async-std + async-tungstenite: connect, then `next()` until the stream ends.

use anyhow::{Context, Result};
use async_std::net::TcpStream;
use async_std::task;
use async_tungstenite::client_async_with_config;
use client_kit::tungstenite::{config, read_stream};
use client_kit::{Class, ClientPlan, Identity, NoArgs, Outcome, QueueKind, QueueShape, Session};
use std::process::ExitCode;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "async-std",
        class: Class::Library,
        runtime: "async-std, global executor".to_owned(),
        transport: "async-std TcpStream (epoll)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["async-std", "async-tungstenite", "tungstenite"],
    }
}

fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    // Each reader is a task on a worker thread, as in a service.
    let tasks: Vec<_> = sessions.into_iter().map(|s| task::spawn(client(s))).collect();
    task::block_on(async {
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await?);
        }
        Ok(Outcome::combine(outcomes))
    })
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client_async_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut processor = session.ready()?;
    let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
    Ok(processor.finish(end))
}
