//! Whether a diff could have shown a difference: not with few rounds, or many comparisons.

use super::change::{Change, Subject};
use super::note::Note;
use bench_core::analysis::rows::ranks::ranking::{ROUNDS_FOR_TESTS, SIGNIFICANT};
use bench_core::analysis::statistics::inference;
use std::ops::Range;

/// Number of rounds that is enough for the comparisons of a default campaign.
const USUAL: usize = 7;

/// Notes on why a diff may show nothing, however large a difference is.
pub(super) fn notes(changes: &[Change]) -> Vec<Note> {
    let fewest = |change: &Change| change.a.rounds.min(change.b.rounds);
    let of_rounds: Vec<&Change> =
        changes.iter().filter(|change| matches!(change.subject, Subject::Metric(_))).collect();
    let (all, enough, least) = (of_rounds.len(), USUAL, ROUNDS_FOR_TESTS);
    let with = |rounds: Range<usize>| {
        let few = of_rounds.iter().filter(|change| rounds.contains(&fewest(change))).count();
        (few > 0).then_some(few)
    };
    let one = with(0..2).map(|few| Note::OneRound { few, all, enough });
    let few = with(2..least).map(|few| Note::FewRounds { few, all, least, enough });
    let tested: Vec<&&Change> = of_rounds.iter().filter(|change| change.p.is_some()).collect();
    let enough = tested.iter().filter(|change| fewest(change) >= ROUNDS_FOR_TESTS);
    let most = enough.clone().map(|change| fewest(change)).max();
    let powerless = most.filter(|_| enough.clone().all(|change| !change.decidable));
    let no_power = powerless.map(|rounds| {
        let comparisons = tested.len();
        let is_enough = |&n: &usize| inference::least_p(n, n) * (comparisons as f64) < SIGNIFICANT;
        Note::NoPower { comparisons, rounds, needed: (rounds..100).find(is_enough) }
    });
    one.into_iter().chain(few).chain(no_power).collect()
}
