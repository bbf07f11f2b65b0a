//! What the audit of one round has found so far.

use super::failure::AuditFailure;

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

    /// Whether there is no failure.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
