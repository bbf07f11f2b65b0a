//! The lines between the harness and a client.

use crate::line::{Empty, Version};
use crate::samples::Samples;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use tick::{Format, Sample, Schedule};

/// A line from the harness to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient {
    /// The first line: all that it needs to know.
    Plan(ClientPlan),
    /// Stop reading now, and report. The end of stdin means the same.
    Stop(Empty),
}

/// A line from a client to the harness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromClient {
    /// Which client it is; before it connects.
    Hello(ClientHello),
    /// It cannot run on this machine; instead of `ready`, then exit 0.
    Unavailable {
        /// What is missing, and how to mend it.
        reason: String,
    },
    /// Connected, handshake done, about to read.
    Ready(Empty),
    /// Stamps of the planned seqs, after the run.
    Samples(Samples),
    /// The last line.
    Final(ClientFinal),
}

/// The plan of one run, as a client gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientPlan {
    /// The version of the contract.
    pub contract: Version,
    /// Where to connect: one connection to each, such as
    /// `ws://127.0.0.1:PORT/ticks`; at least one.
    pub urls: Vec<String>,
    /// Where the URLs begin with `wss://`: a PEM file with the only certificate that the
    /// server may show; absent: they begin with `ws://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The wire format of ticks.
    pub format: Format,
    /// Symbols are below this: the size of a last-price table.
    pub symbols: u32,
    /// The offered load, for clients that size their buffers by it.
    pub schedule: Schedule,
    /// How long the load lasts, in ns from tick 0.
    pub duration_ns: u64,
    /// Which seqs to stamp.
    pub sample: Sample,
    /// Work to be done for each tick after it is decoded, in ns of busy CPU.
    pub work_ns: u64,
    /// The bound of the client's own queue, in ticks, if it has a bounded one.
    pub queue_bound: u64,
    /// `SO_RCVBUF` for its socket; null: leave it to the kernel.
    pub receive_buffer_bytes: Option<u32>,
    /// Resident memory at which a client with an unbounded queue reports and ends.
    pub memory_ceiling_bytes: u64,
    /// The meter file; null: keep no meter.
    pub meter: Option<PathBuf>,
    /// Time to connect, in ms from the plan.
    pub connect_deadline_ms: u64,
    /// Time for everything, in ms from the plan; then report and end.
    pub deadline_ms: u64,
}

/// What a client claims to be; checked against what it then does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientHello {
    /// The version of the contract.
    #[cfg_attr(feature = "schema", schemars(with = "u32"))]
    pub contract: Version,
    /// Its name, for people.
    pub name: String,
    /// What it is built from, as proof of what runs: `["tokio 1.54.0", …]`.
    pub versions: Vec<String>,
    /// What schedules its work, in a few words.
    pub runtime: String,
    /// What carries its bytes, in a few words.
    pub transport: String,
    /// The class in which it is compared.
    pub class: Class,
    /// The queue between its socket and its work.
    pub queue: QueueShape,
    /// The maximum error of its stamps, in ns, where its clock had to be mapped to the
    /// monotonic one; absent: it reads that clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_error_ns: Option<u64>,
}

/// The class in which a client is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A baseline client, not a competitor.
    Reference,
    /// A library, used as its documentation shows.
    Library,
    /// A library, used as its experts would.
    Tuned,
    /// Imitates a program that is not run itself.
    Simulated,
    /// A whole application.
    Application,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Library => "library",
            Self::Tuned => "tuned",
            Self::Simulated => "simulated",
            Self::Application => "application",
        })
    }
}

/// A client's own queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QueueShape {
    /// Whether there is one, and whether it is bounded.
    pub kind: QueueKind,
    /// How many ticks it holds, if bounded.
    pub bound: Option<u64>,
}

/// Whether a client has a queue, and whether it is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// Each tick is processed before the next one is read.
    None,
    /// While it is full, nothing is read.
    Bounded,
    /// It grows with the backlog.
    Unbounded,
}

impl fmt::Display for QueueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bounded => "bounded",
            Self::Unbounded => "unbounded",
        })
    }
}

/// A client's own counts, over all of its connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientFinal {
    /// Ticks taken from the WebSocket library.
    pub received: u64,
    /// Ticks decoded, checked and worked on.
    pub processed: u64,
    /// Ticks left in its own queue, counted there.
    pub queued: u64,
    /// Seqs skipped.
    pub gaps: u64,
    /// Seqs received again.
    pub duplicates: u64,
    /// Seqs received after a higher one, without the duplicates.
    pub reorders: u64,
    /// Messages that are not ticks.
    pub undecodable: u64,
    /// The sum of the prices in cents over the processed ticks.
    pub checksum: u64,
    /// Why it ended.
    pub ended: ClientEnd,
    /// More about how it ended, where there is more to say.
    pub detail: Option<String>,
    /// The maximum age of the counts in the meter, in ns, where another process sends them;
    /// absent: they are stored as they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_age_ns: Option<u64>,
}

/// Why a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientEnd {
    /// The server closed with code 1000, and all ticks were processed.
    Closed,
    /// A `stop` line, or the end of stdin.
    Stopped,
    /// It reached its deadline.
    Deadline,
    /// It reached its memory ceiling.
    MemoryCeiling,
    /// The connection ended in any other way.
    Disconnected,
}

impl fmt::Display for ClientEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed by the server",
            Self::Stopped => "stopped",
            Self::Deadline => "deadline reached",
            Self::MemoryCeiling => "memory ceiling reached",
            Self::Disconnected => "connection lost",
        })
    }
}
