//! What a diff could have seen: with few rounds, or many comparisons, nothing.

use super::{Change, Subject};
use crate::inference;
use crate::ranking::{ROUNDS_FOR_TESTS, SIGNIFICANT};
use std::ops::Range;

/// So many rounds tell differences among the comparisons of a usual campaign.
const USUAL: usize = 7;

/// Why a diff may see nothing, however great a difference is.
pub(super) fn notes(changes: &[Change]) -> Vec<String> {
    let fewest = |change: &Change| change.a.rounds.min(change.b.rounds);
    let of_rounds: Vec<&Change> =
        changes.iter().filter(|change| matches!(change.subject, Subject::Metric(_))).collect();
    let with = |rounds: Range<usize>| {
        let few = of_rounds.iter().filter(|change| rounds.contains(&fewest(change))).count();
        (few > 0).then(|| format!("rounds: {few} of {} comparisons have", of_rounds.len()))
    };
    let mut notes = Vec::new();
    if let Some(head) = with(0..2) {
        notes.push(format!(
            "{head} a single round on one side, which tells nothing: measure with --rounds {USUAL} or more"
        ));
    }
    if let Some(head) = with(2..ROUNDS_FOR_TESTS) {
        notes.push(format!(
            "{head} fewer than {ROUNDS_FOR_TESTS} rounds on one side: too few for a test, so a difference is told only where the rounds lie wholly apart, and nothing is called the same; measure with --rounds {USUAL} or more"
        ));
    }
    let tested: Vec<&&Change> = of_rounds.iter().filter(|change| change.p.is_some()).collect();
    let enough = tested.iter().filter(|change| fewest(change) >= ROUNDS_FOR_TESTS);
    let most = enough.clone().map(|change| fewest(change)).max();
    if let Some(rounds) = most.filter(|_| enough.clone().all(|change| !change.decidable)) {
        let is_enough = |&n: &usize| inference::least_p(n, n) * (tested.len() as f64) < SIGNIFICANT;
        let needed = match (rounds..100).find(is_enough) {
            Some(needed) => format!("measure with --rounds {needed} or more, or "),
            None => String::new(),
        };
        notes.push(format!(
            "rounds: among {} comparisons, {rounds} rounds cannot give a p below {SIGNIFICANT} after Holm, however far apart they lie: {needed}compare fewer by --workload and --only",
            tested.len()
        ));
    }
    notes
}
