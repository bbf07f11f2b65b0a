//! Clients and servers: found, built, checked, and made anew from templates.

pub mod build;
pub mod conform;
pub mod roster;
pub mod scaffold;
pub mod servers;
