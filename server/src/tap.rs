//! The control side of a connection: tungstenite reads the socket, and what it
//! wants to write – pings, pongs, a close – is caught in memory, for only the
//! outlet knows where a frame may begin.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A stream that reads from a socket and writes into memory.
#[derive(Debug)]
pub struct Tap {
    socket: Arc<TcpStream>,
    caught: Vec<u8>,
}

impl Tap {
    /// A tap on that (nonblocking) socket.
    #[must_use]
    pub fn new(socket: Arc<TcpStream>) -> Self {
        Self { socket, caught: Vec::new() }
    }

    /// What waits to be put between two data frames.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.caught)
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        (&*self.socket).read(buffer)
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
