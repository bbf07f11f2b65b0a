//! A server that accepts connections one by one, on a port that the kernel chooses.

use crate::patience::PATIENCE;
use anyhow::{Context, Result, bail};
use socket2::SockRef;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::time::Duration;
use tick::{Format, Framer, Market};
use tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tungstenite::{Message, WebSocket};

/// The seed of the market that every connection sends.
const SEED: u64 = 11;
/// The send buffer where little should wait in the kernel: about 2 000 ticks, twice as many
/// with what the kernel adds.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// The market that every connection sends.
#[must_use]
pub fn market() -> Market {
    Market::new(SEED)
}

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
    /// # Errors
    /// When there is no loopback.
    pub fn bind() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no loopback")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// Its URL, for a client's plan.
    ///
    /// # Errors
    /// Never, as the socket is bound.
    pub fn url(&self) -> Result<String> {
        Ok(format!("ws://{}/ticks", self.listener.local_addr()?))
    }

    /// The next client, if one is waiting; without a handshake.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn accept_now(&self) -> Result<Option<TcpStream>> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Some(stream))
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(e).context("cannot accept"),
        }
    }

    /// Waits for a client and does the handshake.
    ///
    /// # Errors
    /// When none comes, or it does not speak WebSocket.
    pub fn accept(&self, format: Format) -> Result<Connection> {
        let begin = std::time::Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(stream) = self.accept_now()? {
                return Connection::open(stream, format);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        bail!("no client came")
    }
}

impl Connection {
    /// Does the handshake.
    pub(crate) fn open(stream: TcpStream, format: Format) -> Result<Self> {
        let handshake = tungstenite::accept(stream);
        let socket = handshake.map_err(|e| anyhow::anyhow!("its handshake failed: {e}"))?;
        Ok(Self { socket, framer: Framer::new(format, market(), 0) })
    }

    /// Limits the kernel's send queue, so that a slow client soon processes what waits in it.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn hold_little(&self) -> Result<()> {
        let socket = SockRef::from(self.socket.get_ref());
        socket.set_send_buffer_size(SEND_BUFFER_BYTES).context("SO_SNDBUF")
    }

    /// These ticks as frames.
    #[must_use]
    pub fn frames(&self, seqs: Range<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.framer.append(seqs, |seq| seq * 1000, &mut bytes);
        bytes
    }

    /// Sends these ticks in one write.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn ticks(&mut self, seqs: Range<u64>) -> Result<()> {
        let frames = self.frames(seqs);
        self.bytes(&frames)
    }

    /// Sends any bytes.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket.get_mut().write_all(bytes).context("it takes no more bytes")
    }

    /// Sends any message.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn message(&mut self, message: Message) -> Result<()> {
        self.socket.send(message).context("it takes no message")
    }

    /// Sends a ping and waits for its pong.
    ///
    /// # Errors
    /// When anything else comes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<()> {
        self.message(Message::Ping(payload.to_vec().into()))?;
        self.pong(payload)
    }

    /// Waits for this pong.
    ///
    /// # Errors
    /// When anything else comes.
    pub fn pong(&mut self, payload: &[u8]) -> Result<()> {
        match self.socket.read().context("no pong")? {
            Message::Pong(answer) if answer == payload => Ok(()),
            other => bail!("{other:?} instead of a pong"),
        }
    }

    /// Sends a close frame with this code, and waits for the answer.
    ///
    /// # Errors
    /// When the client does not answer with a close frame.
    pub fn close(mut self, code: u16) -> Result<()> {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        self.socket.close(Some(frame)).context("it takes no close frame")?;
        match self.socket.read().context("its close frame")? {
            Message::Close(Some(answer)) if u16::from(answer.code) == code => Ok(()),
            other => bail!("{other:?} instead of a close frame with {code}"),
        }
    }

    /// Resets the connection.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn reset(self) -> Result<()> {
        let socket = SockRef::from(self.socket.get_ref());
        socket.set_linger(Some(Duration::ZERO)).context("SO_LINGER")
    }
}
