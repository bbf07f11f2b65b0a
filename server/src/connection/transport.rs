//! The socket of a connection, plain or under TLS. tungstenite reads it through here; what
//! tungstenite writes – pings, pongs, a close – is collected in memory, because only the
//! connection knows where a frame may begin.

use crate::connection::frame_headers::FrameHeaders;
use crate::connection::tls::Tls;
use rustls::ServerConnection;
use std::io::{ErrorKind, IoSlice, Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A stream that reads from a socket and writes into memory.
#[derive(Debug)]
pub struct Transport {
    socket: Arc<TcpStream>,
    /// Bytes that may still be read in this step of the engine.
    allowance: usize,
    control_frames: Vec<u8>,
    headers: FrameHeaders,
    tls: Option<Tls>,
}

impl Transport {
    /// A transport over a nonblocking socket, with the TLS connection after its handshake.
    #[must_use]
    pub fn new(socket: Arc<TcpStream>, tls: Option<Box<ServerConnection>>) -> Self {
        let tls = tls.map(Tls::new);
        let headers = FrameHeaders::default();
        Self { socket, allowance: 0, control_frames: Vec::new(), headers, tls }
    }

    /// Whether it is under TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether bytes that count as sent still wait for the socket.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(Tls::has_unsent)
    }

    /// Writes data: all that the socket takes, under TLS one chunk. Gives the number of
    /// bytes, and whether the socket is full.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn send(&mut self, slices: &[IoSlice<'_>]) -> Result<(usize, bool)> {
        match &mut self.tls {
            None => {
                let sent = (&*self.socket).write_vectored(slices)?;
                Ok((sent, sent < slices.iter().map(|slice| slice.len()).sum()))
            }
            Some(tls) => Ok((tls.send(&self.socket, slices)?, tls.has_unsent())),
        }
    }

    /// Writes what counts as sent and has waited for the socket.
    ///
    /// # Errors
    /// `WouldBlock` when the socket does not take it all; those of the socket.
    pub fn flush_unsent(&mut self) -> Result<()> {
        self.tls.as_mut().map_or(Ok(()), |tls| tls.flush(&self.socket))
    }

    /// Sends `close_notify`, under TLS; false: the socket does not take it yet.
    pub fn send_close_notify(&mut self) -> bool {
        self.tls.as_mut().is_none_or(|tls| tls.send_close_notify(&self.socket))
    }

    /// Bytes that the kernel has taken, when `plain` bytes were sent.
    #[must_use]
    pub fn wire_bytes(&self, plain: u64) -> u64 {
        self.tls.as_ref().map_or(plain, Tls::cipher_bytes)
    }

    /// How many of the bytes sent are acknowledged, when `wire_bytes` of the kernel's are.
    pub fn acknowledge(&mut self, wire_bytes: u64) -> u64 {
        self.tls.as_mut().map_or(wire_bytes, |tls| tls.acknowledge(wire_bytes))
    }

    /// Takes the control frames that are to be sent between two data frames.
    pub fn take_control_frames(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.control_frames)
    }

    /// Whether the incoming frame is a control frame that is too long.
    #[must_use]
    pub fn is_long_control(&self) -> bool {
        self.headers.is_long_control()
    }

    /// Allows so many bytes to be read.
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
        // A short read has emptied the socket: another one would only return WouldBlock.
        self.allowance = if count < room { 0 } else { self.allowance - count };
        Ok(count)
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.receive(buffer)?;
        self.headers.advance(&buffer[..count]);
        Ok(count)
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.control_frames.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
