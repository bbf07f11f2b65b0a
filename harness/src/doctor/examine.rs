//! Runs all checks.

use super::finding::Finding;
use super::readings::Readings;
use super::{cpus, system};

/// The findings of all checks.
#[must_use]
pub fn examine(readings: &Readings) -> Vec<Finding> {
    [cpus::CHECKS, system::CHECKS].concat().into_iter().map(|check| check(readings)).collect()
}
