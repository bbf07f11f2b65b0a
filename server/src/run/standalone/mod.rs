//! The standalone server: any number of clients, until a signal.

pub mod renewal;
pub mod server;
pub mod shutdown;
pub mod worker;
