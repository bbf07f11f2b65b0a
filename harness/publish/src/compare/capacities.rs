//! From the capacities of two searches to changes. A search gives no rounds to test but bounds: a
//! rate that was sustained in fresh rounds, and one that was refuted.

use super::basis::Basis;
use super::change::{Change, Subject, Value, Why, Word};
use super::evidence;
use super::side::Side;
use bench_core::analysis::capacity::result::{Capacity, Limit};
use bench_core::analysis::rows::ranks::ranking;
use bench_core::analysis::statistics::inference::Interval;

/// The changes of all clients that both have.
pub(super) fn changes(
    a: &Side<'_>,
    b: &Side<'_>,
    common: &[(String, String)],
    basis: &Basis<'_>,
) -> Vec<Change> {
    let of = |(workload, client): &(String, String)| {
        let found = [find(a, client)?, find(b, client)?];
        let by = match basis.reference {
            Some(client) => [find(a, client), find(b, client)],
            None => [None, None],
        };
        let [of_a, of_b] = [0, 1].map(|side: usize| Searched::new(found[side], by[side]));
        Some(elsewhere(change(workload, &of_a, &of_b), basis))
    };
    common.iter().filter_map(of).collect()
}

fn find<'a>(side: &Side<'a>, client: &str) -> Option<&'a Capacity> {
    side.campaign.capacities.iter().find(|found| found.client == client)
}

/// Absolute capacities of different machines show nothing, and neither does one that was not found.
fn elsewhere(change: Change, basis: &Basis<'_>) -> Change {
    let is_ratio = basis.reference.is_some() && change.ratio.is_some();
    if basis.differing.is_empty() || is_ratio {
        return change;
    }
    let (what, also) = (basis.differing.to_vec(), change.reason.clone().map(Box::new));
    Change {
        word: Word::CannotTell,
        reason: Some(Why::OtherMachine { what, also }),
        ratio: None,
        interval: None,
        decidable: false,
        ..change
    }
}

/// A search, and what is compared of it.
struct Searched<'a> {
    found: &'a Capacity,
    /// The capacity, or its ratio to that of another client.
    value: Option<f64>,
    /// What changes are relative to: the highest rate sustained, or the ratio of both.
    base: Option<f64>,
    /// From the highest rate sustained to the lowest that was not, which is infinite where no rate
    /// was too high; or the ratios that both searches leave open.
    bounds: Option<Interval>,
    /// Whether fresh rounds confirmed it, and that of the other client.
    confirmed: bool,
}

impl<'a> Searched<'a> {
    /// Of one search; divided by `by`, if there is one.
    fn new(found: &'a Capacity, by: Option<&Capacity>) -> Self {
        let value = found.capacity_per_s.map(|rate| rate as f64);
        let (own, confirmed) = (bounds(found), found.confirmed);
        let Some(by) = by else {
            let base = own.map(|own| own.low);
            return Self { found, value, base, bounds: own, confirmed };
        };
        let divisor = by.capacity_per_s.map(|rate| rate as f64);
        let both = own.zip(bounds(by));
        Self {
            found,
            value: value.zip(divisor).map(|(value, by)| value / by),
            base: both.map(|(own, by)| own.low / by.low),
            bounds: both
                .map(|(own, by)| Interval { low: own.low / by.high, high: own.high / by.low }),
            confirmed: confirmed && by.confirmed,
        }
    }
}

/// From the highest rate sustained to the lowest that was not, which is infinite where no rate was
/// too high.
fn bounds(found: &Capacity) -> Option<Interval> {
    let (low, high) = found.interval_per_s?;
    Some(Interval { low: low as f64, high: high.map_or(f64::INFINITY, |high| high as f64) })
}

