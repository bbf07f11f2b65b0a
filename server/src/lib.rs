//! The tick server: paces the market by its schedule, encodes every tick once
//! into a shared log, and writes the log to each connection from that
//! connection's own cursor. Knows nothing of results or of who the clients are.

pub mod args;
pub mod aside;
pub mod books;
pub mod certificate;
pub mod child;
pub mod classic;
pub mod crew;
pub mod departure;
pub mod door;
pub mod engine;
pub mod feeds;
pub mod flight;
pub mod gaps;
pub mod gate;
pub mod hand;
pub mod handshake;
pub mod headers;
pub mod inbound;
pub mod kernel;
pub mod knock;
pub mod load;
pub mod log;
pub mod logging;
pub mod metrics;
pub mod newest;
pub mod outlet;
pub mod policy;
pub mod shutdown;
pub mod spread;
pub mod stream;
pub mod subscription;
pub mod tap;
pub mod tls;
