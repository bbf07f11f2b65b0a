//! What every client shares, so that a comparison of clients compares their socket, runtime
//! and queue, and nothing else.
//!
//! The kit owns `main`, the lines on stdin and stdout, the clock, decoding, the sequence
//! check, the checksum, the table of last prices, the work per tick, the stamps, the meter,
//! stop and deadlines. It knows no runtime. Of the socket it sets options only, and shuts
//! its reading side down to end a run: see [`Session::register_socket`].
//!
//! A client without a queue hands each message to a [`Processor`]. One with a queue has a
//! [`ReceiveCounter`] where it reads and a [`Processor`] where it processes, and sends a
//! [`Stamp`] along with each message.
//!
//! A client whose ticks are processed in a page starts the page before its hello
//! (the feature `page`), and passes on what the page counts ([`PageConnection`]).
//!
//! Clients on tungstenite also share its settings and, where they are asynchronous, the
//! loop that reads messages: the feature `tungstenite`.

mod connection;
mod identity;
mod io_uring;
mod limits;
mod output;
#[cfg(feature = "page")]
pub mod page;
mod plan;
mod run;
mod session;
mod stop;
mod system;
mod threads;
mod ticks;
#[cfg(feature = "testing")]
pub use conformance::contract_tests;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tungstenite")]
pub mod tungstenite;

pub use contract::{Class, ClientPlan, QueueKind, QueueShape, SampleRow};
pub use identity::Identity;
pub use io_uring::IoUringUnavailable;
pub use limits::{MAX_MESSAGE_BYTES, READ_BUFFER_BYTES};
pub use plan::PlanError;
pub use run::{NoArgs, main, main_with_lock};
pub use session::Session;
pub use system::{resident_bytes, spin_ns, unix_ms};
pub use threads::thread_for_each;
pub use tick::Format;
pub use ticks::{Counts, End, Outcome, PageConnection, Processor, ReceiveCounter, Stamp};
#[cfg(feature = "tls")]
pub use tls::{Tls, main_with_tls};
