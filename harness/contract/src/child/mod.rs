//! A child program under the contract: in a process group of its own, fed lines, read
//! with a deadline, and ended together with everything that it started. Used by the
//! rig and by the conformance suite.

mod keeper;
mod process;

pub use keeper::Keeper;
pub use process::{Child, Exit, line_type};
