//! The harness: finds clients, runs each through the same rounds, audits every
//! round and compares. `main.rs` parses and dispatches; see ARCHITECTURE.md
//! for the rooms.

pub mod affinity;
pub mod archive;
pub mod builder;
pub mod campaign;
pub mod capacity;
pub mod child;
pub mod cli;
pub mod cmd;
pub mod guard;
pub mod inference;
pub mod interrupt;
pub mod journey;
pub mod kernel;
pub mod listing;
pub mod machine;
pub mod measure;
pub mod observe;
pub mod plan;
pub mod process;
pub mod ranking;
pub mod record;
pub mod recovery;
pub mod root;
pub mod roster;
pub mod round;
pub mod rows;
pub mod runner;
pub mod stats;
pub mod steady;
pub mod store;
pub mod surroundings;
pub mod table;
pub mod verdict;
pub mod verify;
pub mod view;
pub mod watch;
pub mod workload;
