//! What every client shares, so that a comparison of clients compares their
//! socket, runtime and queue, and nothing else.
//!
//! The kit owns `main`, the lines on stdin and stdout, the clock, decoding,
//! the sequence check, the checksum, the table of last prices, the work per
//! tick, the stamps, the meter, stop and deadlines. It knows no runtime. Of
//! the socket it touches options only, and shuts its reading side down to end
//! a run: see [`Session::adopt`].
//!
//! A client without a queue hands each message to a [`Taker`]. One with a
//! queue has an [`Intake`] where it reads and a [`Taker`] where it works, and
//! sends a [`Stamp`] along with each message.

mod counts;
mod entry;
mod identity;
mod intake;
mod limits;
mod outcome;
mod plan;
mod ring;
mod rows;
mod sequence;
mod session;
mod taker;
mod threads;
#[cfg(feature = "testing")]
pub use conformance::contract_tests;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
mod tls;
mod watch;
mod work;

pub use contract::{Class, ClientPlan, QueueKind, QueueShape};
pub use entry::{NoArgs, main, main_with_lock};
pub use identity::Identity;
pub use intake::{Intake, Stamp};
pub use limits::{MAX_MESSAGE_BYTES, READ_BUFFER_BYTES};
pub use outcome::{End, Outcome};
pub use plan::PlanError;
pub use ring::IoUringUnavailable;
pub use session::Session;
pub use taker::Taker;
pub use threads::thread_for_each;
pub use tick::Format;
#[cfg(feature = "tls")]
pub use tls::{Tls, main_with_tls};
pub use work::{resident_bytes, spin_ns, unix_ms};
