//! What else happens on the CPUs of a round: `kernel_times ← {cpu_use, quota} ← {signals,
//! accounts, surroundings}`, and the probe of a CPU that is idle.

pub mod accounts;
mod cpu_use;
pub mod jitter;
mod kernel_times;
mod quota;
pub mod signals;
pub mod surroundings;
