//! The tick server: paces the market by its schedule, encodes every tick once
//! into a shared log, and writes the log to each connection from that
//! connection's own cursor. Knows nothing of results or of who the clients are.
//!
//! Imports go one way, between directories as between files:
//! `log ← connection ← {accept, engine} ← metrics ← run`.

pub mod accept;
pub mod connection;
pub mod engine;
pub mod log;
pub mod metrics;
pub mod run;
