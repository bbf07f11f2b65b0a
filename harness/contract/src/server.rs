//! The lines between the harness and the tick server.

use crate::line::{Empty, Version};
use crate::samples::Samples;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use tick::{Format, Sample, Schedule};

/// A line from the harness to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // two or three of them in a run
pub enum ToServer {
    /// The first line.
    Plan(ServerPlan),
    /// When tick 0 is due; after `connected` of every connection.
    Start(Start),
    /// Stop generating and writing now, and report. The end of stdin means the same.
    Stop(Empty),
}

/// A line from the server to the harness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromServer {
    /// Which server it is.
    Hello(ServerHello),
    /// Where it listens.
    Listening(Listening),
    /// A connection has completed its handshake.
    Connected(Connected),
    /// Stamps of the planned seqs, after the run.
    Samples(Samples),
    /// The seqs of new messages, from a server that sends each one repeatedly.
    Fresh(Fresh),
    /// The ticks that a slow consumer did not get, from a server whose policy drops.
    Dropped(Dropped),
    /// The last line.
    Final(ServerFinal),
}

/// The plan of one run, as the server gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerPlan {
    /// The version of the contract.
    pub contract: Version,
    /// The wire format of ticks.
    pub format: Format,
    /// The market's seed.
    pub seed: u64,
    /// The offered load.
    pub schedule: Schedule,
    /// The recording, where the load replays one.
    pub tape: Option<PathBuf>,
    /// The number of connections to expect: each gets every tick.
    pub connections: usize,
    /// How long the load lasts, in ns from tick 0.
    pub duration_ns: u64,
    /// Which seqs to stamp.
    pub sample: Sample,
    /// `SO_SNDBUF` of the connection; null: the kernel's autotuning.
    pub send_buffer_bytes: Option<u32>,
    /// `TCP_CONGESTION` of every connection, set on the listening socket
    /// ([`crate::listener::open`]); null: the machine's default.
    pub congestion: Option<String>,
    /// The descriptor of a listening socket that the server has inherited, on which the
    /// options above are set already; absent: it opens one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener_fd: Option<i32>,
    /// Whether the server has a CPU of its own and may spin before a due time.
    pub spin: bool,
    /// Ceiling for the broadcast log; reaching it ends the run.
    pub log_ceiling_bytes: u64,
    /// What happens to a consumer that falls behind; absent: everything waits for it, up to
    /// the ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_consumer: Option<SlowConsumer>,
    /// Threads over which the server spreads its connections; absent: one.
    #[serde(default = "one_thread", skip_serializing_if = "is_one")]
    pub threads: usize,
    /// Speak TLS, and show this certificate; absent: plain TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Credentials>,
    /// The meter file; null: keep no meter.
    pub meter: Option<PathBuf>,
    /// Time for the client to connect, in ms from the plan.
    pub connect_deadline_ms: u64,
    /// Time for everything, in ms from the plan; then report and end.
    pub deadline_ms: u64,
}

/// The PEM files of a server under TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Its certificate, with its chain.
    pub cert: PathBuf,
    /// The private key of that certificate.
    pub key: PathBuf,
}

fn one_thread() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_one(threads: &usize) -> bool {
    *threads == 1
}

/// What happens to a consumer that has fallen behind: a policy, and the limits of *behind*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SlowConsumer {
    /// What happens then.
    pub policy: Policy,
    /// Behind: more than this number of bytes wait for it in the server; null: no such
    /// limit.
    pub bytes: Option<u64>,
    /// Behind: the oldest tick that waits for it in the server has this age, in ms; null: no
    /// such limit.
    pub ms: Option<u64>,
}

/// What a feed server does about a consumer that has fallen behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Everything waits for it, up to the log's ceiling.
    #[default]
    Queue,
    /// No tick is generated before it has taken those before: it sets the pace.
    Block,
    /// The oldest ticks that wait for it are dropped.
    DropOldest,
    /// New ticks are dropped until it has caught up.
    DropNewest,
    /// Of the ticks that wait for it, only the newest of each symbol is kept.
    Conflate,
    /// Its connection is closed.
    Disconnect,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "queue",
            Self::Block => "block",
            Self::DropOldest => "drop-oldest",
            Self::DropNewest => "drop-newest",
            Self::Conflate => "conflate",
            Self::Disconnect => "disconnect",
        })
    }
}

