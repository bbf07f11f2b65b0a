//! The contract between the harness and its children: JSON lines on stdin and
//! stdout, and the meter file. The page to read is the `README.md` of this crate; a test
//! checks that page and types agree. The feature `child` adds what runs one child process
//! under the contract; the feature `listener` what opens the listening socket of a plan; the
//! feature `signals` what programs do about signals that their parent ignores.

#[cfg(feature = "child")]
pub mod child;
mod client;
pub mod fault;
mod line;
#[cfg(feature = "listener")]
pub mod listener;
pub mod meter;
pub mod recording;
mod samples;
mod server;
#[cfg(feature = "signals")]
pub mod signals;

pub use client::{
    Class, ClientEnd, ClientFinal, ClientHello, ClientPlan, FromClient, QueueKind, QueueShape,
    ToClient,
};
pub use line::{Empty, LineError, Lines, MAX_LINE_BYTES, VERSION, Version, parse, quote, write};
pub use samples::{SAMPLES_PER_LINE, SampleRow, Samples};
pub use server::{
    Connected, Credentials, Dropped, Fresh, FromServer, Listening, MOST_PAUSES, PAUSE_NS, Policy,
    ServerEnd, ServerFinal, ServerHello, ServerPlan, SlowConsumer, Start, ToServer,
};
