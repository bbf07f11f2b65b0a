//! What tungstenite sends, cut anywhere, is read back; what breaks the
//! protocol is refused.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;
use tungstenite::protocol::frame::{
    CloseFrame, Frame,
    coding::{CloseCode, Data, OpCode},
};
use tungstenite::{Message, WebSocket, protocol::Role};

const LIMIT: usize = 1 << 20;

/// An event that outlives the buffer.
#[derive(Debug, Clone, PartialEq)]
enum Heard {
    Binary(Vec<u8>),
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(u16),
}

fn heard(event: &Event<'_>) -> Heard {
    match event {
        Event::Binary(payload) => Heard::Binary(payload.to_vec()),
        Event::Text(text) => Heard::Text((*text).to_owned()),
        Event::Ping(payload) => Heard::Ping(payload.to_vec()),
        Event::Pong => Heard::Pong,
        Event::Close(code) => Heard::Close(*code),
    }
}

/// What a server says: a message in so many parts, with a ping after the first.
#[derive(Debug, Clone)]
enum Said {
    Binary(Vec<u8>, usize),
    Text(String, usize),
    Ping(Vec<u8>),
    Pong,
}

fn said() -> impl Strategy<Value = Said> {
    let length = prop_oneof![8 => 0..130usize, 2 => 100..70_000usize];
    let binary = length.prop_flat_map(|len| prop::collection::vec(any::<u8>(), len));
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 28).prop_map(|p| Said::Binary(p, 1)),
        2 => (binary, 1..5usize).prop_map(|(p, parts)| Said::Binary(p, parts)),
        2 => ("[a-zé]{0,200}", 1..5usize).prop_map(|(t, parts)| Said::Text(t, parts)),
        1 => prop::collection::vec(any::<u8>(), 0..125).prop_map(Said::Ping),
        1 => Just(Said::Pong),
    ]
}

fn parts_of(payload: &[u8], parts: usize, kind: Data, heard: &mut Vec<Heard>) -> Vec<Message> {
    let size = payload.len().div_ceil(parts).max(1);
    let mut chunks: Vec<&[u8]> = payload.chunks(size).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    let mut messages = Vec::new();
    for (index, chunk) in chunks.into_iter().enumerate() {
        let kind = if index == 0 { kind } else { Data::Continue };
        let frame = Frame::message(chunk.to_vec(), OpCode::Data(kind), index == last);
        messages.push(Message::Frame(frame));
        if index == 0 && last > 0 {
            messages.push(Message::Ping(vec![7].into()));
            heard.push(Heard::Ping(vec![7]));
        }
    }
    messages
}

/// The bytes of a conversation, written by tungstenite, and what is in them.
fn converse(said: Vec<Said>) -> (Vec<u8>, Vec<Heard>) {
    let mut server = WebSocket::from_raw_socket(Cursor::new(Vec::new()), Role::Server, None);
    let mut heard = Vec::new();
    for word in said {
        let messages = match word {
            Said::Binary(payload, parts) => {
                let messages = parts_of(&payload, parts, Data::Binary, &mut heard);
                heard.push(Heard::Binary(payload));
                messages
            }
            Said::Text(text, parts) => {
                let messages = parts_of(text.as_bytes(), parts, Data::Text, &mut heard);
                heard.push(Heard::Text(text));
                messages
            }
            Said::Ping(payload) => {
                heard.push(Heard::Ping(payload.clone()));
                vec![Message::Ping(payload.into())]
            }
            Said::Pong => {
                heard.push(Heard::Pong);
                vec![Message::Pong(Vec::new().into())]
            }
        };
        for message in messages {
            server.send(message).unwrap();
        }
    }
    let close = CloseFrame { code: CloseCode::Normal, reason: "the end".into() };
    server.close(Some(close)).unwrap();
    heard.push(Heard::Close(1000));
    (server.get_ref().get_ref().clone(), heard)
}