fn change(workload: &str, a: &Searched<'_>, b: &Searched<'_>) -> Change {
    let both = a.bounds.zip(b.bounds);
    let interval = both.map(|(a, b)| Interval { low: b.low / a.high, high: b.high / a.low });
    let ratio = a.base.zip(b.base).map(|(a, b)| b / a);
    // The resolution of the searches.
    let step = both
        .map(|(a, b)| (a.high / a.low).max(b.high / b.low) - 1.0)
        .filter(|step| step.is_finite());
    let margin = step.map(evidence::margin);
    let (word, reason) = match interval {
        None => lost(a.found, b.found),
        Some(interval) => conclude(a, b, interval, ratio, margin),
    };
    let value = |side: &Searched<'_>| Value {
        verdict: None,
        value: side.value,
        at_least: side.bounds.is_some_and(|bounds| bounds.high.is_infinite()),
        rounds: side.found.probes.len(),
    };
    Change {
        workload: workload.to_owned(),
        client: a.found.client.clone(),
        subject: Subject::Capacity,
        headline: true,
        word,
        reason,
        a: value(a),
        b: value(b),
        ratio,
        interval: interval.filter(|i| i.low > 0.0 && i.high.is_finite()),
        p: None,
        p_holm: None,
        noise_floor: step,
        margin,
        decidable: word.is_change() || (a.confirmed && b.confirmed),
    }
}

/// Two capacities differ where one search refuted a rate that the other sustained, and they are
/// more than a step of the search apart.
fn conclude(
    a: &Searched<'_>,
    b: &Searched<'_>,
    interval: Interval,
    ratio: Option<f64>,
    margin: Option<f64>,
) -> (Word, Option<Why>) {
    let beyond = ranking::is_beyond_noise(ratio, margin.unwrap_or(evidence::MARGIN));
    let cannot = |why| (Word::CannotTell, Some(why));
    match interval {
        _ if !a.confirmed || !b.confirmed => {
            cannot(Why::NotConfirmed { a: !a.confirmed, b: !b.confirmed })
        }
        i if i.low >= 1.0 && beyond => (Word::Faster, None),
        i if i.high <= 1.0 && beyond => (Word::Slower, None),
        // With room for rounding: rates have three digits.
        i if margin.is_some_and(|margin| evidence::is_within(i, margin + 1e-9)) => {
            (Word::Same, None)
        }
        _ => cannot(Why::SearchesOverlap),
    }
}

