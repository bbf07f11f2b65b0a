//! The engine: makes what is due, writes it to every connection that can take it, reads how
//! far it has come, and waits for the next due time. One thread does all of that, so that
//! nothing here is ever locked.

pub mod classic;
pub mod counts;
pub mod jitter;
pub mod lateness;
pub mod load;
pub mod produce;
pub mod serve;
pub mod stamps;
pub mod state;
pub mod step;
pub mod wait;
