//! What tests and benches of clients need; a feature, so that no client is built with it.
//!
//! A client's `tests/contract.rs` is one line:
//! `client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-NAME"));`

#[cfg(feature = "bench")]
mod bench;
mod loopback;
mod session;

#[cfg(feature = "bench")]
pub use bench::compare_with_bare_loop;
pub use conformance::{Child, Exit, Program, Server, plan};
pub use loopback::Flood;
pub use session::session;
