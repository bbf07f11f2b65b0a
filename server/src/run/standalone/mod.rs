//! The standalone server: any number of clients, until a signal.

pub mod server;
pub mod shutdown;
pub mod worker;
