//! A client of the tick bench on tungstenite: one connection, one thread. Put your
//! library in its place; decoding, counting, stamping and the report are the kit's.

use anyhow::{Context, Result, anyhow};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, QueueKind, QueueShape, Session, Processor,
};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
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
    let readers: Vec<_> = sessions.into_iter().map(|s| thread::spawn(|| client(s))).collect();
    let mut outcomes = Vec::new();
    for reader in readers {
        outcomes.push(reader.join().map_err(|_| anyhow!("a reader panicked"))??);
    }
    Ok(Outcome::combine(outcomes))
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
                let _ = socket.flush(); // the reply; nobody may wait for it
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
