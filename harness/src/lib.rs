//! The harness: finds clients, runs each through the same rounds, audits every
//! round and compares. `main.rs` parses and dispatches; see ARCHITECTURE.md
//! for the rooms.

pub mod affinity;
pub mod builder;
pub mod campaign;
pub mod child;
pub mod cli;
pub mod cmd;
pub mod guard;
pub mod interrupt;
pub mod kernel;
pub mod machine;
pub mod measure;
pub mod observe;
pub mod plan;
pub mod process;
pub mod progress;
pub mod root;
pub mod roster;
pub mod round;
pub mod rows;
pub mod stats;
pub mod store;
pub mod table;
pub mod verify;
pub mod watch;
pub mod workload;
