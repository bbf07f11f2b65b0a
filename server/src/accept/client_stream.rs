//! The stream of a client during its WebSocket handshake, over TCP or TLS.

use rustls::ServerConnection;
use std::io::Result;
use std::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

/// An asynchronous stream that can be turned back into a socket.
pub trait ClientStream: AsyncRead + AsyncWrite + Unpin {
    /// The (nonblocking) socket, and the TLS connection, which may hold bytes that it has
    /// read and not returned.
    ///
    /// # Errors
    /// When the runtime cannot release the socket.
    fn into_parts(self) -> Result<(TcpStream, Option<Box<ServerConnection>>)>;
}

impl ClientStream for tokio::net::TcpStream {
    fn into_parts(self) -> Result<(TcpStream, Option<Box<ServerConnection>>)> {
        Ok((self.into_std()?, None))
    }
}

impl ClientStream for TlsStream<tokio::net::TcpStream> {
    fn into_parts(self) -> Result<(TcpStream, Option<Box<ServerConnection>>)> {
        let (socket, connection) = self.into_inner();
        Ok((socket.into_std()?, Some(Box::new(connection))))
    }
}
