//! What tungstenite sends, cut anywhere, is decoded again; what violates the protocol is
//! refused.

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
enum Received {
    Binary(Vec<u8>),
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(u16),
}

fn received(event: &Event<'_>) -> Received {
    match event {
        Event::Binary(payload) => Received::Binary(payload.to_vec()),
        Event::Text(text) => Received::Text((*text).to_owned()),
        Event::Ping(payload) => Received::Ping(payload.to_vec()),
        Event::Pong => Received::Pong,
        Event::Close(code) => Received::Close(*code),
    }
}

/// What a server sends; a message in this number of fragments, with a ping after the first.
#[derive(Debug, Clone)]
enum Sent {
    Binary(Vec<u8>, usize),
    Text(String, usize),
    Ping(Vec<u8>),
    Pong,
}

fn sent() -> impl Strategy<Value = Sent> {
    let length = prop_oneof![8 => 0..130usize, 2 => 100..70_000usize];
    let binary = length.prop_flat_map(|len| prop::collection::vec(any::<u8>(), len));
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 28).prop_map(|p| Sent::Binary(p, 1)),
        2 => (binary, 1..5usize).prop_map(|(p, parts)| Sent::Binary(p, parts)),
        2 => ("[a-zé]{0,200}", 1..5usize).prop_map(|(t, parts)| Sent::Text(t, parts)),
        1 => prop::collection::vec(any::<u8>(), 0..125).prop_map(Sent::Ping),
        1 => Just(Sent::Pong),
    ]
}

fn parts_of(
    payload: &[u8],
    parts: usize,
    kind: Data,
    expected: &mut Vec<Received>,
) -> Vec<Message> {
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
            expected.push(Received::Ping(vec![7]));
        }
    }
    messages
}

/// The bytes that tungstenite writes for these messages, and what is in them.
fn encode(messages: Vec<Sent>) -> (Vec<u8>, Vec<Received>) {
    let mut server = WebSocket::from_raw_socket(Cursor::new(Vec::new()), Role::Server, None);
    let mut expected = Vec::new();
    for message in messages {
        let frames = match message {
            Sent::Binary(payload, parts) => {
                let messages = parts_of(&payload, parts, Data::Binary, &mut expected);
                expected.push(Received::Binary(payload));
                messages
            }
            Sent::Text(text, parts) => {
                let messages = parts_of(text.as_bytes(), parts, Data::Text, &mut expected);
                expected.push(Received::Text(text));
                messages
            }
            Sent::Ping(payload) => {
                expected.push(Received::Ping(payload.clone()));
                vec![Message::Ping(payload.into())]
            }
            Sent::Pong => {
                expected.push(Received::Pong);
                vec![Message::Pong(Vec::new().into())]
            }
        };
        for frame in frames {
            server.send(frame).unwrap();
        }
    }
    let close = CloseFrame { code: CloseCode::Normal, reason: "the end".into() };
    server.close(Some(close)).unwrap();
    expected.push(Received::Close(1000));
    (server.get_ref().get_ref().clone(), expected)
}

/// Decodes `bytes`, read in chunks of these sizes, which repeat.
fn read_in_chunks(
    bytes: &[u8],
    sizes: &[usize],
    buffer: usize,
) -> Result<Vec<Received>, FrameError> {
    let mut reader = FrameReader::new(buffer, LIMIT, &[]);
    let mut all = Vec::new();
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    loop {
        while let Some(event) = reader.next()? {
            all.push(received(&event));
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
    fn what_tungstenite_writes_is_decoded(
        messages in prop::collection::vec(sent(), 0..30),
        sizes in prop::collection::vec(1usize..2000, 1..20),
        buffer in 16usize..4096,
    ) {
        let (bytes, expected) = encode(messages);
        prop_assert_eq!(read_in_chunks(&bytes, &sizes, buffer).unwrap(), expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        size in 1usize..50,
    ) {
        let _ = read_in_chunks(&bytes, &[size], 16);
    }

    #[test]
    fn tungstenite_reads_the_answers(
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
fn bytes_that_came_with_the_handshake_are_decoded_first() {
    let mut reader = FrameReader::new(16, LIMIT, &[0x82, 3, 1, 2]);
    assert_eq!(reader.next(), Ok(None));
    reader.space()[0] = 3;
    reader.fill(1);
    assert_eq!(reader.next(), Ok(Some(Event::Binary(&[1, 2, 3]))));
}

#[test]
fn violations_of_the_protocol_are_refused() {
    let whole_64_bit = |len: u64| [&[0x82, 127][..], &len.to_be_bytes()].concat();
    let violations: [(Vec<u8>, FrameError); 19] = [
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
        // The following were found by the fuzzer, in comparison with tungstenite.
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
    for (bytes, error) in violations {
        assert_eq!(read_in_chunks(&bytes, &[1], 16), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn a_close_frame_may_be_empty() {
    assert_eq!(read_in_chunks(&[0x88, 0], &[1], 16), Ok(vec![Received::Close(1005)]));
}
