//! One round: one client and one load, in fresh processes.

pub mod certificate;
pub mod observer;
pub mod play;
mod reports;
pub mod runner;
pub mod watch;
