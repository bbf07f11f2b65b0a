//! The frames that clients send in the tests: cases after RFC 6455 and the list of the
//! Autobahn suite.

use fastwebsockets::{Frame, OpCode, Payload};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The longest message that the server takes.
const LIMIT: usize = tick_server::connection::violation::MESSAGE_BYTES;

/// A frame of a client, valid or not.
#[derive(Clone)]
pub struct ClientFrame {
    fin: bool,
    reserved: u8,
    pub opcode: u8,
    pub masked: bool,
    pub payload: Vec<u8>,
    /// The length in the header, if it is not that of the payload.
    announced: Option<u64>,
}

fn frame(opcode: u8, payload: impl AsRef<[u8]>) -> ClientFrame {
    let payload = payload.as_ref().to_vec();
    ClientFrame { fin: true, reserved: 0, opcode, masked: true, payload, announced: None }
}

/// A frame that is not the last of its message.
fn part(opcode: u8, payload: impl AsRef<[u8]>) -> ClientFrame {
    ClientFrame { fin: false, ..frame(opcode, payload) }
}

fn unmasked(opcode: u8, payload: impl AsRef<[u8]>) -> ClientFrame {
    ClientFrame { masked: false, ..frame(opcode, payload) }
}

fn reserved(bits: u8, opcode: u8) -> ClientFrame {
    ClientFrame { reserved: bits, ..frame(opcode, "hello") }
}

fn announced(opcode: u8, length: u64) -> ClientFrame {
    ClientFrame { announced: Some(length), ..frame(opcode, "") }
}

