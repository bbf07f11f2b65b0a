//! Why a run ended.

use crate::connection::end::End;
use crate::connection::stream::policy::Waiting;
use contract::{LineError, ServerEnd, ToServer};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why a run ended.
#[derive(Debug, Clone)]
pub enum RunEnd {
    /// Every connection has everything, and has answered its close frame.
    Complete,
    /// Every connection has everything, but not all have answered their close frames.
    Unanswered,
    /// A `stop`, or the end of the lines.
    Stopped,
    /// A line that cannot be read.
    BadLine(Arc<LineError>),
    /// A line at the wrong time.
    OutOfOrder,
    /// The policy closed a connection: this much waited for it.
    CutOff(Waiting),
    /// A client left.
    ClientLeft(End),
    /// A client left before its first tick.
    ClientLeftEarly(Arc<anyhow::Error>),
    /// The listener ended before all clients had connected.
    ListenerEnded,
    /// More waited for the clients than the plan allows.
    LogCeiling {
        /// Ticks that waited.
        ticks: u64,
        /// The share of one engine.
        ceiling_bytes: u64,
    },
    /// Not all clients connected in time.
    NoClient {
        /// The limit of the plan.
        within: Duration,
    },
    /// No `start` came in time.
    NoStart,
    /// The load was not drained in time.
    NotDrained,
}

impl RunEnd {
    /// How a run ends by a line that comes while it runs.
    #[must_use]
    pub fn by_line(line: Result<ToServer, LineError>) -> Self {
        match line {
            Ok(ToServer::Stop(_)) => Self::Stopped,
            Ok(_) => Self::OutOfOrder,
            Err(error) => Self::BadLine(Arc::new(error)),
        }
    }

    /// Its kind under the contract.
    #[must_use]
    pub fn kind(&self) -> ServerEnd {
        match self {
            Self::Complete | Self::Unanswered => ServerEnd::Complete,
            Self::Stopped | Self::BadLine(_) | Self::OutOfOrder => ServerEnd::Stopped,
            Self::CutOff(_) => ServerEnd::CutOff,
            Self::ClientLeft(_) | Self::ClientLeftEarly(_) | Self::ListenerEnded => {
                ServerEnd::Abandoned
            }
            Self::LogCeiling { .. } => ServerEnd::LogCeiling,
            Self::NoClient { .. } | Self::NoStart | Self::NotDrained => ServerEnd::Deadline,
        }
    }

    /// Its text, where that says more than its kind.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Complete | Self::Stopped => None,
            _ => Some(self.to_string()),
        }
    }
}

impl fmt::Display for RunEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Unanswered => f.write_str("the client did not answer the close frame"),
            Self::Stopped => f.write_str("stopped"),
            Self::BadLine(error) => error.fmt(f),
            Self::OutOfOrder => f.write_str("a line out of order"),
            Self::CutOff(waiting) => waiting.fmt(f),
            Self::ClientLeft(end) => end.fmt(f),
            Self::ClientLeftEarly(error) => {
                write!(f, "a client left before its first tick: {error}")
            }
            Self::ListenerEnded => f.write_str("the listener ended before all clients connected"),
            Self::LogCeiling { ticks, ceiling_bytes } => {
                let megabytes = ceiling_bytes / 1_000_000;
                write!(f, "{ticks} ticks waited for the client, more than {megabytes} MB")
            }
            Self::NoClient { within } => {
                write!(f, "no client came within {} s", within.as_secs_f64())
            }
            Self::NoStart => f.write_str("no `start` came in time"),
            Self::NotDrained => f.write_str("the load was not drained in time"),
        }
    }
}
