//! The events that a standalone server logs with `--log-format json`, by their fields.

use serde_json::Value;
use std::net::SocketAddr;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The address for clients, or for metrics.
    Url(String),
    /// A connection has joined.
    Joined {
        peer: SocketAddr,
        /// Ticks that were made before.
        tick: u64,
    },
    /// A connection has left.
    Left(Left),
    /// A handshake was refused.
    Refused {
        peer: SocketAddr,
        /// The HTTP status.
        status: u64,
    },
    /// The counts of the server, at its end.
    Total { generated: u64, written: u64, dropped: u64 },
    /// Any other event.
    Other { level: String, message: String },
}

/// A connection that has left, and its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub peer: SocketAddr,
    /// As in the metrics.
    pub reason: String,
    /// The reason for people.
    pub why: String,
    /// Ticks that were made before it joined.
    pub tick: u64,
    pub written: u64,
    pub dropped: u64,
    pub waiting: u64,
}

impl Event {
    /// The event of a line.
    pub fn parse(line: &str) -> Self {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |key: &str| event[key].as_str().map(str::to_owned);
        let number = |key: &str| event[key].as_u64();
        let peer = || text("peer").and_then(|peer| peer.parse().ok());
        let left = || {
            Some(Self::Left(Left {
                peer: peer()?,
                reason: text("reason")?,
                why: text("why")?,
                tick: number("tick")?,
                written: number("written")?,
                dropped: number("dropped")?,
                waiting: number("waiting")?,
            }))
        };
        let total = || {
            let generated = number("generated")?;
            let (written, dropped) = (number("written")?, number("dropped")?);
            Some(Self::Total { generated, written, dropped })
        };
        let joined = || Some(Self::Joined { peer: peer()?, tick: number("tick")? });
        let refused = || Some(Self::Refused { peer: peer()?, status: number("status")? });
        let known = text("url").map(Self::Url).or_else(left).or_else(total);
        known.or_else(joined).or_else(refused).unwrap_or_else(|| Self::Other {
            level: text("level").unwrap_or_default(),
            message: text("message").unwrap_or_default(),
        })
    }
}
