//! Which waits a disturbance from outside explains. Pure: it knows when a wait was and how long,
//! and what was taken from the CPUs meanwhile.

use crate::record::disturbance::{Cause, Disturbance};
use std::collections::BTreeMap;
use std::ops::Range;

/// Whether disturbances explain a wait, in ns since tick 0 was due: those that may have been
/// within it took at least half of its length. After a pause the ticks that have piled up are
/// still to be processed, so a wait is longer than what caused it. A short disturbance does not
/// excuse a long wait.
///
/// Interrupts explain nothing: the kernel serves those of the round's own packets, too, so a
/// client could cause them. What several causes took at the same time may be one pause that was
/// seen twice, so they are not added up.
#[must_use]
pub fn is_explained(disturbances: &[Disturbance], wait_ns: &Range<i64>) -> bool {
    let mut took_ns: BTreeMap<Cause, u64> = BTreeMap::new();
    let meanwhile = disturbances.iter().filter(|disturbance| disturbance.overlaps(wait_ns));
    for disturbance in meanwhile.filter(|disturbance| disturbance.cause != Cause::Interrupts) {
        let sum = took_ns.entry(disturbance.cause).or_default();
        *sum = sum.saturating_add(disturbance.took_ns);
    }
    let length_ns = wait_ns.end.saturating_sub(wait_ns.start).max(0) as u64;
    took_ns.into_values().max().is_some_and(|most| most > 0 && most >= length_ns / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn disturbance(at_ms: i64, took_ms: u64, cause: Cause) -> Disturbance {
        Disturbance {
            at_ns: at_ms * MS,
            within_ns: 20 * MS as u64,
            took_ns: took_ms * MS as u64,
            cpus: "0".parse().unwrap(),
            cause,
        }
    }

    #[test]
    fn a_wait_is_explained_by_what_took_half_of_it_meanwhile() {
        for (took_ms, at_ms, expected) in
            [(2, 90, true), (1, 90, false), (20, 79, false), (20, 81, true), (20, 104, false)]
        {
            let one = [disturbance(at_ms, took_ms, Cause::OtherProcesses)];
            assert_eq!(is_explained(&one, &(100 * MS..104 * MS)), expected, "{took_ms} {at_ms}");
        }
        assert!(!is_explained(&[], &(0..0)));
    }

    #[test]
    fn parts_of_one_pause_add_up_but_causes_do_not() {
        let wait = 0..100 * MS;
        let parts =
            |cause: [Cause; 2]| [disturbance(0, 20, cause[0]), disturbance(50, 20, cause[1])];
        assert!(!is_explained(&parts([Cause::Stolen, Cause::ServerPaused]), &wait));
        assert!(is_explained(&parts([Cause::Stolen; 2]), &(0..80 * MS)));
        assert!(!is_explained(&parts([Cause::Interrupts; 2]), &(0..80 * MS)));
    }
}
