//! Runs all checks.

use super::finding::Finding;
use super::readings::Readings;
use super::{counters, cpus, system};

/// The findings of all checks.
#[must_use]
pub fn examine(readings: &Readings) -> Vec<Finding> {
    let all = [cpus::CHECKS, system::CHECKS, counters::CHECKS].concat();
    all.into_iter().map(|check| check(readings)).collect()
}
