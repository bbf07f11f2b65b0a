//! The kernel's view of connections: their queues, and their congestion control.

pub mod congestion;
pub mod kernel_dump;
pub mod kernel_queues;
