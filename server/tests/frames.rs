//! Frames of clients, case by case after RFC 6455, with the numbers of the list of the
//! Autobahn suite. Every case is sent as raw bytes, and if fastwebsockets can send it, by
//! fastwebsockets; after each, another client still has to be served.

mod common;
mod frame_cases;
mod reference_client;

use common::PATIENCE;
use common::clients::connect;
use common::standalone::Standalone;
use fastwebsockets::{Frame, OpCode, WebSocket, handshake};
use frame_cases::{CLOSE, Case, ClientFrame, Expected, all};
use http_body_util::Empty;
use hyper::body::Bytes;
use reference_client::ReferenceClient;
use std::io::Write;
use std::time::Instant;
use tungstenite::Message;

fn server() -> Standalone {
    Standalone::new(&["--rate", "2000"])
}

/// The pongs of the server.
struct Pongs {
    received: Vec<Vec<u8>>,
    /// The number of pongs after which the client leaves.
    wanted: usize,
}

impl Pongs {
    fn new(expected: &Expected) -> Self {
        let wanted = match expected {
            Expected::Pongs(pongs) => pongs.len(),
            Expected::Close(_) | Expected::Error => usize::MAX,
        };
        Self { received: Vec::new(), wanted }
    }

    /// Adds a pong; gives whether it is the last.
    fn add(&mut self, pong: &[u8]) -> bool {
        self.received.push(pong.to_vec());
        self.received.len() == self.wanted
    }
}

/// Sends raw bytes, all at once or one by one, and reads by tungstenite until the server
/// closes the socket.
fn by_bytes(url: &str, case: &Case, one_by_one: bool) -> Expected {
    let mut socket = connect(url);
    let bytes: Vec<u8> = case.frames.iter().flat_map(ClientFrame::to_bytes).collect();
    for bytes in bytes.chunks(if one_by_one { 1 } else { usize::MAX }) {
        // The server may close before the last byte.
        let _ = socket.get_mut().write_all(bytes);
    }
    let (mut pongs, mut code, mut is_answered) = (Pongs::new(&case.expected), None, false);
    let limit = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < limit, "{} gets no answer", case.name);
        match socket.read() {
            Ok(Message::Pong(payload)) if pongs.add(&payload) => {
                socket.close(None).unwrap();
            }
            Ok(Message::Text(text)) if is_error(&text) => {
                is_answered = true;
                socket.close(None).unwrap();
            }
            Ok(Message::Close(frame)) => {
                code = frame.map(|frame| {
                    let expected = Expected::Close(Some(frame.code.into()));
                    assert!(case.expected != expected || is_explained(&frame.reason, case));
                    frame.code.into()
                });
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) if is_answered => return Expected::Error,
            Err(tungstenite::Error::ConnectionClosed) if pongs.received.len() == pongs.wanted => {
                return Expected::Pongs(pongs.received);
            }
            Err(tungstenite::Error::ConnectionClosed) => return Expected::Close(code),
            Err(error) => panic!("{}: {error}", case.name),
        }
    }
}

/// Ticks are binary here: a text is an answer.
fn is_error(text: &str) -> bool {
    let answer: serde_json::Value = serde_json::from_str(text).unwrap();
    answer["type"] == "error"
}

/// A close that the server begins has a reason; an answer to one needs none.
fn is_explained(reason: &str, case: &Case) -> bool {
    !reason.is_empty() || case.frames[0].opcode == CLOSE || case.name.contains("7.1.5")
}

/// Sends by fastwebsockets, if it can send the frames.
async fn by_library(address: &str, case: &Case) -> Option<Expected> {
    let frames: Vec<Frame> =
        case.frames.iter().map(ClientFrame::to_frame).collect::<Option<_>>()?;
    // It sends nothing after a close frame, and masks all frames of a connection or none.
    let ends = frames.iter().position(|frame| frame.opcode == OpCode::Close);
    let masked = case.frames[0].masked;
    if ends.is_some_and(|at| at + 1 < frames.len())
        || case.frames.iter().any(|s| s.masked != masked)
    {
        return None;
    }
    let mut socket = upgrade(address).await;
    socket.set_auto_apply_mask(masked);
    for frame in frames {
        let _ = socket.write_frame(frame).await;
    }
    let mut pongs = Pongs::new(&case.expected);
    loop {
        let frame = match socket.read_frame().await {
            Ok(frame) => frame,
            // It gives this error for each tick that it reads after its own close frame.
            Err(fastwebsockets::WebSocketError::ConnectionClosed) => continue,
            Err(error) => panic!("{}: {error}", case.name),
        };
        match frame.opcode {
            OpCode::Pong if pongs.add(&frame.payload) => {
                return Some(Expected::Pongs(pongs.received));
            }
            OpCode::Text if is_error(str::from_utf8(&frame.payload).unwrap()) => {
                return Some(Expected::Error);
            }
            OpCode::Close => {
                let code =
                    frame.payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                return Some(Expected::Close(code));
            }
            _ => {}
        }
    }
}

type Upgraded = hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>;

async fn upgrade(address: &str) -> WebSocket<Upgraded> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = hyper::Request::get("/ticks")
        .header("Host", address)
        .header("Upgrade", "websocket")
        .header("Connection", "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    handshake::client(&executor, request, stream).await.unwrap().0
}

#[test]
fn every_case_ends_as_the_rfc_says() {
    let server = server();
    let reference = ReferenceClient::new(&server.url);
    for case in all() {
        let answer = by_bytes(&server.url, &case, false);
        assert_eq!(answer, case.expected, "{} (RFC 6455, {})", case.name, case.section);
        reference.assert_served_after(&case.name);
    }
    reference.leave();
}

/// Autobahn 2.6, 2.11, 5.x: how the network splits the bytes makes no difference.
#[test]
fn every_short_case_ends_the_same_way_when_it_comes_byte_by_byte() {
    let server = server();
    let reference = ReferenceClient::new(&server.url);
    let is_short =
        |case: &Case| case.frames.iter().map(|s| s.payload.len() + 6).sum::<usize>() < 300;
    for case in all().into_iter().filter(is_short) {
        let answer = by_bytes(&server.url, &case, true);
        assert_eq!(answer, case.expected, "{} (RFC 6455, {})", case.name, case.section);
    }
    reference.assert_served_after("all cases");
    reference.leave();
}

#[test]
fn every_case_that_fastwebsockets_can_send_ends_the_same_way() {
    let server = server();
    let reference = ReferenceClient::new(&server.url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sent = 0;
    for case in all() {
        let address = server.address().to_owned();
        let answer = async { tokio::time::timeout(PATIENCE, by_library(&address, &case)).await };
        let Some(answer) = runtime.block_on(answer).unwrap() else { continue };
        assert_eq!(answer, case.expected, "{} (RFC 6455, {})", case.name, case.section);
        reference.assert_served_after(&case.name);
        sent += 1;
    }
    // It cannot send reserved bits, reserved opcodes and wrong lengths.
    assert!(sent >= 60, "only {sent} cases");
    reference.leave();
}
