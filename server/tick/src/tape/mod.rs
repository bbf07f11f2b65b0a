//! Recorded markets: CSV text with the gaps between ticks, and optionally symbols and prices.
//! `decimal ← error ← {header, recorded} ← read`.

mod decimal;
mod error;
mod header;
mod read;
mod recorded;

pub use error::{Column, Foreign, HeaderError, LineError, Span, TapeError};
pub use read::{LongestGap, ReadTape};
pub use recorded::Tape;
