//! Clients over real sockets.

use super::PATIENCE;
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tick::Format;
use tungstenite::{Message, WebSocket};

/// The request of a client, as raw bytes.
pub const REQUEST: &[u8] =
    b"GET /ticks HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// `HOST:PORT` of a URL.
pub fn address(url: &str) -> &str {
    url.split('/').nth(2).unwrap()
}

/// A client whose reads and writes fail when they take too long.
pub fn connect(url: &str) -> WebSocket<TcpStream> {
    connect_on(dial(address(url), None), url)
}

/// The same with a small receive buffer.
pub fn connect_narrow(url: &str, receive_buffer_bytes: usize) -> WebSocket<TcpStream> {
    connect_on(dial(address(url), Some(receive_buffer_bytes)), url)
}

fn connect_on(socket: TcpStream, url: &str) -> WebSocket<TcpStream> {
    tungstenite::client(url, socket).unwrap().0
}

/// A socket whose receive buffer is set before it is connected. If it were made smaller
/// later, its kernel would have advertised more room than there is: it would drop incoming
/// bytes, and with them the acknowledgements of what was sent.
pub fn dial(address: &str, receive_buffer_bytes: Option<usize>) -> TcpStream {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    receive_buffer_bytes.map_or(Ok(()), |n| socket.set_recv_buffer_size(n)).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket.into()
}

/// Makes dropping the socket reset the connection.
pub fn reset_on_drop(socket: &TcpStream) {
    SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Reads up to the close frame: the payloads, and the close code.
pub fn read_all(socket: &mut WebSocket<impl Read + Write>) -> (Vec<Vec<u8>>, u16) {
    let (mut payloads, mut code) = (Vec::new(), 0);
    loop {
        match socket.read() {
            Ok(Message::Binary(payload)) => payloads.push(payload.to_vec()),
            Ok(Message::Text(text)) => payloads.push(text.as_bytes().to_vec()),
            Ok(Message::Close(Some(frame))) => code = frame.code.into(),
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return (payloads, code),
            Err(e) => panic!("after {} ticks: {e}", payloads.len()),
        }
    }
}

/// Reads up to the close frame, at most 8 ticks per ms: less than a fast server sends. Gives
/// how many ticks came, and the code and reason of the close frame.
pub fn read_slowly(socket: &mut WebSocket<TcpStream>) -> (u64, u16, String) {
    let mut ticks = 0;
    loop {
        match socket.read().unwrap() {
            Message::Binary(_) | Message::Text(_) => ticks += 1,
            Message::Close(frame) => {
                let frame = frame.unwrap();
                return (ticks, frame.code.into(), frame.reason.to_string());
            }
            _ => {}
        }
        if ticks.is_multiple_of(8) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The seq of a tick in the format `binary`.
pub fn seq(payload: &[u8]) -> u64 {
    Format::Binary.decode(payload, 0).unwrap().seq
}

/// The seq of the next tick in the format `binary`.
pub fn next_seq(client: &mut WebSocket<TcpStream>) -> u64 {
    loop {
        if let Message::Binary(payload) = client.read().unwrap() {
            return seq(&payload);
        }
    }
}

/// Whether these ticks have consecutive seqs.
pub fn is_ascending_without_gaps(payloads: &[Vec<u8>]) -> bool {
    payloads.windows(2).all(|pair| seq(&pair[0]) + 1 == seq(&pair[1]))
}
