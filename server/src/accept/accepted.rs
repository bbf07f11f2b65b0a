//! A connection that has completed its handshake.

use crate::connection::endpoint::Wire;
use crate::log::symbols::Symbols;
use std::net::SocketAddr;

/// A connection on its way from the listener to an engine.
#[derive(Debug)]
pub struct Accepted {
    /// The number at the end of its URL.
    pub number: usize,
    /// The address of its client.
    pub peer: SocketAddr,
    /// Its socket, and its TLS connection, under TLS.
    pub wire: Wire,
    /// The symbols that it asks for.
    pub symbols: Symbols,
}
