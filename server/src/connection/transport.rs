//! The control side of a connection: tungstenite reads the socket, and what it
//! wants to write – pings, pongs, a close – is caught in memory, for only the
//! outlet knows where a frame may begin. Under TLS the socket is reached through here
//! both ways.

use crate::connection::frame_headers::Headers;
use crate::connection::tls::Tls;
use rustls::ServerConnection;
use std::io::{ErrorKind, IoSlice, Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A stream that reads from a socket and writes into memory.
#[derive(Debug)]
pub struct Tap {
    socket: Arc<TcpStream>,
    /// Bytes that may still be read in this turn.
    allowance: usize,
    caught: Vec<u8>,
    headers: Headers,
    tls: Option<Tls>,
}

impl Tap {
    /// A tap on that (nonblocking) socket, with what its TLS handshake has left.
    #[must_use]
    pub fn new(socket: Arc<TcpStream>, tls: Option<Box<ServerConnection>>) -> Self {
        let tls = tls.map(Tls::new);
        Self { socket, allowance: 0, caught: Vec::new(), headers: Headers::default(), tls }
    }

    /// Whether it is under TLS.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether bytes that count as sent wait for the socket.
    #[must_use]
    pub fn is_clogged(&self) -> bool {
        self.tls.as_ref().is_some_and(Tls::is_clogged)
    }

    /// Writes data: all that the socket takes, under TLS one chunk. Gives the count of
    /// bytes, and whether the socket is full.
    ///
    /// # Errors
    /// What the socket says.
    pub fn send(&mut self, slices: &[IoSlice<'_>]) -> Result<(usize, bool)> {
        match &mut self.tls {
            None => {
                let sent = (&*self.socket).write_vectored(slices)?;
                Ok((sent, sent < slices.iter().map(|slice| slice.len()).sum()))
            }
            Some(tls) => Ok((tls.send(&self.socket, slices)?, tls.is_clogged())),
        }
    }

    /// Writes what counts as sent and has waited.
    ///
    /// # Errors
    /// `WouldBlock` when the socket does not take it all; what the socket says.
    pub fn unclog(&mut self) -> Result<()> {
        self.tls.as_mut().map_or(Ok(()), |tls| tls.flush(&self.socket))
    }

    /// Says that nothing more comes, where that is to be said; false: the socket does
    /// not take it yet.
    pub fn bid_farewell(&mut self) -> bool {
        self.tls.as_mut().is_none_or(|tls| tls.bid_farewell(&self.socket))
    }

    /// Bytes that the kernel has taken, of `plain` that were sent.
    #[must_use]
    pub fn wire_bytes(&self, plain: u64) -> u64 {
        self.tls.as_ref().map_or(plain, Tls::cipher_bytes)
    }

    /// How many of the bytes that were sent are acknowledged, when so many on the wire are.
    pub fn acknowledge(&mut self, wire_bytes: u64) -> u64 {
        self.tls.as_mut().map_or(wire_bytes, |tls| tls.acknowledge(wire_bytes))
    }

    /// What waits to be put between two data frames.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.caught)
    }

    /// Whether what comes in is a control frame that is too long.
    #[must_use]
    pub fn is_long_control(&self) -> bool {
        self.headers.is_long_control()
    }

    /// A new turn: so many bytes may be read.
    pub fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if let Some(tls) = &mut self.tls {
            return tls.read(&self.socket, buffer, &mut self.allowance);
        }
        let room = buffer.len().min(self.allowance);
        if room == 0 {
            // What is left in the socket wakes the poller again.
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = (&*self.socket).read(&mut buffer[..room])?;
        // A short read has emptied the socket: the next one would only say so.
        self.allowance = if count < room { 0 } else { self.allowance - count };
        Ok(count)
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.receive(buffer)?;
        self.headers.pass(&buffer[..count]);
        Ok(count)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.caught.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
