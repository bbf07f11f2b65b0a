//! smol + async-tungstenite: connect, then `next()` until the stream ends.

use anyhow::{Context, Result};
use async_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use async_tungstenite::{WebSocketStream, client_async_with_config};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, QueueKind, QueueShape, Session, Taker,
};
use futures_util::{SinkExt, StreamExt};
use smol::net::TcpStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "smol",
        class: Class::Library,
        runtime: "smol, global executor".to_owned(),
        transport: "smol TcpStream (epoll)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["smol", "async-tungstenite", "tungstenite"],
    }
}

fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    // Each reader is a task of its own on the executor, as it is in a service.
    let tasks: Vec<_> = sessions.into_iter().map(|s| smol::spawn(client(s))).collect();
    smol::block_on(async {
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await?);
        }
        Ok(Outcome::of_all(outcomes))
    })
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.adopt(&stream)?;
    let handshake = client_async_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.await.context("the WebSocket handshake failed")?;
    let mut taker = session.ready()?;
    let end = read(&mut socket, &mut taker).await;
    Ok(taker.finish(end))
}

pub(crate) async fn read(socket: &mut WebSocketStream<TcpStream>, taker: &mut Taker) -> End {
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
