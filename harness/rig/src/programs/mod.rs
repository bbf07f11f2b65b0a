//! Clients and servers: found, built and checked; new clients from templates.

pub mod build;
pub mod conform;
pub mod roster;
pub mod scaffold;
pub mod servers;
pub mod toolchain;
