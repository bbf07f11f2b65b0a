//! The few statistics that the suite needs.

pub mod all_pairs;
pub mod inference;
pub mod moderated;
pub mod slope;
pub mod steady;
pub mod times;
