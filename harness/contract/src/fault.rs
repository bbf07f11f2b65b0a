//! How a child program broke the contract.

use crate::client::Class;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a child program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// The tick server.
    Server,
    /// A client.
    Client,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "the server",
            Self::Client => "the client",
        })
    }
}

/// What is awaited from a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// The line `hello`.
    Hello,
    /// The server's line `listening`.
    Listening,
    /// The client's line `ready`.
    Ready,
    /// The server's line `connected` for a connection.
    Connected,
    /// No line at all, while it is measured.
    Silence,
    /// The lines `samples` and so on, up to `final`.
    Report,
    /// Its exit with code 0 after `final`.
    Exit,
    /// The end of the round.
    RoundEnd,
    /// The client's connection, in a case of the conformance suite.
    Connection,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "its `hello`",
            Self::Listening => "its `listening`",
            Self::Ready => "its `ready`",
            Self::Connected => "its `connected`",
            Self::Silence => "silence",
            Self::Report => "its report",
            Self::Exit => "its exit",
            Self::RoundEnd => "the end of the round",
            Self::Connection => "its connection",
        })
    }
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal, such as `SIGSEGV`.
    Signal(String),
    /// It has not: it closed its stdout and is still running.
    Running,
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::Running => f.write_str("it closed its stdout and is still running"),
        }
    }
}

/// How a child broke the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Fault {
    /// It could not be started.
    #[error("cannot start {peer}: {error}")]
    Start {
        /// Which child.
        peer: Peer,
        /// What the operating system said.
        error: String,
    },
    /// It ended before it should.
    #[error("{peer} ended ({status}) before {before}{}", quoted(.stderr))]
    Ended {
        /// Which child.
        peer: Peer,
        /// How it ended.
        status: ExitStatus,
        /// What was awaited.
        before: Awaited,
        /// The last line of its stderr.
        stderr: Option<String>,
    },
    /// It did not do in time what was awaited.
    #[error("{}{}", late(*.peer, *.awaited, *.limit_ms), quoted(.stderr))]
    Late {
        /// Which child.
        peer: Peer,
        /// What was awaited.
        awaited: Awaited,
        /// The time limit, in ms.
        limit_ms: u64,
        /// The last line of its stderr.
        stderr: Option<String>,
    },
    /// It wrote something that is not a line of the contract.
    #[error("{peer} broke the contract: {error}")]
    Line {
        /// Which child.
        peer: Peer,
        /// The error of the parser.
        error: String,
    },
    /// It wrote a line of the contract at the wrong time, or with wrong content.
    #[error("{peer} broke the contract: {misstep}")]
    Order {
        /// Which child.
        peer: Peer,
        /// What was wrong.
        misstep: Misstep,
    },
}

fn late(peer: Peer, awaited: Awaited, limit_ms: u64) -> String {
    let limit_s = limit_ms as f64 / 1e3;
    match awaited {
        Awaited::Exit => format!("{peer} did not exit within {limit_s:.1} s"),
        awaited => format!("{peer} did not send {awaited} within {limit_s:.1} s"),
    }
}

fn quoted(stderr: &Option<String>) -> String {
    stderr.as_ref().map_or(String::new(), |line| format!("; its last line on stderr: {line}"))
}

/// A valid line at the wrong time, or with wrong content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Misstep {
    /// Another line was awaited.
    Unexpected {
        /// The `type` of the line.
        line: String,
        /// What was awaited.
        instead_of: Awaited,
    },
    /// Samples of a connection that is not in its plan.
    SamplesOfUnknownConnection,
    /// Dropped ticks of a connection that is not in its plan.
    DropsOfUnknownConnection,
    /// Dropped ticks under a policy that drops none.
    DropsWithoutPolicy,
    /// More dropped ranges than any round can have.
    TooManyDroppedRanges,
    /// More samples than any plan asks for.
    TooManySamples,
    /// `versions` in its hello is empty.
    NoVersion,
    /// Its hello and its `client.toml` name different classes.
    ClassMismatch {
        /// The class in its hello.
        hello: Class,
        /// The class in its `client.toml`.
        manifest: Class,
    },
    /// A connection has another congestion control than planned.
    OtherCongestion {
        /// The connection: the number at the end of its URL.
        connection: usize,
        /// The algorithm of the plan.
        planned: String,
        /// The algorithm in force.
        in_force: String,
    },
    /// A line after `final`.
    LineAfterFinal,
    /// It ended, but a process that it started holds its stdout open.
    StdoutHeldOpen,
}

impl fmt::Display for Misstep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { line, instead_of } => write!(f, "`{line}` instead of {instead_of}"),
            Self::SamplesOfUnknownConnection => {
                f.write_str("samples of a connection that is not in its plan")
            }
            Self::DropsOfUnknownConnection => {
                f.write_str("dropped ticks of a connection that is not in its plan")
            }
            Self::DropsWithoutPolicy => f.write_str("dropped ticks under a policy that drops none"),
            Self::TooManyDroppedRanges => f.write_str("too many dropped ranges"),
            Self::TooManySamples => f.write_str("more samples than planned"),
            Self::NoVersion => f.write_str("`versions` in its hello is empty"),
            Self::ClassMismatch { hello, manifest } => {
                write!(f, "its hello has class `{hello}`, its client.toml `{manifest}`")
            }
            Self::OtherCongestion { connection, planned, in_force } => write!(
                f,
                "connection {connection} has the congestion control {in_force}, not {planned} as planned: see whether a route sets it (`ip route show table local | grep congctl`)"
            ),
            Self::LineAfterFinal => f.write_str("a line after its `final`"),
            Self::StdoutHeldOpen => {
                f.write_str("it ended, but a process that it started holds its stdout open")
            }
        }
    }
}
