//! The older benchmark's native client, rebuilt from its description: tokio and
//! tokio-tungstenite, every 1000th message parsed, a report once a second. The kit also
//! processes every tick, without which nothing could be audited.

mod older;

use anyhow::{Context, Result};
use client_kit::tungstenite::{config, read_stream};
use client_kit::{Class, ClientPlan, Identity, NoArgs, Outcome, QueueKind, QueueShape, Session};
use older::Older;
use std::process::ExitCode;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio_tungstenite::client_async_with_config;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "native-1000",
        class: Class::Application,
        runtime: "tokio, multi-thread".to_owned(),
        transport: "tokio TcpStream (epoll)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["tokio", "tokio-tungstenite", "tungstenite", "serde_json"],
    }
}

fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    let runtime = Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(async {
        let tasks: Vec<_> = sessions.into_iter().map(|s| tokio::spawn(client(s))).collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await??);
        }
        Ok(Outcome::combine(outcomes))
    })
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client_async_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut older = Older::new(session.plan());
    let mut processor = session.ready()?;
    let end = read_stream(&mut socket, |message| {
        older.process(message);
        processor.process_message(message)
    });
    let end = end.await;
    Ok(processor.finish(end))
}