impl Policy {
    /// Whether a consumer may miss ticks under it and stay connected.
    #[must_use]
    pub fn is_lossy(self) -> bool {
        matches!(self, Self::DropOldest | Self::DropNewest | Self::Conflate)
    }
}

/// What the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerHello {
    /// The version of the contract.
    pub contract: Version,
    /// Its name.
    pub name: String,
    /// What it is built from: `["tick-server 0.1.0", …]`.
    pub versions: Vec<String>,
}

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listening {
    /// For the clients' plans: `ws://127.0.0.1:PORT/ticks`, `wss://` under TLS. Connection n
    /// goes to this with `?connection=n` at its end.
    pub url: String,
}

/// One connection of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connected {
    /// The number at the end of its URL, 0 where there is none.
    pub connection: usize,
    /// The client's end.
    pub peer: SocketAddr,
    /// The server's end.
    pub local: SocketAddr,
    /// The congestion control algorithm in force, read from the socket; null: the server
    /// cannot read it.
    pub congestion: Option<String>,
    /// `SO_SNDBUF` as the kernel reports it.
    pub send_buffer_bytes: u64,
}

/// When to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The instant at which tick 0 is due, in ns of the monotonic clock.
    pub at_ns: u64,
}

/// The seqs at which a new message was generated: every tick has the symbol and price of
/// the newest of these that is not above its own seq. Only servers that send a message
/// repeatedly report this, before their `final`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fresh {
    /// Ascending over all lines, the first of them 0; at most
    /// [`crate::SAMPLES_PER_LINE`] on a line.
    pub seqs: Vec<u64>,
}

/// Ticks that were generated and never written to a connection, because its policy dropped
/// or conflated them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// The connection: the number at the end of its URL.
    pub connection: usize,
    /// `[first seq, count]`, ascending and not adjacent over all lines of a connection; at
    /// most [`crate::SAMPLES_PER_LINE`] on a line.
    pub ranges: Vec<[u64; 2]>,
}

/// From this length on, a server that spins lists a pause of its loop, in ns.
pub const PAUSE_NS: u64 = 300_000;
/// It lists at most so many of them.
pub const MOST_PAUSES: usize = 1000;

/// The server's own counts, each stage separately; from `written` on over all connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServerFinal {
    /// Ticks generated and put into the log.
    pub generated: u64,
    /// Ticks whose last byte the kernel took.
    pub written: u64,
    /// Ticks whose last byte the peer's kernel acknowledged (`TCP_INFO`).
    pub acknowledged: u64,
    /// Ticks that the client's library has read, by the newest pong.
    pub confirmed: u64,
    /// Bytes handed to the kernel, control frames included.
    pub written_bytes: u64,
    /// Ticks that a policy dropped or conflated; absent: none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub dropped: u64,
    /// Pauses of its loop while it spun before a due time, each at least
    /// [`PAUSE_NS`] long: `[begin, length]` in ns of the monotonic clock, ascending, the
    /// first [`MOST_PAUSES`] of them. Absent: none, or it does not spin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<[u64; 2]>,
    /// Why it ended.
    pub ended: ServerEnd,
    /// More about how it ended, where there is more to say.
    pub detail: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_none(dropped: &u64) -> bool {
    *dropped == 0
}

/// Why the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServerEnd {
    /// The last tick and the close frame were written.
    Complete,
    /// A `stop` line, or the end of stdin.
    Stopped,
    /// The log reached its ceiling: the client fell too far behind.
    LogCeiling,
    /// The client fell behind, and the policy is to close its connection.
    CutOff,
    /// The client vanished, reset, or broke the protocol.
    Abandoned,
    /// It reached its deadline.
    Deadline,
}

impl fmt::Display for ServerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::LogCeiling => "log ceiling reached",
            Self::CutOff => "it disconnected the client for being behind",
            Self::Abandoned => "the client abandoned it",
            Self::Deadline => "deadline reached",
        })
    }
}
