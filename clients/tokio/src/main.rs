//! tokio + tokio-tungstenite, used as their documentation shows: connect, then `next()` until
//! the stream ends.

use anyhow::{Context, Result};
use clap::Parser;
use client_kit::tungstenite::{config, read_stream};
use client_kit::{Class, ClientPlan, Identity, Outcome, QueueKind, QueueShape, Session};
use std::process::ExitCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;

/// A client of the tick bench on tokio and tokio-tungstenite.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Run everything on one thread instead of tokio's pool of workers.
    #[arg(long)]
    current_thread: bool,
}

fn main() -> ExitCode {
    client_kit::main_with_tls(identify, run)
}

fn identify(args: &Args, plan: &ClientPlan) -> Identity {
    let flavour = if args.current_thread { "current-thread" } else { "multi-thread" };
    Identity {
        name: "tokio",
        class: Class::Library,
        runtime: format!("tokio, {flavour}"),
        transport: match plan.ca {
            None => "tokio TcpStream (epoll)",
            Some(_) => "tokio TcpStream (epoll), rustls",
        },
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["tokio", "tokio-tungstenite", "tungstenite"],
    }
}

fn run(args: &Args, sessions: Vec<Session>) -> Result<Outcome> {
    let runtime = match args.current_thread {
        true => Builder::new_current_thread().enable_io().build()?,
        false => Builder::new_multi_thread().enable_io().build()?,
    };
    // Each reader is a task on a worker thread, as in a service.
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
    match session.tls()? {
        None => run_websocket(session, stream).await,
        Some(tls) => {
            let handshake = TlsConnector::from(tls.config).connect(tls.name, stream);
            run_websocket(session, handshake.await.context("the TLS handshake failed")?).await
        }
    }
}

async fn run_websocket<S: AsyncRead + AsyncWrite + Unpin>(
    session: Session,
    stream: S,
) -> Result<Outcome> {
    let handshake = client_async_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut processor = session.ready()?;
    let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
    Ok(processor.finish(end))
}
