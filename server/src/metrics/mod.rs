//! The server as seen from outside: `/metrics` and `/healthz` over HTTP, in a thread of
//! its own that the engine never waits for.

pub mod gauges;
pub mod http;
pub mod observer;
pub mod page;
pub mod snapshot;
