//! Follows the frame headers of what a client sends. tungstenite checks a length before
//! anything else, and its error for one that is too large does not say of which kind of
//! frame; but a control frame has another close code than a message (RFC 6455, 5.5).

/// The longest payload of a control frame (RFC 6455, 5.5).
const CONTROL_BYTES: u64 = 125;
/// The longest header without the masking key, which counts as payload here.
const HEADER_BYTES: usize = 10;

/// The position within a stream of frames.
#[derive(Debug, Default)]
pub struct FrameHeaders {
    /// The header of the incoming frame, as far as it has come.
    header: [u8; HEADER_BYTES],
    /// How many bytes of the header have come.
    have: usize,
    /// Bytes until the next header.
    left: u64,
}

impl FrameHeaders {
    /// More bytes have come in.
    pub fn advance(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len() as u64);
                self.left -= skipped;
                bytes = &bytes[skipped as usize..];
                continue;
            }
            if self.payload_bytes().is_some() {
                self.have = 0;
            }
            self.header[self.have] = byte;
            self.have += 1;
            bytes = rest;
            if let Some(payload_bytes) = self.payload_bytes() {
                let key_bytes = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
                self.left = payload_bytes.saturating_add(key_bytes);
            }
        }
    }

    /// Whether the newest frame whose length is known is a control frame that is too long.
    #[must_use]
    pub fn is_long_control(&self) -> bool {
        self.header[0] & 0x08 != 0 && self.payload_bytes().is_some_and(|len| len > CONTROL_BYTES)
    }

    /// The length that the header announces, once the header is complete (RFC 6455, 5.2).
    fn payload_bytes(&self) -> Option<u64> {
        let header = &self.header[..self.have];
        match (header.get(1)? & 0x7f, header.get(2..)?) {
            (126, &[a, b]) => Some(u64::from(u16::from_be_bytes([a, b]))),
            (127, long) => Some(u64::from_be_bytes(long.try_into().ok()?)),
            (126, _) => None,
            (short, _) => Some(u64::from(short)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};

    fn announced(first: u8, len: u64) -> Vec<u8> {
        let mut bytes = vec![first, 0x80 | 127];
        bytes.extend(len.to_be_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn a_long_control_frame_is_distinguished_from_a_long_message() {
        for (first, is_control) in [(0x89, true), (0x88, true), (0x09, true), (0x82, false)] {
            for len in [126, 1 << 20, 1 << 63, u64::MAX] {
                let mut headers = FrameHeaders::default();
                headers.advance(&announced(first, len));
                assert_eq!(headers.is_long_control(), is_control, "{first:#x} of {len}");
            }
        }
        let mut headers = FrameHeaders::default();
        headers.advance(&announced(0x89, 125));
        assert!(!headers.is_long_control());
    }

    proptest! {
        /// Frames as the library writes them, split anywhere; only the last is too long.
        #[test]
        fn a_long_control_frame_is_found_after_any_frames_however_they_are_split(
            lengths in prop::collection::vec((0usize..70_000, any::<bool>()), 0..4),
            cut in 1usize..9_000,
        ) {
            let mut bytes = Vec::new();
            for (len, masked) in lengths {
                let payload = vec![0x89; len];
                let mut frame = match len {
                    0..126 => Frame::ping(payload),
                    _ => Frame::message(payload, OpCode::Data(Data::Text), true),
                };
                frame.header_mut().mask = masked.then_some([0x88; 4]);
                frame.format(&mut bytes).unwrap();
            }
            let mut headers = FrameHeaders::default();
            for part in bytes.chunks(cut) {
                headers.advance(part);
                prop_assert!(!headers.is_long_control());
            }
            for part in announced(0x89, 1 << 40).chunks(cut) {
                headers.advance(part);
            }
            prop_assert!(headers.is_long_control());
        }
    }
}
