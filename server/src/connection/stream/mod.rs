//! What one connection gets, byte after byte: the shared log from a cursor on, with
//! frames of its own in between. No sockets.

pub mod behind;
pub mod gaps;
pub mod in_flight;
pub mod newest;
pub mod outgoing;
pub mod own_queue;
pub mod policy;
#[cfg(test)]
mod tests;
