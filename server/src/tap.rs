//! The control side of a connection: tungstenite reads the socket, and what it
//! wants to write – pings, pongs, a close – is caught in memory, for only the
//! outlet knows where a frame may begin.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A stream that reads from a socket and writes into memory.
#[derive(Debug)]
pub struct Tap {
    socket: Arc<TcpStream>,
    /// Bytes that may still be read in this turn.
    allowance: usize,
    caught: Vec<u8>,
}

impl Tap {
    /// A tap on that (nonblocking) socket.
    #[must_use]
    pub fn new(socket: Arc<TcpStream>) -> Self {
        Self { socket, allowance: 0, caught: Vec::new() }
    }

    /// What waits to be put between two data frames.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.caught)
    }

    /// A new turn: so many bytes may be read.
    pub fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
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

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.caught.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
