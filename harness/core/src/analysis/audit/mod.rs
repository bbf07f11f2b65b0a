//! The audit: every tick of a round has to be accounted for before the round is shown.

pub mod checksums;
mod counts;
mod endings;
pub mod failure;
pub mod findings;
mod littles_law;
mod own_stamps;
mod pace;
mod snapshots;
mod stamps;
#[cfg(test)]
mod tests;

use self::checksums::Checksums;
use self::findings::Audit;
use crate::load::plan::Plan;
use crate::record::round::Record;

/// Audits a round, by all rules of METHODOLOGY.md.
#[must_use]
pub fn audit(record: &Record, plan: &Plan, checksums: &Checksums) -> Audit {
    let mut audit = Audit::default();
    endings::check(&mut audit, record, plan);
    counts::check(&mut audit, record, checksums);
    counts::check_drops(&mut audit, record, plan);
    counts::check_fresh(&mut audit, record);
    stamps::check(&mut audit, record, plan);
    own_stamps::check(&mut audit, record);
    snapshots::check(&mut audit, record);
    if audit.passed() {
        pace::check(&mut audit, record, plan);
        audit.failures.extend(littles_law::violation(record, plan));
    }
    audit.shorten();
    audit
}
