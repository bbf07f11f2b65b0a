//! A connection that has come through its handshake.

use crate::connection::endpoint::Wire;
use crate::log::symbols::Symbols;

/// A connection that has come through.
#[derive(Debug)]
pub struct Arrival {
    /// The number at the end of its URL.
    pub number: usize,
    /// Its socket, behind the handshake, and what TLS is to it.
    pub wire: Wire,
    /// What it wants to get.
    pub symbols: Symbols,
}
