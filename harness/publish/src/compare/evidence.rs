//! What the rounds of one comparison show: faster, slower, the same, or nothing.

use super::change::{Why, Word};
use super::side::Which;
use bench_core::analysis::rows::ranks::ranking::{self, ROUNDS_FOR_TESTS};
use bench_core::analysis::statistics::inference::Interval;
use bench_core::analysis::statistics::slope;

/// Smaller differences are none, whatever the noise floor is: that is an estimate from a few
/// rounds, and zero for a client that keeps up.
pub(super) const LEAST: f64 = 0.01;
/// The margin for `same`, unless the noise floor is greater.
pub(super) const MARGIN: f64 = 0.05;

/// The values of a comparison.
pub(super) struct Evidence<'a> {
    /// The values of both sides, one per round.
    pub(super) a: &'a [f64],
    pub(super) b: &'a [f64],
    /// Whether they are only lower bounds.
    pub(super) a_at_least: bool,
    pub(super) b_at_least: bool,
    pub(super) more_is_better: bool,
    /// B divided by A, and its interval.
    pub(super) ratio: Option<(f64, Interval)>,
    pub(super) p_holm: f64,
    pub(super) noise_floor: f64,
}

/// The margin within which two values are the same.
pub(super) fn margin(noise_floor: f64) -> f64 {
    noise_floor.max(MARGIN)
}

/// Whether the whole interval of a ratio is within a margin: a test of equivalence (D. J.
/// Schuirmann, A Comparison of the Two One-Sided Tests Procedure and the Power Approach for
/// Assessing the Equivalence of Average Bioavailability, Journal of Pharmacokinetics and
/// Biopharmaceutics 15, 1987). That uses the 90 % interval; the 95 % one is stricter.
pub(super) fn is_within(interval: Interval, margin: f64) -> bool {
    interval.low >= 1.0 / (1.0 + margin) && interval.high <= 1.0 + margin
}

