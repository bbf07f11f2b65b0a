//! What the audit of one round has found so far.

use super::failure::AuditFailure;
use std::mem::{Discriminant, discriminant};

/// Failures of one kind that are listed.
const MOST_OF_A_KIND: usize = 3;

/// The failures of a round; without any, it passed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// In the order in which they were found.
    pub failures: Vec<AuditFailure>,
}

impl Audit {
    /// Records a failure unless `holds`.
    pub(super) fn demand(&mut self, holds: bool, otherwise: impl FnOnce() -> AuditFailure) {
        if !holds {
            self.failures.push(otherwise());
        }
    }

    /// Keeps the first failures of each kind, and the number of the others.
    pub(super) fn shorten(&mut self) {
        let mut kinds: Vec<(Discriminant<AuditFailure>, usize)> = Vec::new();
        let before = self.failures.len();
        self.failures.retain(|failure| {
            let kind = discriminant(failure);
            let place = kinds.iter().position(|(known, _)| *known == kind);
            let place = place.unwrap_or_else(|| {
                kinds.push((kind, 0));
                kinds.len() - 1
            });
            kinds[place].1 += 1;
            kinds[place].1 <= MOST_OF_A_KIND
        });
        let count = (before - self.failures.len()) as u64;
        if count > 0 {
            self.failures.push(AuditFailure::MoreOfTheSame { count });
        }
    }

    /// Whether there is no failure.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
