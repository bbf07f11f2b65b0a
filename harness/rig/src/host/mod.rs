//! The machine: CPUs, processes, kernel queues, and what else runs on it.

pub mod affinity;
mod children;
pub mod congestion;
pub mod control_groups;
pub mod counters;
pub mod descriptors;
pub mod environment;
pub mod guard;
pub mod kernel_dump;
pub mod kernel_queues;
pub mod kernel_settings;
pub mod machine;
pub mod noise;
pub mod placement;
pub mod presence;
pub mod process;
pub mod run_delay;
pub mod spawn;
pub mod strays;
pub mod virtualisation;
