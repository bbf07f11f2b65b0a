//! The terminal: its keys and its echo, the thread that draws, the whole screen, and bars.
//!
//! `keys ← echo ← drawing ← screen ← bars`.

pub mod bars;
pub mod drawing;
pub mod echo;
pub mod keys;
pub mod screen;
