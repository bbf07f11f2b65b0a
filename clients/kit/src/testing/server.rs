//! A server of one connection, on a port that the kernel chooses.

use super::PATIENCE;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tick::{Format, Framer, Market};
use tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tungstenite::{Message, WebSocket};

/// The seed of the market that every connection sends.
const SEED: u64 = 11;

/// Listens on loopback.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

/// One client, connected.
#[derive(Debug)]
pub struct Connection {
    socket: WebSocket<TcpStream>,
    framer: Framer,
}

impl Server {
    /// Listens on any free port.
    ///
    /// # Panics
    /// When there is no loopback.
    #[must_use]
    pub fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("loopback") }
    }

    /// For a client's plan.
    ///
    /// # Panics
    /// Never: the socket is bound.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/ticks", self.listener.local_addr().expect("bound"))
    }

    /// Waits for a client, without a word to it.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn accept_tcp(&self) -> TcpStream {
        self.listener.set_nonblocking(true).expect("a socket option");
        let begin = Instant::now();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("a socket option");
                    stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
                    stream.set_write_timeout(Some(PATIENCE)).expect("a socket option");
                    return stream;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock && begin.elapsed() < PATIENCE => {
                    sleep(Duration::from_millis(1));
                }
                Err(e) => panic!("no client came: {e}"),
            }
        }
    }

    /// Waits for a client and shakes hands.
    ///
    /// # Panics
    /// When none comes, or it does not speak WebSocket.
    #[must_use]
    pub fn accept(&self, format: Format) -> Connection {
        let socket = tungstenite::accept(self.accept_tcp()).expect("a handshake");
        Connection { socket, framer: Framer::new(format, market(), 0) }
    }
}

/// The market that every connection sends.
pub(super) fn market() -> Market {
    Market::new(SEED)
}

impl Connection {
    /// Sends these ticks.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn ticks(&mut self, seqs: std::ops::Range<u64>) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        self.framer.append(seqs, |seq| seq * 1000, &mut bytes);
        self.socket.get_mut().write_all(&bytes)
    }

    /// Sends any message.
    ///
    /// # Panics
    /// When the client has gone.
    pub fn message(&mut self, message: Message) {
        self.socket.send(message).expect("the client takes a message");
    }

    /// Sends a ping and waits for its pong.
    ///
    /// # Panics
    /// When anything else comes.
    pub fn ping(&mut self, payload: &[u8]) {
        self.message(Message::Ping(payload.to_vec().into()));
        let answer = self.socket.read().expect("an answer");
        assert_eq!(answer, Message::Pong(payload.to_vec().into()));
    }

    /// Sends a close frame with this code, and sees the answer.
    ///
    /// # Panics
    /// When the client does not answer with a close frame.
    pub fn close(mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        self.socket.close(Some(frame)).expect("the client takes a close frame");
        let answer = self.socket.read();
        assert!(matches!(answer, Ok(Message::Close(Some(f))) if u16::from(f.code) == code));
    }
}
