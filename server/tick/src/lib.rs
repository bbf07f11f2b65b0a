//! The wire format of the suite: what a tick is, how it is encoded, which tick has which
//! sequence number and when it is due. Bytes, arithmetic and the clock only: no sockets,
//! files or threads.

mod burst;
pub mod clock;
mod format;
mod frame;
mod market;
mod poisson;
mod ramp;
mod rate;
mod sample;
mod schedule;
pub mod symbol;
mod tape;
mod timetable;
pub mod units;

pub use format::{Format, Tick, UnknownFormat, WireError, cents};
pub use frame::{FRAME_HEADER_BYTES, Framer, frame_len_at};
pub use market::{Market, mix};
pub use sample::Sample;
pub use schedule::{Schedule, ScheduleError};
pub use symbol::SYMBOLS;
pub use tape::{
    Column, Foreign, HeaderError, LineError, LongestGap, ReadTape, Span, Tape, TapeError,
};
pub use timetable::{Timetable, TimetableError};
