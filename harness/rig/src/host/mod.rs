//! The machine: CPUs, processes, kernel queues, and what else runs on it.

pub mod affinity;
pub mod control_groups;
pub mod counters;
pub mod descriptors;
pub mod kernel_settings;
pub mod machine;
pub mod noise;
pub mod placement;
pub mod presence;
pub mod processes;
pub mod sockets;
pub mod virtualisation;
