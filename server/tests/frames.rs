//! What clients may send, case by case after RFC 6455; the Autobahn suite's
//! list of cases is the model, and its numbers are given. Every case is sent as
//! raw bytes, and where that library can send it, by fastwebsockets; then a
//! good client has to get on.

mod common;
mod sent;
mod witness;

use common::{ByHand, PATIENCE, connect};
use fastwebsockets::{Frame, OpCode, WebSocket, handshake};
use http_body_util::Empty;
use hyper::body::Bytes;
use sent::{CLOSE, Case, Expected, Sent, all};
use std::io::Write;
use std::time::Instant;
use tungstenite::Message;
use witness::Witness;

fn server() -> ByHand {
    ByHand::new(&["--rate", "2000"])
}

/// What the server answered, as far as the case asks for it.
struct Heard {
    pongs: Vec<Vec<u8>>,
    /// Pongs after which the client leaves.
    wanted: usize,
}

impl Heard {
    fn new(expected: &Expected) -> Self {
        let wanted = match expected {
            Expected::Pongs(pongs) => pongs.len(),
            Expected::Close(_) => usize::MAX,
        };
        Self { pongs: Vec::new(), wanted }
    }

    /// Whether that was the last one.
    fn hear(&mut self, pong: &[u8]) -> bool {
        self.pongs.push(pong.to_vec());
        self.pongs.len() == self.wanted
    }
}

/// Sends raw bytes, all at once or one by one; tungstenite only reads. The end
/// is the server's close of the socket.
fn by_bytes(url: &str, case: &Case, one_by_one: bool) -> Expected {
    let mut socket = connect(url);
    let bytes: Vec<u8> = case.sent.iter().flat_map(Sent::to_bytes).collect();
    for bytes in bytes.chunks(if one_by_one { 1 } else { usize::MAX }) {
        // The server may have seen enough before the last byte.
        let _ = socket.get_mut().write_all(bytes);
    }
    let (mut heard, mut code) = (Heard::new(&case.expected), None);
    let limit = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < limit, "{} gets no answer", case.name);
        match socket.read() {
            Ok(Message::Pong(payload)) if heard.hear(&payload) => {
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
            Err(tungstenite::Error::ConnectionClosed) if heard.pongs.len() == heard.wanted => {
                return Expected::Pongs(heard.pongs);
            }
            Err(tungstenite::Error::ConnectionClosed) => return Expected::Close(code),
            Err(error) => panic!("{}: {error}", case.name),
        }
    }
}

/// A close that the server began says why; one that it answers need not.
fn is_explained(reason: &str, case: &Case) -> bool {
    !reason.is_empty() || case.sent[0].opcode == CLOSE || case.name.contains("7.1.5")
}

/// Sends by another library, if it can send that.
async fn by_library(address: &str, case: &Case) -> Option<Expected> {
    let frames: Vec<Frame> = case.sent.iter().map(Sent::to_frame).collect::<Option<_>>()?;
    // It sends nothing behind a close frame, and is the same for all of a connection.
    let ends = frames.iter().position(|frame| frame.opcode == OpCode::Close);
    let masked = case.sent[0].masked;
    if ends.is_some_and(|at| at + 1 < frames.len()) || case.sent.iter().any(|s| s.masked != masked)
    {
        return None;
    }
    let mut socket = upgrade(address).await;
    socket.set_auto_apply_mask(masked);
    for frame in frames {
        let _ = socket.write_frame(frame).await;
    }
    let mut heard = Heard::new(&case.expected);
    loop {
        let frame = match socket.read_frame().await {
            Ok(frame) => frame,
            // It reads the ticks behind its own close frame, and says this to each.
            Err(fastwebsockets::WebSocketError::ConnectionClosed) => continue,
            Err(error) => panic!("{}: {error}", case.name),
        };
        match frame.opcode {
            OpCode::Pong if heard.hear(&frame.payload) => {
                return Some(Expected::Pongs(heard.pongs));
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
fn every_case_by_raw_bytes_ends_as_the_rfc_says() {
    let server = server();
    let witness = Witness::new(&server.url);
    for case in all() {
        let answer = by_bytes(&server.url, &case, false);
        assert_eq!(answer, case.expected, "{} (RFC 6455, {})", case.name, case.section);
        witness.is_served_after(&case.name);
    }
    witness.leave();
}

/// Autobahn 2.6, 2.11, 5.x: where the network cuts makes no difference.
#[test]
fn every_short_case_ends_alike_when_it_comes_byte_by_byte() {
    let server = server();
    let witness = Witness::new(&server.url);
    let is_short = |case: &Case| case.sent.iter().map(|s| s.payload.len() + 6).sum::<usize>() < 300;
    for case in all().into_iter().filter(is_short) {
        let answer = by_bytes(&server.url, &case, true);
        assert_eq!(answer, case.expected, "{} (RFC 6455, {})", case.name, case.section);
    }
    witness.is_served_after("all of them");
    witness.leave();
}

#[test]
fn every_case_that_another_library_can_send_ends_alike() {
    let server = server();
    let witness = Witness::new(&server.url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sent = 0;
    for case in all() {
        let address = server.address();
        let answer = async { tokio::time::timeout(PATIENCE, by_library(&address, &case)).await };
        let Some(answer) = runtime.block_on(answer).unwrap() else { continue };
        assert_eq!(answer, case.expected, "{} (RFC 6455, {})", case.name, case.section);
        witness.is_served_after(&case.name);
        sent += 1;
    }
    // Reserved bits, reserved opcodes and wrong lengths are beyond it.
    assert!(sent >= 60, "only {sent} cases");
    witness.leave();
}
