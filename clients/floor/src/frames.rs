//! Decodes WebSocket messages (RFC 6455, section 5) without copying: a message in one frame is
//! a slice of the read buffer.

use std::ops::Range;
use tungstenite::protocol::frame::coding::CloseCode;

/// The longest header that a server can send: two bytes and a 64-bit length.
const MAX_HEADER_BYTES: usize = 10;

/// The longest payload of a frame whose length is in its first two bytes.
const MAX_SHORT_BYTES: usize = 125;

/// A message or control frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A complete binary message.
    Binary(&'a [u8]),
    /// A complete text message.
    Text(&'a str),
    /// To be answered with [`pong`] of the same payload.
    Ping(&'a [u8]),
    /// Allowed, although nothing asked for it.
    Pong,
    /// The close code, 1005 when there is none; to be answered with [`close`].
    Close(u16),
}

/// A violation of the protocol, which ends the connection.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A server must not mask.
    #[error("a masked frame from the server")]
    Masked,
    /// A bit that is reserved for extensions.
    #[error("a reserved bit is set")]
    ReservedBit,
    /// An opcode that does not exist.
    #[error("unknown opcode {0:#x}")]
    Opcode(u8),
    /// A control frame that is too long, or fragmented.
    #[error("a control frame is fragmented or has more than 125 bytes")]
    Control,
    /// A continuation without a beginning, or a message inside a fragmented one.
    #[error("a fragment out of order")]
    Fragment,
    /// Longer than the limit.
    #[error("a message of more than {0} bytes")]
    TooLong(usize),
    /// Text, or the reason of a close frame, that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// A close frame with one byte.
    #[error("a close frame of one byte")]
    Close,
    /// A close code that must not be in a frame, such as 1006, or that is not assigned.
    #[error("a close frame with code {0}, which must not be sent")]
    CloseCode(u16),
}

/// The decoded header of a frame.
struct Header {
    is_final: bool,
    opcode: u8,
    /// Where its payload is in the buffer; it may not have been read yet.
    payload: Range<usize>,
}

/// Decodes frames in a buffer that is filled from a socket.
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    /// The bytes of `buffer` that have not been decoded yet.
    start: usize,
    end: usize,
    max_message_bytes: usize,
    /// Whether the fragmented message is text; `None` when there is none.
    parts_are_text: Option<bool>,
    parts: Vec<u8>,
    /// The parts have been handed over, and have to be cleared.
    parts_are_whole: bool,
}

impl FrameReader {
    /// With a buffer of `buffer_bytes` that begins with the bytes `first`.
    ///
    /// # Panics
    /// When the limit is below the 125 bytes of a short frame: the fast path of
    /// [`FrameReader::next`] does not check the limit.
    pub fn new(buffer_bytes: usize, max_message_bytes: usize, first: &[u8]) -> Self {
        assert!(max_message_bytes >= MAX_SHORT_BYTES, "a limit below that of short frames");
        let mut buffer = vec![0; buffer_bytes.max(first.len() + MAX_HEADER_BYTES)];
        buffer[..first.len()].copy_from_slice(first);
        Self {
            buffer,
            start: 0,
            end: first.len(),
            max_message_bytes,
            parts_are_text: None,
            parts: Vec::new(),
            parts_are_whole: false,
        }
    }

