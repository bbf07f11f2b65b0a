//! Searches for capacities, on made-up rounds.

use super::*;
use crate::campaign::search::CapacitySearch;
use bench_core::analysis::capacity::result::{Capacity, Limit, SearchNote};
use bench_core::analysis::capacity::search::Rules;

fn searched(script: impl FnMut(usize, &str, u64) -> Option<Outcome>) -> (Option<Capacity>, usize) {
    let workload = workload("steady");
    let search = CapacitySearch {
        workload: &workload,
        rules: Rules::default(),
        probe: TIMING,
        fresh: TIMING,
        objective: Duration::from_millis(10),
        budget: Duration::from_secs(3600),
        seed: 7,
        paces: Paces::Schedule,
    };
    let (mut fake, mut progress) = (Fake::new(script), Recorder::default());
    let found = search.capacity((0, &entry("a")), &mut fake, None, &mut progress).unwrap();
    assert_eq!(progress.probes.len(), fake.played.len());
    (found.map(|(capacity, _)| capacity), fake.played.len())
}

fn up_to(capacity_per_s: u64) -> impl Fn(u64) -> Option<Outcome> {
    move |rate_per_s| if rate_per_s <= capacity_per_s { ok() } else { overloaded() }
}

#[test]
fn a_search_finds_a_capacity_and_what_limits_it() {
    let client = up_to(340_000);
    let (found, _) = searched(|_, _, rate_per_s| client(rate_per_s));
    let found = found.unwrap();
    let capacity_per_s = found.capacity_per_s.unwrap();
    assert!((320_000..=340_000).contains(&capacity_per_s), "{capacity_per_s}");
    assert!(found.confirmed && found.note.is_none());
    assert_eq!(found.limited_by, Some(Limit::Client));
}

#[test]
fn a_search_repeats_disturbed_rounds() {
    let client = up_to(340_000);
    let (quiet, probes) = searched(|_, _, rate_per_s| client(rate_per_s));
    // Every other round is disturbed.
    let script = |round, _: &str, rate_per_s| {
        if round % 2 == 0 { noisy() } else { client(rate_per_s) }
    };
    let (disturbed, more_probes) = searched(script);
    let (quiet, disturbed) = (quiet.unwrap(), disturbed.unwrap());
    assert_eq!(disturbed.capacity_per_s, quiet.capacity_per_s);
    assert_eq!((more_probes, disturbed.confirmed), (2 * probes, true));
}

#[test]
fn a_search_ends_with_a_note_if_every_round_is_disturbed() {
    let (found, probes) = searched(|_, _, _| noisy());
    let found = found.unwrap();
    assert!(matches!(found.note, Some(SearchNote::Disturbed { .. })), "{:?}", found.note);
    assert_eq!((found.capacity_per_s, probes), (None, 8));
}

#[test]
fn a_search_ends_if_the_client_cannot_run_at_its_first_rate() {
    let crash = || Some((Verdict::Failed, Reason::NotRun.into()));
    let (found, probes) = searched(|_, _, _| crash());
    assert!(matches!(found.unwrap().note, Some(SearchNote::NotMeasured { .. })));
    assert_eq!(probes, 1);
    // One that ran before and crashes at a higher rate has a capacity.
    let script = |_, _: &str, rate_per_s| if rate_per_s <= 50_000 { ok() } else { crash() };
    let (found, _) = searched(script);
    let capacity_per_s = found.unwrap().capacity_per_s.unwrap();
    assert!((47_000..=50_000).contains(&capacity_per_s), "{capacity_per_s}");
}

#[test]
fn an_interrupted_search_has_no_result() {
    let (found, _) = searched(|round, _, _| if round < 3 { ok() } else { None });
    assert!(found.is_none());
}