/// The result, and where it is `CannotTell`, the reason.
///
/// A lower bound may hide any greater value. So where B is one, B can be shown to be greater, but
/// neither smaller nor the same; where A is one, B can only be shown to be smaller; where both
/// are, nothing can be shown.
pub(super) fn conclude(e: &Evidence<'_>) -> (Word, Option<Why>) {
    let cannot = |why| (Word::CannotTell, Some(why));
    if e.a_at_least && e.b_at_least {
        return cannot(Why::BothBounds);
    }
    let (ratio, interval) =
        (e.ratio.map(|(ratio, _)| ratio), e.ratio.map(|(_, interval)| interval));
    let differs = ranking::is_beyond_noise(ratio, e.noise_floor.max(LEAST))
        && ranking::is_beyond_chance(e.a, e.b, e.p_holm, interval);
    let is_greater = slope::median(e.b.to_vec()) > slope::median(e.a.to_vec());
    match (differs, is_greater) {
        (true, true) if e.a_at_least => {
            return cannot(Why::BoundMayBeAsGreat { side: Which::A });
        }
        (true, false) if e.b_at_least => {
            return cannot(Why::BoundMayBeAsGreat { side: Which::B });
        }
        (true, _) if is_greater == e.more_is_better => return (Word::Faster, None),
        (true, _) => return (Word::Slower, None),
        (false, _) => {}
    }
    if e.a_at_least || e.b_at_least {
        return cannot(Why::Bound { side: if e.a_at_least { Which::A } else { Which::B } });
    }
    match (e.a.len().min(e.b.len()), interval) {
        (0 | 1, _) => cannot(Why::OneRound),
        (rounds, _) if rounds < ROUNDS_FOR_TESTS => cannot(Why::FewRounds),
        (_, Some(interval)) if is_within(interval, margin(e.noise_floor)) => (Word::Same, None),
        (_, Some(_)) => cannot(Why::WideInterval),
        (_, None) => cannot(Why::NoRatio),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_core::analysis::statistics::inference;

    /// Compares the times of two sides, in ns, with this noise floor and no other comparison.
    fn judge(a: &[f64], b: &[f64], bounds: (bool, bool), noise_floor: f64) -> (Word, Option<Why>) {
        conclude(&Evidence {
            a,
            b,
            a_at_least: bounds.0,
            b_at_least: bounds.1,
            more_is_better: false,
            ratio: inference::ratio_of_medians(b, a, 1),
            p_holm: inference::mann_whitney_p(a, b, 1),
            noise_floor,
        })
    }

    fn around(middle: f64, rounds: usize) -> Vec<f64> {
        (0..rounds).map(|i| middle * (1.0 + i as f64 / 1000.0)).collect()
    }

    #[test]
    fn a_difference_has_to_exceed_chance_noise_and_one_per_cent() {
        let (a, b) = (around(100.0, 7), around(120.0, 7));
        assert_eq!(judge(&a, &b, (false, false), 0.0).0, Word::Slower);
        assert_eq!(judge(&b, &a, (false, false), 0.0).0, Word::Faster);
        assert_eq!(judge(&a, &b, (false, false), 0.3).0, Word::Same, "within the noise");
        let hair = around(100.9, 7);
        assert_eq!(judge(&a, &hair, (false, false), 0.0).0, Word::Same, "below one per cent");
        // A difference below the margin counts if it is shown.
        assert_eq!(judge(&a, &around(103.0, 7), (false, false), 0.0).0, Word::Slower);
    }

    #[test]
    fn what_is_better_depends_on_the_metric() {
        let (a, b) = (around(100.0, 7), around(120.0, 7));
        let e = Evidence {
            a: &a,
            b: &b,
            a_at_least: false,
            b_at_least: false,
            more_is_better: true,
            ratio: inference::ratio_of_medians(&b, &a, 1),
            p_holm: 0.001,
            noise_floor: 0.0,
        };
        assert_eq!(conclude(&e).0, Word::Faster);
        assert_eq!(conclude(&Evidence { p_holm: 0.06, ..e }).0, Word::CannotTell, "after Holm");
    }

    #[test]
    fn wide_rounds_are_neither_the_same_nor_different() {
        let (a, b) = ([80.0, 90.0, 100.0, 110.0, 120.0], [82.0, 91.0, 104.0, 113.0, 122.0]);
        let (word, why) = judge(&a, &b, (false, false), 0.0);
        assert_eq!(word, Word::CannotTell);
        assert_eq!(why, Some(Why::WideInterval));
    }

    #[test]
    fn few_rounds_show_only_differences_without_overlap_and_never_sameness() {
        let none = (false, false);
        assert_eq!(judge(&around(100.0, 3), &around(120.0, 3), none, 0.0).0, Word::Slower);
        assert_eq!(judge(&[100.0, 130.0, 101.0], &around(120.0, 3), none, 0.0).0, Word::CannotTell);
        assert_eq!(judge(&around(100.0, 4), &around(100.0, 4), none, 0.0).0, Word::CannotTell);
        assert_eq!(judge(&[100.0], &[900.0], none, 0.0).0, Word::CannotTell);
        assert_eq!(judge(&around(100.0, 7), &[900.0], none, 0.0).0, Word::CannotTell);
    }

    /// All four cases of bounds, with B above, below and equal.
    #[test]
    fn a_bound_shows_only_differences_that_it_cannot_hide() {
        let (low, high) = (around(100.0, 7), around(200.0, 7));
        let word = |a: &[f64], b: &[f64], bounds| judge(a, b, bounds, 0.0).0;
        let (b_bound, a_bound, both) = ((false, true), (true, false), (true, true));
        assert_eq!(word(&low, &high, b_bound), Word::Slower, "B is even slower");
        assert_eq!(word(&high, &low, b_bound), Word::CannotTell, "B may be slower than A");
        assert_eq!(word(&low, &low, b_bound), Word::CannotTell);
        assert_eq!(word(&high, &low, a_bound), Word::Faster, "A was even slower");
        assert_eq!(word(&low, &high, a_bound), Word::CannotTell, "A may have been slower");
        assert_eq!(word(&low, &low, a_bound), Word::CannotTell);
        for (a, b) in [(&low, &high), (&high, &low), (&low, &low)] {
            assert_eq!(word(a, b, both), Word::CannotTell);
        }
    }

    #[test]
    fn the_margin_is_symmetric() {
        let interval = |low, high| Interval { low, high };
        assert!(is_within(interval(1.0 / 1.05, 1.05), 0.05));
        assert!(!is_within(interval(0.95, 1.0), 0.05));
        assert!(!is_within(interval(1.0, 1.0501), 0.05));
    }
}
