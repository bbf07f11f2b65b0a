//! The work on ticks, and what is counted and reported of it.

mod counts;
mod page;
mod processor;
mod receive;
mod report;
mod samples;
mod sequence;

pub use counts::Counts;
pub use page::PageConnection;
pub use processor::Processor;
pub use receive::{ReceiveCounter, Stamp};
pub(crate) use report::Kind;
pub use report::{End, Outcome};