/// For two searches of which one, or both, sustained no rate.
fn lost(a: &Capacity, b: &Capacity) -> (Word, Option<Why>) {
    let note = |found: &Capacity| found.capacity_per_s.is_none().then(|| found.note.clone());
    let why = Why::NoCapacity { a: note(a), b: note(b) };
    // A disturbed search, a late server, or one that never began, says nothing about the client.
    let is_of_client = |found: &Capacity| {
        let last = found.probes.last();
        last.is_some_and(|p| !matches!(p.gave_way, Some(Limit::Noise | Limit::ServerPace)))
    };
    let word = match (a.capacity_per_s, b.capacity_per_s) {
        (Some(_), None) if is_of_client(b) => Word::Slower,
        (None, Some(_)) if is_of_client(a) => Word::Faster,
        _ => Word::CannotTell,
    };
    (word, Some(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_core::analysis::capacity::result::{Phase, Probe, SearchNote};
    use bench_core::analysis::verdict::Verdict;
    use bench_core::analysis::verdict::reason::Reasons;
    use contract::Class;

    fn found(low: u64, high: Option<u64>) -> Capacity {
        Capacity {
            client: "c".into(),
            class: Class::Library,
            capacity_per_s: Some(low),
            interval_per_s: Some((low, high)),
            limited_by: None,
            confirmed: true,
            client_cpus: None,
            response_p99_ns: None,
            note: None,
            took_s: 30.0,
            probes: Vec::new(),
        }
    }

    fn lost(gave_way: Limit) -> Capacity {
        let probe = Probe {
            rate_per_s: 1000,
            phase: Phase::Climb,
            gave_way: Some(gave_way),
            verdict: Verdict::Ok,
            reasons: Reasons::default(),
            efficiency: None,
            backlog_growth_per_s: None,
            response_p99_ns: None,
            client_cpus: None,
        };
        let note = Some(SearchNote::BelowLowest { rate_per_s: 1000 });
        let none = Capacity { capacity_per_s: None, interval_per_s: None, note, ..found(1, None) };
        Capacity { confirmed: false, probes: vec![probe], ..none }
    }

    fn change(a: &Capacity, b: &Capacity) -> Change {
        super::change("w", &Searched::new(a, None), &Searched::new(b, None))
    }

    fn judge(a: &Capacity, b: &Capacity) -> Word {
        change(a, b).word
    }

    #[test]
    fn capacities_differ_where_one_search_sustained_what_the_other_refuted() {
        let (million, step) =
            (found(1_000_000, Some(1_050_000)), found(1_050_000, Some(1_100_000)));
        let more = found(1_200_000, Some(1_260_000));
        assert_eq!(judge(&million, &more), Word::Faster);
        assert_eq!(judge(&more, &million), Word::Slower);
        assert_eq!(judge(&million, &million), Word::Same);
        assert_eq!(judge(&million, &step), Word::CannotTell, "searches vary by one step");
        let change = change(&million, &more);
        assert!((change.worse_by().unwrap() + 0.2).abs() < 1e-9, "{change:?}");
    }

    #[test]
    fn unconfirmed_searches_show_nothing_and_open_ones_only_their_lower_bound() {
        let million = found(1_000_000, Some(1_050_000));
        let guess = Capacity { confirmed: false, ..found(1_200_000, Some(1_260_000)) };
        assert_eq!(judge(&million, &guess), Word::CannotTell);
        let open = found(2_000_000, None);
        assert_eq!(judge(&million, &open), Word::Faster, "sustained what the other refuted");
        assert_eq!(judge(&open, &open), Word::CannotTell);
        assert_eq!(change(&million, &open).interval, None, "no infinity in files");
    }

    #[test]
    fn a_lost_capacity_is_slower_unless_machine_or_server_is_the_cause() {
        let million = found(1_000_000, Some(1_050_000));
        assert_eq!(judge(&million, &lost(Limit::Client)), Word::Slower);
        assert_eq!(judge(&lost(Limit::Client), &million), Word::Faster);
        for machine in [Limit::Noise, Limit::ServerPace] {
            assert_eq!(judge(&million, &lost(machine)), Word::CannotTell, "{machine:?}");
        }
        let change = change(&million, &lost(Limit::Client));
        let note = SearchNote::BelowLowest { rate_per_s: 1000 };
        assert_eq!(change.reason, Some(Why::NoCapacity { a: None, b: Some(Some(note)) }));
    }

    #[test]
    fn ratios_of_capacities_leave_open_what_both_searches_do() {
        let ratios =
            |client: &Capacity, by: &Capacity| Searched::new(client, Some(by)).bounds.unwrap();
        let (million, two) = (found(1_000_000, Some(1_050_000)), found(2_000_000, Some(2_100_000)));
        let open = ratios(&two, &million);
        assert!((open.low - 2.0 / 1.05).abs() < 1e-9 && (open.high - 2.1).abs() < 1e-9);
        let word = |a: [&Capacity; 2], b: [&Capacity; 2]| {
            super::change("w", &Searched::new(a[0], Some(a[1])), &Searched::new(b[0], Some(b[1])))
        };
        // Twice as fast a machine.
        let four = found(4_000_000, Some(4_200_000));
        let same = word([&two, &million], [&four, &two]);
        assert_eq!((same.word, same.ratio), (Word::Same, Some(1.0)), "{same:?}");
        let slower = word([&four, &million], [&four, &two]);
        assert_eq!(
            (slower.word, slower.a.value, slower.b.value),
            (Word::Slower, Some(4.0), Some(2.0))
        );
        let guess = Capacity { confirmed: false, ..found(2_000_000, Some(2_100_000)) };
        assert_eq!(word([&four, &million], [&four, &guess]).word, Word::CannotTell);
    }
}