    /// Where to read to; never empty. To be called when [`FrameReader::next`] has returned
    /// `None`.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            // Less than one frame: its end has not been read yet.
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            // One frame fills the buffer; `next` has checked its length.
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// `count` bytes have been read to [`FrameReader::space`].
    pub fn fill(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.buffer.len());
    }

    /// The next complete message or control frame; `None` when more bytes are needed.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, FrameError> {
        // Nearly all frames are short, final and binary: those are recognised at once.
        let short = match &self.buffer[self.start..self.end] {
            [0x82, len @ 0..126, rest @ ..] if rest.len() >= usize::from(*len) => usize::from(*len),
            _ => return self.next_general(),
        };
        if self.parts_are_text.is_some() {
            return Err(FrameError::Fragment);
        }
        let payload = self.start + 2..self.start + 2 + short;
        self.start = payload.end;
        Ok(Some(Event::Binary(&self.buffer[payload])))
    }

    #[inline(never)]
    fn next_general(&mut self) -> Result<Option<Event<'_>>, FrameError> {
        if std::mem::take(&mut self.parts_are_whole) {
            self.parts.clear();
        }
        loop {
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            if header.payload.end > self.end {
                return Ok(None);
            }
            self.start = header.payload.end;
            match (header.opcode, self.parts_are_text, header.is_final) {
                (0x8..=0xf, _, _) => return self.control(header).map(Some),
                (0x0, Some(is_text), true) => {
                    self.parts.extend_from_slice(&self.buffer[header.payload]);
                    (self.parts_are_text, self.parts_are_whole) = (None, true);
                    return message(is_text, &self.parts).map(Some);
                }
                (0x0, Some(_), false) => self.parts.extend_from_slice(&self.buffer[header.payload]),
                (0x1 | 0x2, None, true) => {
                    return message(header.opcode == 0x1, &self.buffer[header.payload]).map(Some);
                }
                (0x1 | 0x2, None, false) => {
                    self.parts.extend_from_slice(&self.buffer[header.payload]);
                    self.parts_are_text = Some(header.opcode == 0x1);
                }
                _ => return Err(FrameError::Fragment),
            }
        }
    }

    /// The header at `start`, checked; `None` when it is incomplete.
    fn header(&self) -> Result<Option<Header>, FrameError> {
        let bytes = &self.buffer[self.start..self.end];
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let (is_final, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 {
            return Err(FrameError::ReservedBit);
        }
        if second & 0x80 != 0 {
            return Err(FrameError::Masked);
        }
        // Before its payload has come.
        if !matches!(opcode, 0x0..=0x2 | 0x8..=0xa) {
            return Err(FrameError::Opcode(opcode));
        }
        let short = second & 0x7f;
        if opcode >= 0x8 && (!is_final || short > 125) {
            return Err(FrameError::Control);
        }
        let (header_bytes, len) = match short {
            126 => match rest.first_chunk() {
                Some(bytes) => (4, u64::from(u16::from_be_bytes(*bytes))),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(bytes) => (10, u64::from_be_bytes(*bytes)),
                None => return Ok(None),
            },
            len => (2, u64::from(len)),
        };
        let before = if opcode == 0x0 { self.parts.len() } else { 0 };
        let fits = usize::try_from(len).ok().filter(|len| {
            len.checked_add(before).is_some_and(|whole| whole <= self.max_message_bytes)
        });
        let len = fits.ok_or(FrameError::TooLong(self.max_message_bytes))?;
        let payload = self.start + header_bytes;
        Ok(Some(Header { is_final, opcode, payload: payload..payload + len }))
    }

    fn control(&self, header: Header) -> Result<Event<'_>, FrameError> {
        let payload = &self.buffer[header.payload];
        match (header.opcode, payload) {
            (0x8, []) => Ok(Event::Close(1005)),
            (0x8, [_]) => Err(FrameError::Close),
            (0x8, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                // The code is sent back to the server, so it has to be one that may be sent.
                if !CloseCode::from(code).is_allowed() {
                    return Err(FrameError::CloseCode(code));
                }
                std::str::from_utf8(reason).map_err(|_| FrameError::Utf8)?;
                Ok(Event::Close(code))
            }
            (0x9, _) => Ok(Event::Ping(payload)),
            _ => Ok(Event::Pong),
        }
    }
}

fn message(is_text: bool, payload: &[u8]) -> Result<Event<'_>, FrameError> {
    match is_text {
        false => Ok(Event::Binary(payload)),
        true => std::str::from_utf8(payload).map(Event::Text).map_err(|_| FrameError::Utf8),
    }
}

/// The answer to a ping; masked, as a client's frames have to be.
pub fn pong(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    control_frame(0xa, payload, mask)
}

/// The answer to a close frame, with the same code.
pub fn close(code: u16, mask: [u8; 4]) -> Vec<u8> {
    match code {
        1005 => control_frame(0x8, &[], mask),
        code => control_frame(0x8, &code.to_be_bytes(), mask),
    }
}

fn control_frame(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    debug_assert!(payload.len() <= 125, "a control frame is short");
    let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
