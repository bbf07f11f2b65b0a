//! What is offered: workloads, policies for slow consumers, the server, and the plan of a
//! round that follows from them.
//!
//! `policy ← workload ← {{congestion, replay} ← file ← group, plan ← {first_tick, size}}`; `server ← plan`.

pub mod congestion;
pub mod file;
pub mod first_tick;
pub mod group;
pub mod plan;
pub mod policy;
pub mod replay;
pub mod server;
pub mod size;
pub mod workload;
