//! A client of the tick bench on tungstenite: a thread for each connection. Replace
//! tungstenite by your library; decoding, counting, stamping and the report are in the kit.

use anyhow::{Context, Result, anyhow};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, Processor, QueueKind, QueueShape, Session,
};
use std::net::TcpStream;
use std::process::ExitCode;
use tungstenite::{Message, WebSocket, client::client_with_config, protocol::WebSocketConfig};

fn main() -> ExitCode {
    client_kit::{{main}}identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "{{name}}",
        class: Class::Library,
        runtime: "one thread".to_owned(),
        transport: "std TcpStream (blocking)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["tungstenite"],
    }
}

/// A thread for each connection of the plan, mostly one.
fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    client_kit::thread_for_each(sessions, client)
}

fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client_with_config(session.url(), stream, Some(config()));
    let (mut socket, _) = handshake.map_err(|e| anyhow!("the WebSocket handshake failed: {e}"))?;
    let mut processor = session.ready()?;
    let end = read(&mut socket, &mut processor);
    Ok(processor.finish(end))
}

fn read(socket: &mut WebSocket<TcpStream>, processor: &mut Processor) -> End {
    loop {
        let flow = match socket.read() {
            Ok(Message::Binary(payload)) => processor.process_binary(&payload),
            Ok(Message::Text(text)) => processor.process_text(&text),
            Ok(Message::Close(frame)) => {
                let _ = socket.flush(); // the reply; the peer may not wait for it
                return End::Close(frame.map_or(1005, |frame| frame.code.into()));
            }
            Ok(_) => continue, // the library answers pings
            Err(error) => return End::Failed(error.to_string()),
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
