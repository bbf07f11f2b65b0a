//! A client at the door, over TCP or TLS: what its handshake is read from and answered
//! to, and what is handed on afterwards.

use rustls::ServerConnection;
use std::io::Result;
use std::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

/// A stream that becomes a socket again.
pub trait Knock: AsyncRead + AsyncWrite + Unpin {
    /// The (nonblocking) socket; and the TLS connection, which holds what it has read
    /// and not given.
    ///
    /// # Errors
    /// When the runtime cannot let it go.
    fn into_parts(self) -> Result<(TcpStream, Option<Box<ServerConnection>>)>;
}

impl Knock for tokio::net::TcpStream {
    fn into_parts(self) -> Result<(TcpStream, Option<Box<ServerConnection>>)> {
        Ok((self.into_std()?, None))
    }
}

impl Knock for TlsStream<tokio::net::TcpStream> {
    fn into_parts(self) -> Result<(TcpStream, Option<Box<ServerConnection>>)> {
        let (socket, connection) = self.into_inner();
        Ok((socket.into_std()?, Some(Box::new(connection))))
    }
}
