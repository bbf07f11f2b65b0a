//! Clients and servers: found, built and checked; new clients from templates.
//!
//! `first_error, beside ← build_run ← cargo ← build`, `needs ← recipe ← roster ← inputs ← receipt ← build`: a build
//! leaves a receipt of each program, which `list` shows without building or starting anything.

pub mod beside;
pub mod build;
mod build_run;
pub mod cargo;
pub mod conform;
mod first_error;
pub mod inputs;
pub mod missing;
pub mod needs;
pub mod probe;
pub mod receipt;
pub mod recipe;
pub mod roster;
pub mod scaffold;
pub mod servers;
pub mod toolchain;
