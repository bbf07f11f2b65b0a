//! One connection under TLS: gives plaintext to rustls in small chunks and its records to
//! the socket, and knows which bytes of plaintext the acknowledged ciphertext holds.

use rustls::ServerConnection;
use std::collections::VecDeque;
use std::io::{Error, ErrorKind, IoSlice, Read, Result, Write};
use std::net::TcpStream;

/// Plaintext that is encrypted at a time: one record (RFC 8446, 5.1). No more than this
/// counts as written before the kernel has it.
pub const CHUNK_BYTES: usize = 16 * 1024;

/// The end of a chunk that was sent and is not acknowledged.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    /// Bytes of ciphertext up to its end.
    cipher_end: u64,
    /// Bytes of plaintext up to its end.
    plain_end: u64,
}

/// A connection after its TLS handshake.
#[derive(Debug)]
pub struct Tls {
    connection: Box<ServerConnection>,
    /// Bytes that the kernel has taken.
    cipher_bytes: u64,
    /// Bytes of plaintext that rustls has taken.
    plain_bytes: u64,
    /// Not acknowledged chunks: about one for each write.
    chunks: VecDeque<Chunk>,
    acked_plain: u64,
    /// Whether our `close_notify` is queued.
    is_closed: bool,
}

impl Tls {
    /// A connection right after its handshake.
    #[must_use]
    pub fn new(connection: Box<ServerConnection>) -> Self {
        Self {
            connection,
            cipher_bytes: 0,
            plain_bytes: 0,
            chunks: VecDeque::new(),
            acked_plain: 0,
            is_closed: false,
        }
    }

    /// Bytes that the kernel has taken: ciphertext.
    #[must_use]
    pub fn cipher_bytes(&self) -> u64 {
        self.cipher_bytes
    }

    /// Whether encrypted bytes wait for the socket.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.connection.wants_write()
    }

    /// Encrypts at most [`CHUNK_BYTES`] and writes as far as the socket takes it; gives
    /// the bytes of plaintext that were encrypted.
    ///
    /// # Errors
    /// `WouldBlock` while an earlier chunk waits for the socket; those of the socket.
    pub fn send(&mut self, socket: &TcpStream, slices: &[IoSlice<'_>]) -> Result<usize> {
        self.flush(socket)?;
        let mut left = CHUNK_BYTES;
        let mut chunk = Vec::with_capacity(slices.len());
        for slice in slices {
            let bytes = slice.len().min(left);
            left -= bytes;
            chunk.push(IoSlice::new(&slice[..bytes]));
        }
        let taken = self.connection.writer().write_vectored(&chunk)?;
        self.plain_bytes += taken as u64;
        match self.flush(socket) {
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(e),
            _ => Ok(taken),
        }
    }

    /// Writes what is encrypted.
    ///
    /// # Errors
    /// `WouldBlock` when the socket does not take it all; those of the socket.
    pub fn flush(&mut self, mut socket: &TcpStream) -> Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.cipher_bytes += bytes as u64,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        // Only now is the length of the ciphertext known.
        let (cipher_end, plain_end) = (self.cipher_bytes, self.plain_bytes);
        if self.chunks.back().map_or(self.acked_plain, |last| last.plain_end) < plain_end {
            self.chunks.push_back(Chunk { cipher_end, plain_end });
        }
        Ok(())
    }

    /// Reads plaintext. `allowance` limits what is read from the socket. What was read
    /// before is decrypted in any case: no poller would report it.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; `InvalidData` for bytes that are not TLS.
    pub fn read(
        &mut self,
        mut socket: &TcpStream,
        buffer: &mut [u8],
        allowance: &mut usize,
    ) -> Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                // An end without `close_notify`: the close frame tells whether the stream
                // was complete (RFC 6455, 7.1.5).
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if *allowance == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let bytes = self.connection.read_tls(&mut (&mut socket).take(*allowance as u64))?;
            *allowance -= bytes;
            if let Err(error) = self.connection.process_new_packets() {
                // Its alert says why, if the socket takes it.
                let _ = self.flush(socket);
                return Err(Error::new(ErrorKind::InvalidData, error));
            }
        }
    }

    /// Sends `close_notify` (RFC 8446, 6.1), once; false: the socket does not take it yet.
    pub fn send_close_notify(&mut self, socket: &TcpStream) -> bool {
        if !self.is_closed {
            self.is_closed = true;
            self.connection.send_close_notify();
        }
        !matches!(self.flush(socket), Err(e) if e.kind() == ErrorKind::WouldBlock)
    }

    /// How many bytes of plaintext are acknowledged when `cipher_bytes` are: whole chunks.
    pub fn acknowledge(&mut self, cipher_bytes: u64) -> u64 {
        while let Some(first) = self.chunks.front()
            && first.cipher_end <= cipher_bytes
        {
            self.acked_plain = first.plain_end;
            self.chunks.pop_front();
        }
        self.acked_plain
    }
}
