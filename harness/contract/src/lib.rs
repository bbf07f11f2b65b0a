//! The contract between the harness and its children: JSON lines on stdin and
//! stdout, and the meter file. The page to read is the `README.md` of this crate; a test
//! checks that page and types agree. The feature `child` adds what runs one child process
//! under the contract.

#[cfg(feature = "child")]
pub mod child;
mod client;
pub mod fault;
mod line;
pub mod meter;
mod server;

pub use client::{
    Class, ClientEnd, ClientFinal, ClientHello, ClientPlan, FromClient, QueueKind, QueueShape,
    ToClient,
};
pub use line::{Empty, LineError, Lines, MAX_LINE_BYTES, SAMPLES_PER_LINE, Version, parse, write};
pub use server::{
    Connected, Credentials, Dropped, Fresh, FromServer, Listening, Policy, ServerEnd, ServerFinal,
    ServerHello, ServerPlan, SlowConsumer, Start, ToServer,
};

/// The version of the contract that this crate implements.
pub const VERSION: u32 = 2;

/// One sampled tick on a `samples` line: `[seq, a_ns, b_ns]`, on the machine's
/// monotonic clock. From a client a = received and b = processed; from the
/// server a = encoded and b = written.
pub type SampleRow = [u64; 3];

/// A `samples` line: at most [`SAMPLES_PER_LINE`] rows, seqs ascending over all
/// lines of a connection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// The connection: from a client the index of its URL in the plan, from the server the
    /// number at the end of the URL.
    pub connection: usize,
    /// The stamped ticks.
    pub rows: Vec<SampleRow>,
}
