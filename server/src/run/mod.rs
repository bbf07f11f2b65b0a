//! The two ways to run the server: standalone, for any clients, or as a child of the
//! harness, for one benchmark run.

pub mod args;
pub mod child;
pub mod logging;
pub mod standalone;
