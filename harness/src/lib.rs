//! The harness: finds clients, runs each through the same rounds, audits every round and
//! compares. `main.rs` parses and dispatches; ARCHITECTURE.md lists the crates.
//!
//! `exit, root, console ← interrupt ← campaign ← view ← cmd`; `cli, doctor ← cmd`.

pub mod campaign;
pub mod cli;
pub mod cmd;
pub mod console;
pub mod doctor;
pub mod exit;
pub mod interrupt;
pub mod root;
pub mod schemas;
pub mod view;