/// Reads all of `bytes`, which come in pieces of these sizes, over and over.
fn read_in_pieces(bytes: &[u8], sizes: &[usize], buffer: usize) -> Result<Vec<Heard>, FrameError> {
    let mut reader = FrameReader::new(buffer, LIMIT, &[]);
    let mut all = Vec::new();
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    loop {
        while let Some(event) = reader.next()? {
            all.push(heard(&event));
        }
        if rest.is_empty() {
            return Ok(all);
        }
        let space = reader.space();
        let count = (*sizes.next().unwrap()).min(space.len()).min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        reader.fill(count);
        rest = &rest[count..];
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_tungstenite_writes(
        words in prop::collection::vec(said(), 0..30),
        sizes in prop::collection::vec(1usize..2000, 1..20),
        buffer in 16usize..4096,
    ) {
        let (bytes, expected) = converse(words);
        prop_assert_eq!(read_in_pieces(&bytes, &sizes, buffer).unwrap(), expected);
    }

    #[test]
    fn rubbish_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        size in 1usize..50,
    ) {
        let _ = read_in_pieces(&bytes, &[size], 16);
    }

    #[test]
    fn answers_are_read_back_by_tungstenite(
        payload in prop::collection::vec(any::<u8>(), 0..=125),
        mask in any::<[u8; 4]>(),
    ) {
        let bytes = [pong(&payload, mask), close(1000, mask)].concat();
        let mut server = WebSocket::from_raw_socket(Cursor::new(bytes), Role::Server, None);
        prop_assert_eq!(server.read().unwrap(), Message::Pong(payload.into()));
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        prop_assert_eq!(server.read().unwrap(), Message::Close(Some(close)));
    }
}

#[test]
fn what_came_with_the_handshake_is_read_first() {
    let mut reader = FrameReader::new(16, LIMIT, &[0x82, 3, 1, 2]);
    assert_eq!(reader.next(), Ok(None));
    reader.space()[0] = 3;
    reader.fill(1);
    assert_eq!(reader.next(), Ok(Some(Event::Binary(&[1, 2, 3]))));
}

#[test]
fn breaches_of_the_protocol_are_refused() {
    let whole_64_bit = |len: u64| [&[0x82, 127][..], &len.to_be_bytes()].concat();
    let breaches: [(Vec<u8>, FrameError); 19] = [
        (vec![0x82, 0x81, 0, 0, 0, 0, 0], FrameError::Masked),
        (vec![0xc2, 0], FrameError::ReservedBit),
        (vec![0x83, 0], FrameError::Opcode(3)),
        (vec![0x8b, 0], FrameError::Opcode(11)),
        (vec![0x09, 0], FrameError::Control),
        (vec![0x89, 126, 0, 126], FrameError::Control),
        (vec![0x80, 0], FrameError::Fragment),
        (vec![0x02, 1, 9, 0x82, 1, 9], FrameError::Fragment),
        (whole_64_bit(LIMIT as u64 + 1), FrameError::TooLong(LIMIT)),
        (whole_64_bit(u64::MAX), FrameError::TooLong(LIMIT)),
        (vec![0x81, 2, 0xc3, 0x28], FrameError::Utf8),
        (vec![0x88, 1, 3], FrameError::Close),
        // What follows was found by the fuzzer, with tungstenite as the oracle.
        (vec![0x83, 125], FrameError::Opcode(3)),
        (vec![0x8f, 125], FrameError::Opcode(15)),
        (vec![0x88, 2, 3, 231], FrameError::CloseCode(999)),
        (vec![0x88, 2, 3, 237], FrameError::CloseCode(1005)),
        (vec![0x88, 2, 0xff, 0xff], FrameError::CloseCode(65_535)),
        (vec![0x88, 3, 3, 232, 0xff], FrameError::Utf8),
        (
            [&[0x02, 1, 9][..], &[0x80, 127][..], &(LIMIT as u64).to_be_bytes()].concat(),
            FrameError::TooLong(LIMIT),
        ),
    ];
    for (bytes, error) in breaches {
        assert_eq!(read_in_pieces(&bytes, &[1], 16), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn a_close_frame_may_be_empty() {
    assert_eq!(read_in_pieces(&[0x88, 0], &[1], 16), Ok(vec![Heard::Close(1005)]));
}
