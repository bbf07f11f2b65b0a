//! The pure part of the harness: `text ← load ← record ← analysis`. Nothing here starts a
//! process, opens a socket, reads a clock or writes to a terminal.

pub mod analysis;
pub mod load;
pub mod record;
#[cfg(test)]
mod test_rounds;
pub mod text;
