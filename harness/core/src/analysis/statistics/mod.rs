//! The few statistics that the suite needs.

pub mod inference;
pub mod slope;
pub mod steady;
pub mod times;
