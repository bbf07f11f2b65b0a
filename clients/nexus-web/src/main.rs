//! nexus-web on a thread, used as its documentation shows: `recv` until it returns nothing;
//! each message is a slice of the read buffer.

use anyhow::{Context, Result};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, Processor, QueueKind, QueueShape, Session,
};
use nexus_web::ws::{Client, ClientBuilder, Message};
use std::net::TcpStream;
use std::process::ExitCode;

/// The most that a ping can carry.
const MAX_PING_BYTES: usize = 125;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "nexus-web",
        class: Class::Library,
        runtime: "a thread for each connection".to_owned(),
        transport: "std TcpStream (blocking)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["nexus-web"],
    }
}

/// A thread for each connection.
fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    client_kit::thread_for_each(sessions, client)
}

fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = builder().connect_with(stream, session.url());
    let mut socket = handshake.context("the WebSocket handshake failed")?;
    let mut processor = session.ready()?;
    let end = read(&mut socket, &mut processor);
    Ok(processor.finish(end))
}

pub(crate) fn read(socket: &mut Client<TcpStream>, processor: &mut Processor) -> End {
    loop {
        let flow = match socket.recv() {
            Ok(Some(Message::Binary(payload))) => processor.process_binary(payload),
            Ok(Some(Message::Text(text))) => processor.process_text(text),
            Ok(Some(Message::Ping(payload))) => {
                // The library leaves the answer to its user. The payload is in the buffer
                // that the answer borrows, too.
                let mut copy = [0; MAX_PING_BYTES];
                let copy = &mut copy[..payload.len()];
                copy.copy_from_slice(payload);
                if let Err(error) = socket.send_pong(copy) {
                    return End::Failed(error.to_string());
                }
                continue;
            }
            Ok(Some(Message::Pong(_))) => continue,
            Ok(Some(Message::Close(frame))) => {
                let code = frame.code;
                // A peer that does not wait for the reply is no failure.
                let _ = socket.close(code, "");
                return End::Close(code.as_u16());
            }
            Ok(None) => return End::StreamEnded,
            Err(error) => return End::Failed(error.to_string()),
        };
        if flow.is_break() {
            return End::Stopped;
        }
    }
}

pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
        .buffer_capacity(client_kit::READ_BUFFER_BYTES)
        .max_frame_size(client_kit::MAX_MESSAGE_BYTES as u64)
        .max_message_size(client_kit::MAX_MESSAGE_BYTES)
}
