//! The older benchmark's native client, rebuilt after its description: tokio and
//! tokio-tungstenite, every 1000th message parsed, a report once a second; and
//! besides that the kit's work on every tick, without which nothing could be audited.

mod older;

use anyhow::{Context, Result};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, QueueKind, QueueShape, Session, Taker,
};
use futures_util::{SinkExt, StreamExt};
use older::Older;
use std::process::ExitCode;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

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
        Ok(Outcome::of_all(outcomes))
    })
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.adopt(&stream)?;
    let handshake = client_async_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut older = Older::new(session.plan());
    let mut taker = session.ready()?;
    let end = read(&mut socket, &mut older, &mut taker).await;
    Ok(taker.finish(end))
}

async fn read(
    socket: &mut WebSocketStream<TcpStream>,
    older: &mut Older,
    taker: &mut Taker,
) -> End {
    loop {
        let flow = match socket.next().await {
            Some(Ok(Message::Binary(payload))) => {
                older.take(&payload);
                taker.take_binary(&payload)
            }
            Some(Ok(Message::Text(text))) => {
                older.take(text.as_bytes());
                taker.take_text(&text)
            }
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

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(client_kit::READ_BUFFER_BYTES)
        .max_message_size(Some(client_kit::MAX_MESSAGE_BYTES))
        .max_frame_size(Some(client_kit::MAX_MESSAGE_BYTES))
}
