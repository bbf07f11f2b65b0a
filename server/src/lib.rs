//! The tick server: paces the market by its schedule, encodes every tick once
//! into a shared log, and writes the log to each connection from that
//! connection's own cursor. Knows nothing of results or of who the clients are.

pub mod args;
pub mod books;
pub mod child;
pub mod classic;
pub mod departure;
pub mod door;
pub mod engine;
pub mod hand;
pub mod kernel;
pub mod log;
pub mod logging;
pub mod metrics;
pub mod outlet;
pub mod shutdown;
pub mod tap;
