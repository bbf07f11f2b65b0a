//! One client, one load, one fresh server.

pub mod certificate;
pub mod observer;
pub mod play;
pub mod runner;
pub mod watch;
