//! A round that ended early because of its backlog: a result, not a failure of the client.

use super::round::Record;
use contract::{ClientEnd, ServerEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which limit a backlog reached.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Overflow {
    /// The server's log of unsent ticks reached its ceiling.
    ServerLog {
        /// What the server reported.
        detail: Option<String>,
    },
    /// The policy disconnected the client for being too far behind.
    Disconnected {
        /// From tick 0 to the last snapshot before that, in s.
        after_s: f64,
        /// What the server reported.
        detail: Option<String>,
    },
    /// The client's own queue reached its memory ceiling.
    ClientMemory {
        /// Ticks in that queue.
        queued: u64,
    },
}

impl Overflow {
    /// The limit that ended this round early, if a backlog reached one.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let detail = || record.server.detail.clone();
        match record.server.ended {
            ServerEnd::LogCeiling => return Some(Self::ServerLog { detail: detail() }),
            ServerEnd::CutOff => {
                let after_s = record.observed_ns() as f64 / 1e9;
                return Some(Self::Disconnected { after_s, detail: detail() });
            }
            _ => {}
        }
        let client = record.client();
        (client.ended == ClientEnd::MemoryCeiling)
            .then_some(Self::ClientMemory { queued: client.queued })
    }
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerLog { detail } => {
                let detail = detail.as_deref().unwrap_or("too many ticks waited");
                write!(f, "its backlog filled the server's log: {detail}")
            }
            Self::Disconnected { after_s, detail } => {
                let detail = detail.as_deref().unwrap_or("it was too far behind");
                write!(f, "disconnected after {after_s:.2} s: {detail}")
            }
            Self::ClientMemory { queued } => {
                write!(f, "its own queue reached the memory ceiling with {queued} ticks")
            }
        }
    }
}
