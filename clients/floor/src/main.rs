//! The floor: a raw socket, large reads, and messages as slices of the read buffer. The
//! reference for the others: the cost without a library.

use anyhow::{Context, Result};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, Processor, QueueKind, QueueShape, Session,
};
use frames::{Event, FrameReader};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

pub(crate) mod frames;
mod handshake;

/// The read size: larger than that of the libraries, as the floor uses what is fastest, and
/// still within a core's own cache.
pub(crate) const BUFFER_BYTES: usize = 256 << 10;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "floor",
        class: Class::Reference,
        runtime: "a thread for each connection".to_owned(),
        transport: "std TcpStream (blocking)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["client-floor"],
    }
}

/// A thread for each connection.
fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    client_kit::thread_for_each(sessions, client)
}

fn client(session: Session) -> Result<Outcome> {
    let mut stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.register_socket(&stream)?;
    let first = handshake::open_websocket(&mut stream, session.url())
        .context("the WebSocket handshake failed")?;
    let frames = FrameReader::new(BUFFER_BYTES, client_kit::MAX_MESSAGE_BYTES, &first);
    let mut processor = session.ready()?;
    let end = read(&mut stream, frames, &mut processor);
    Ok(processor.finish(end))
}

/// Reads to the end of the connection.
pub(crate) fn read(
    stream: &mut (impl Read + Write),
    mut frames: FrameReader,
    processor: &mut Processor,
) -> End {
    loop {
        match process_buffered(stream, &mut frames, processor) {
            Ok(None) => {}
            Ok(Some(end)) => return end,
            Err(error) => return End::Failed(format!("{error:#}")),
        }
        match stream.read(frames.space()) {
            Ok(0) => return End::StreamEnded,
            Ok(count) => frames.fill(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return End::Failed(error.to_string()),
        }
    }
}

/// Processes all complete messages in the buffer; returns an end if there is one.
fn process_buffered(
    stream: &mut impl Write,
    frames: &mut FrameReader,
    processor: &mut Processor,
) -> Result<Option<End>> {
    while let Some(event) = frames.next()? {
        let flow = match event {
            Event::Binary(payload) => processor.process_binary(payload),
            Event::Text(text) => processor.process_text(text),
            Event::Ping(payload) => {
                stream.write_all(&frames::pong(payload, mask()))?;
                continue;
            }
            Event::Pong => continue,
            Event::Close(code) => {
                // A peer that does not wait for the reply is no failure.
                let _ = stream.write_all(&frames::close(code, mask()));
                return Ok(Some(End::Close(code)));
            }
        };
        if flow.is_break() {
            return Ok(Some(End::Stopped));
        }
    }
    Ok(None)
}

/// A masking key, from the standard library's random hash keys.
fn mask() -> [u8; 4] {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0u8) as u32).to_ne_bytes()
}
