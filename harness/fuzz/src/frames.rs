//! The floor's frame reader compared with tungstenite: the same messages and the same refusals,
//! however the bytes are split.

use crate::floor::{Event, FrameError, FrameReader};
use std::io::{self, Read, Write};
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// The code that tungstenite gives in place of an invalid one in a close frame.
const BAD_CODE: u16 = 1002;

/// An event that does not borrow from the reader's buffer.
#[derive(Debug, Clone, PartialEq)]
enum Heard {
    Binary(Vec<u8>),
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(u16),
}

impl Heard {
    /// Whether it may come between the fragments of a message.
    fn is_control(&self) -> bool {
        matches!(self, Self::Ping(_) | Self::Pong | Self::Close(_))
    }
}

/// Why bytes were refused. A frame with two faults may be refused for either, as the two readers
/// check its header in different orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// An invalid header, or a frame that may not come here.
    Frame,
    /// A control frame that is fragmented, or has a length in the long form.
    Control,
    /// Text that is not UTF-8.
    Utf8,
    /// An invalid code of a close frame, or half of one.
    Close,
}

/// The events of a reader, and the fault at which it stopped, if any.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    heard: Vec<Heard>,
    refused: Option<Fault>,
}

/// Reads a stream with both readers. The first three bytes set the limit of a message, the size
/// of the pieces that the stream is split into, and that of the reader's buffer.
///
/// # Panics
/// When the two readers do not agree.
pub fn hold(bytes: &[u8]) -> bool {
    let [limit, piece, buffer, stream @ ..] = bytes else { return false };
    let limit = [125, 126, 1000, 66_000][usize::from(limit % 4)];
    let ours = floor(stream, limit, usize::from(*piece) + 1, usize::from(*buffer));
    let theirs = oracle(stream, limit);
    assert_eq!(
        ours,
        floor(stream, limit, stream.len().max(1), 4096),
        "the split makes a difference"
    );
    if !agree(&ours, &theirs) {
        // The floor refuses a frame by its first bytes, tungstenite when it is complete.
        let longer = [stream, &vec![0; limit + 16]].concat();
        let later = oracle(&longer, limit);
        let early = theirs.refused.is_none() && ours.refused.is_some();
        assert!(early && agree(&ours, &later), "{ours:?}\nagainst {theirs:?}\nthen {later:?}");
    }
    ours.refused.is_none() && !ours.heard.is_empty()
}

/// Whether both have read the same, apart from three differences by design.
fn agree(ours: &Reading, theirs: &Reading) -> bool {
    let is_of_frame = |fault| matches!(fault, Some(Fault::Frame | Fault::Control));
    let alike = ours.refused == theirs.refused
        || (is_of_frame(ours.refused) && is_of_frame(theirs.refused));
    if ours.heard == theirs.heard && alike {
        return true;
    }
    // A control frame with its length in a longer form than it needs: RFC 6455 (section 5.2)
    // forbids it; tungstenite accepts it, and may find another fault in it.
    let more = theirs.heard.strip_prefix(ours.heard.as_slice());
    if let (Some(Fault::Control), Some(more)) = (ours.refused, more) {
        let is_next = more.first().map_or(theirs.refused.is_some(), Heard::is_control);
        if is_next {
            return true;
        }
    }
    // Fragmented text: tungstenite validates each fragment, the floor the whole message.
    let rest = ours.heard.strip_prefix(theirs.heard.as_slice());
    if theirs.refused == Some(Fault::Utf8) {
        return rest.is_some_and(|rest| rest.iter().all(Heard::is_control));
    }
    // An invalid close code: tungstenite replaces it.
    let (bad_close, before) = match theirs.heard.split_last() {
        Some((Heard::Close(code), before)) => (*code == BAD_CODE, before),
        _ => (false, theirs.heard.as_slice()),
    };
    bad_close && ours.refused == Some(Fault::Close) && ours.heard == before
}

fn floor(stream: &[u8], limit: usize, piece: usize, buffer: usize) -> Reading {
    let mut reader = FrameReader::new(buffer, limit, &[]);
    let (mut heard, mut rest) = (Vec::new(), stream);
    loop {
        loop {
            let event = match reader.next() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => return Reading { heard, refused: Some(fault(&error)) },
            };
            heard.push(match event {
                Event::Binary(payload) => Heard::Binary(payload.to_vec()),
                Event::Text(text) => Heard::Text(text.to_owned()),
                Event::Ping(payload) => Heard::Ping(payload.to_vec()),
                Event::Pong => Heard::Pong,
                Event::Close(code) => Heard::Close(code),
            });
            if let Some(Heard::Close(_)) = heard.last() {
                return Reading { heard, refused: None };
            }
        }
        if rest.is_empty() {
            return Reading { heard, refused: None };
        }
        let space = reader.space();
        // The buffer doubles until a whole frame fits.
        assert!(!space.is_empty() && space.len() <= 2 * (limit + 16).max(buffer));
        let count = piece.min(space.len()).min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        reader.fill(count);
        rest = &rest[count..];
    }
}

fn fault(error: &FrameError) -> Fault {
    match error {
        FrameError::Utf8 => Fault::Utf8,
        FrameError::Close | FrameError::CloseCode(_) => Fault::Close,
        FrameError::Control => Fault::Control,
        FrameError::Masked
        | FrameError::ReservedBit
        | FrameError::Opcode(_)
        | FrameError::Fragment
        | FrameError::TooLong(_) => Fault::Frame,
    }
}

/// A connection on which only the peer sends: what is written to it is discarded.
struct Peer<'a>(&'a [u8]);

impl Read for Peer<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn oracle(stream: &[u8], limit: usize) -> Reading {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .read_buffer_size(256);
    let mut socket = WebSocket::from_raw_socket(Peer(stream), Role::Client, Some(limits));
    let mut heard = Vec::new();
    loop {
        heard.push(match socket.read() {
            Ok(Message::Binary(payload)) => Heard::Binary(payload.to_vec()),
            Ok(Message::Text(text)) => Heard::Text(text.to_string()),
            Ok(Message::Ping(payload)) => Heard::Ping(payload.to_vec()),
            Ok(Message::Pong(_)) => Heard::Pong,
            Ok(Message::Close(frame)) => {
                heard.push(Heard::Close(frame.map_or(1005, |frame| frame.code.into())));
                return Reading { heard, refused: None };
            }
            Ok(Message::Frame(_)) => unreachable!("reading gives no raw frames"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return Reading { heard, refused: None };
            }
            Err(error) => return Reading { heard, refused: Some(their_fault(&error)) },
        });
    }
}

fn their_fault(error: &Error) -> Fault {
    match error {
        Error::Utf8(_) => Fault::Utf8,
        Error::Protocol(ProtocolError::InvalidCloseSequence) => Fault::Close,
        Error::Protocol(
            ProtocolError::FragmentedControlFrame | ProtocolError::ControlFrameTooBig,
        ) => Fault::Control,
        Error::Protocol(
            ProtocolError::MaskedFrameFromServer
            | ProtocolError::NonZeroReservedBits
            | ProtocolError::InvalidOpcode(_)
            | ProtocolError::UnexpectedContinueFrame
            | ProtocolError::ExpectedFragment(_),
        )
        | Error::Capacity(CapacityError::MessageTooLong { .. }) => Fault::Frame,
        other => panic!("an error that is not about frames: {other}"),
    }
}
