//! The broadcast log: every tick is encoded once and kept until every connection has
//! taken it.

pub mod feeds;
pub mod segments;
pub mod symbols;