fn close(code: u16, reason: impl AsRef<[u8]>) -> ClientFrame {
    frame(CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
}

impl ClientFrame {
    /// RFC 6455, 5.2.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let mask = u8::from(self.masked) << 7;
        match self.announced.unwrap_or(self.payload.len() as u64) {
            length @ 0..=125 => bytes.push(mask | length as u8),
            length @ 126..=0xffff => {
                bytes.push(mask | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(mask | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        if self.masked {
            let key = [0x37, 0xfa, 0x21, 0x3d];
            bytes.extend(key);
            let masked = self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
            bytes.extend(masked);
        } else {
            bytes.extend(&self.payload);
        }
        bytes
    }

    /// The same for fastwebsockets, if it can send such a frame.
    pub fn to_frame(&self) -> Option<Frame<'_>> {
        let opcode = OpCode::try_from(self.opcode).ok()?;
        let is_sendable = self.reserved == 0 && self.announced.is_none();
        is_sendable.then(|| Frame::new(self.fin, opcode, None, Payload::Borrowed(&self.payload)))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// A close frame with that code; `None`: without a code.
    Close(Option<u16>),
    /// These pongs, and the connection stays open.
    Pongs(Vec<Vec<u8>>),
    /// An error message, and the connection stays open.
    Error,
}

pub struct Case {
    pub name: String,
    /// The section of RFC 6455.
    pub section: &'static str,
    pub frames: Vec<ClientFrame>,
    pub expected: Expected,
}

fn case(
    name: impl Into<String>,
    section: &'static str,
    frames: Vec<ClientFrame>,
    code: u16,
) -> Case {
    Case { name: name.into(), section, frames, expected: Expected::Close(Some(code)) }
}

fn pongs(name: &str, section: &'static str, frames: Vec<ClientFrame>, payloads: &[&[u8]]) -> Case {
    let payloads = payloads.iter().map(|payload| payload.to_vec()).collect();
    Case { name: name.into(), section, frames, expected: Expected::Pongs(payloads) }
}

/// A text that no server of ticks knows: it is answered, and the client leaves.
fn unknown(name: &str, section: &'static str, frames: Vec<ClientFrame>) -> Case {
    Case { name: name.into(), section, frames, expected: Expected::Error }
}

/// Autobahn 1 and 2: messages, pings and pongs.
fn messages() -> Vec<Case> {
    let long = [b'x'; 125];
    vec![
        unknown("1.1.1 an empty text", "5.6", vec![frame(TEXT, "")]),
        unknown("1.1.2 a text", "5.6", vec![frame(TEXT, "*".repeat(125))]),
        case("1.2.1 an empty binary message", "7.4.1", vec![frame(BINARY, "")], 1003),
        case("1.2.2 a binary message", "7.4.1", vec![frame(BINARY, [0xfe; 125])], 1003),
        pongs("2.1 an empty ping", "5.5.2", vec![frame(PING, "")], &[b""]),
        pongs("2.2 a ping with text", "5.5.2", vec![frame(PING, "hello")], &[b"hello"]),
        pongs(
            "2.3 a ping with bytes",
            "5.5.2",
            vec![frame(PING, [0, 255, 254])],
            &[&[0, 255, 254]],
        ),
        pongs("2.4 the longest ping", "5.5", vec![frame(PING, long)], &[&long]),
        case("2.5 a ping that is too long", "5.5", vec![frame(PING, [b'x'; 126])], 1002),
        pongs(
            "2.7 an unsolicited pong, then a ping",
            "5.5.3",
            vec![frame(PONG, ""), frame(PONG, "unsolicited"), frame(PING, "I")],
            &[b"I"],
        ),
        pongs(
            "a pong that looks like a tick count of the server",
            "5.5.3",
            vec![frame(PONG, u64::MAX.to_le_bytes()), frame(PING, "still here")],
            &[b"still here"],
        ),
        pongs(
            "2.10 many pings at once",
            "5.5.2",
            vec![frame(PING, "n"); 100],
            &[b"n".as_slice(); 100],
        ),
        case("a pong that is too long", "5.5", vec![frame(PONG, [b'x'; 126])], 1002),
    ]
}

/// Autobahn 3 and 4, and masks: the first two bytes of a frame.
fn headers() -> Vec<Case> {
    let mut cases = vec![
        case("an unmasked text", "5.1", vec![unmasked(TEXT, "hello")], 1002),
        case("an unmasked ping", "5.1", vec![unmasked(PING, "hello")], 1002),
        case("an unmasked close", "5.1", vec![unmasked(CLOSE, 1000u16.to_be_bytes())], 1002),
    ];
    for bits in 1..=7 {
        for opcode in [TEXT, BINARY, PING, CLOSE] {
            let name = format!("3.{bits} reserved bits {bits:03b} with opcode {opcode}");
            cases.push(case(name, "5.2", vec![reserved(bits, opcode)], 1002));
        }
    }
    for opcode in (3..=7).chain(11..=15) {
        let name = format!("4 the reserved opcode {opcode}");
        cases.push(case(name, "5.2", vec![frame(opcode, "")], 1002));
        let name = format!("4 the reserved opcode {opcode} after a ping");
        cases.push(case(name, "5.2", vec![frame(PING, ""), frame(opcode, "x")], 1002));
    }
    cases
}

/// Autobahn 5: messages in parts.
fn fragments() -> Vec<Case> {
    let continued = || frame(CONTINUATION, "b");
    vec![
        case("5.1 a ping in parts", "5.4", vec![part(PING, "a"), continued()], 1002),
        case("5.2 a pong in parts", "5.4", vec![part(PONG, "a"), continued()], 1002),
        case("a close in parts", "5.4", vec![part(CLOSE, 1000u16.to_be_bytes())], 1002),
        unknown("5.3 a text in two parts", "5.4", vec![part(TEXT, "a"), continued()]),
        case("a binary message in two parts", "5.4", vec![part(BINARY, "a"), continued()], 1003),
        pongs(
            "5.6 a ping between two parts",
            "5.4",
            vec![part(TEXT, "a"), frame(PING, "now"), part(CONTINUATION, "b")],
            &[b"now"],
        ),
        case("5.9 a continuation without a beginning", "5.4", vec![continued()], 1002),
        case("5.10 the first part of a continuation", "5.4", vec![part(CONTINUATION, "a")], 1002),
        case("5.18 a text within a text", "5.4", vec![part(TEXT, "a"), frame(TEXT, "b")], 1002),
        case(
            "a binary message within a text",
            "5.4",
            vec![part(TEXT, "a"), frame(BINARY, "b")],
            1002,
        ),
        unknown("a text in a thousand parts", "5.4", thousand_parts()),
    ]
}

fn thousand_parts() -> Vec<ClientFrame> {
    let mut frames = vec![part(CONTINUATION, ""); 1000];
    frames[0].opcode = TEXT;
    frames[999].fin = true;
    frames
}

/// Autobahn 6: texts that are not UTF-8 (RFC 3629).
fn texts() -> Vec<Case> {
    let bad: [(&str, &[u8]); 8] = [
        ("6.3.1 a surrogate in the middle", b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited"),
        ("6.10 an overlong slash", b"\xc0\xaf"),
        ("6.11 the overlong null", b"\xe0\x80\x80"),
        ("6.14 a lone continuation byte", b"\x80"),
        ("6.16 a byte that UTF-8 does not have", b"\xff"),
        ("6.20 a surrogate", b"\xed\xbf\xbf"),
        ("6.21 beyond the last code point", b"\xf4\x90\x80\x80"),
        ("6.4 the end cut off", b"\xf0\x9f\x98"),
    ];
    let mut cases = Vec::new();
    for (name, bytes) in bad {
        cases.push(case(name, "8.1", vec![frame(TEXT, bytes)], 1007));
        let (head, tail) = bytes.split_at(bytes.len() / 2);
        let cut = vec![part(TEXT, head), frame(CONTINUATION, tail)];
        cases.push(case(format!("{name}, in parts"), "8.1", cut, 1007));
    }
    let cut = vec![part(TEXT, b"\xf0\x9f"), frame(CONTINUATION, b"\x98\x80")];
    cases.push(unknown("6.2.3 a code point in two parts", "8.1", cut));
    cases.push(unknown("6.23 the last code point", "8.1", vec![frame(TEXT, "\u{10ffff}")]));
    cases
}

/// Autobahn 7: closes.
fn closes() -> Vec<Case> {
    let mut cases = vec![
        Case {
            name: "7.3.1 a close without a code".into(),
            section: "5.5.1",
            frames: vec![frame(CLOSE, "")],
            expected: Expected::Close(None),
        },
        case("7.3.2 a close with one byte", "5.5.1", vec![frame(CLOSE, [3])], 1002),
        case("7.3.4 a close with a reason", "5.5.1", vec![close(1000, "bye")], 1000),
        case("7.3.5 the longest reason", "5.5", vec![close(1000, "*".repeat(123))], 1000),
        case("7.3.6 a reason that is too long", "5.5", vec![close(1000, "*".repeat(124))], 1002),
        case("7.5.1 a reason that is not UTF-8", "8.1", vec![close(1000, b"\xce\xba\xff")], 1007),
        case("7.1.2 two closes", "5.5.1", vec![close(1000, ""), close(1001, "")], 1000),
        case("7.1.3 a ping after a close", "5.5.1", vec![close(1000, ""), frame(PING, "")], 1000),
        case("7.1.4 a text after a close", "5.5.1", vec![close(1000, ""), frame(TEXT, "x")], 1000),
        case("7.1.5 a close within a text", "5.4", vec![part(TEXT, "a"), close(1000, "")], 1000),
        case(
            "a frame after a violation",
            "7.1.7",
            vec![unmasked(TEXT, "x"), frame(TEXT, "y")],
            1002,
        ),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        cases.push(case(format!("7.7 close code {code}"), "7.4", vec![close(code, "")], code));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(case(format!("7.9 close code {code}"), "7.4.1", vec![close(code, "")], 1002));
    }
    cases
}

/// Autobahn 9: lengths.
fn sizes() -> Vec<Case> {
    let full = "x".repeat(LIMIT);
    let mut cases = vec![
        unknown("the longest text", "10.4", vec![frame(TEXT, &full)]),
        case("a text one byte too long", "10.4", vec![frame(TEXT, full.clone() + "x")], 1009),
        case(
            "a text too long in parts",
            "10.4",
            vec![part(TEXT, &full), frame(CONTINUATION, "x")],
            1009,
        ),
        case("a binary message too long", "10.4", vec![frame(BINARY, vec![7; LIMIT + 1])], 1009),
    ];
    for power in [17, 31, 32, 33, 62] {
        let frames = vec![announced(BINARY, 1 << power)];
        cases.push(case(format!("2^{power} bytes are announced"), "10.4", frames, 1009));
    }
    // The highest bit has to be 0 (5.2); the length is too large anyway.
    for length in [(1 << 63) - 1, 1 << 63, u64::MAX] {
        let frames = vec![announced(TEXT, length)];
        cases.push(case(format!("{length} bytes are announced"), "5.2", frames, 1009));
    }
    // Control frames may not be that long, however long messages may be.
    for (name, opcode) in [("ping", PING), ("pong", PONG), ("close", CLOSE)] {
        for length in [126, 1 << 16, 1 << 20, 1 << 63] {
            let frames = vec![announced(opcode, length)];
            cases.push(case(format!("a {name} of {length} bytes"), "5.5", frames, 1002));
        }
    }
    cases
}

pub fn all() -> Vec<Case> {
    [messages(), headers(), fragments(), texts(), closes(), sizes()].into_iter().flatten().collect()
}
