//! Searches over simulated clients.

use super::result::{Limit, Phase};
use super::search::{Rules, Search, rounded};
use super::sustained::{fullest, sustained};
use crate::analysis::round::backlog::Backlog;
use crate::analysis::round::journey::Lateness;
use crate::analysis::round::measure::Measurement;
use crate::analysis::round::measure::Rates;
use crate::analysis::statistics::times::{Quantiles, Time};
use crate::analysis::verdict::Verdict;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Runs a search against a client, and returns the number of probes.
fn play(search: &mut Search, mut client: impl FnMut(u64) -> Result<(), Limit>) -> usize {
    for probes in 0..200 {
        let Some((rate, _)) = search.next() else { return probes };
        search.tell(client(rate));
    }
    panic!("the search does not end: {search:?}");
}

fn up_to(capacity: u64) -> impl FnMut(u64) -> Result<(), Limit> {
    move |rate| if rate <= capacity { Ok(()) } else { Err(Limit::Client) }
}

#[test]
fn the_answer_lies_within_the_tolerance_and_is_confirmed() {
    for capacity in [1_000, 1_049, 28_000, 123_456, 2_345_678, 99_000_000] {
        let mut search = Search::new(Rules::default());
        let probes = play(&mut search, up_to(capacity));
        let found = search.capacity_per_s().unwrap();
        assert!(found <= capacity, "{found} > {capacity}");
        let too_high = search.too_high_per_s().unwrap();
        assert!(
            too_high > capacity && too_high as f64 <= found as f64 * 1.06,
            "{found} {too_high}"
        );
        assert!(search.is_confirmed());
        assert!(probes < 30, "{probes} probes for {capacity}");
    }
}

#[test]
fn one_noisy_probe_does_not_mislead() {
    for noisy in 0..22 {
        let mut search = Search::new(Rules::default());
        let mut probe = 0;
        let mut honest = up_to(500_000);
        play(&mut search, |rate| {
            probe += 1;
            if probe == noisy + 1 { Err(Limit::Noise) } else { honest(rate) }
        });
        let found = search.capacity_per_s().unwrap();
        assert!((470_000..=500_000).contains(&found), "{found} with noise at probe {noisy}");
        assert!(search.is_confirmed());
    }
}

#[test]
fn a_search_ends_without_a_sharp_limit() {
    for seed in 0..50 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut search = Search::new(Rules::default());
        play(&mut search, |rate| {
            // From always sustained at 400 k/s to never at 600 k/s.
            let chance = ((600_000.0 - rate as f64) / 200_000.0).clamp(0.0, 1.0);
            if random.random::<f64>() < chance { Ok(()) } else { Err(Limit::Latency) }
        });
        let found = search.capacity_per_s().unwrap();
        assert!((380_000..=600_000).contains(&found), "{found} with seed {seed}");
    }
}

#[test]
fn a_client_that_does_not_sustain_the_lowest_rate_has_no_capacity() {
    let mut search = Search::new(Rules::default());
    assert_eq!(play(&mut search, up_to(10)), 2);
    assert!(search.is_below_lowest() && !search.is_confirmed());
    assert_eq!(search.capacity_per_s(), None);
}

#[test]
fn a_client_that_sustains_the_highest_rate_has_no_upper_bound() {
    let mut search = Search::new(Rules { highest_per_s: 1_000_000, ..Rules::default() });
    play(&mut search, up_to(u64::MAX));
    assert_eq!((search.capacity_per_s(), search.too_high_per_s()), (Some(1_000_000), None));
    assert!(search.is_confirmed());
}

#[test]
fn fresh_rounds_correct_a_lucky_bisection() {
    let mut search = Search::new(Rules::default());
    let mut fresh = false;
    for _ in 0..200 {
        let Some((rate, phase)) = search.next() else { break };
        fresh |= phase == Phase::Confirm;
        let edge = if fresh { 200_000 } else { 250_000 };
        search.tell(if rate <= edge { Ok(()) } else { Err(Limit::Server) });
    }
    let found = search.capacity_per_s().unwrap();
    assert!((188_000..=200_000).contains(&found), "{found}");
    assert!(search.is_confirmed());
}

#[test]
fn a_client_that_fails_every_fresh_round_ends_below_the_lowest_rate() {
    let mut search = Search::new(Rules { lowest_per_s: 1_000, ..Rules::default() });
    while let Some((rate, phase)) = search.next() {
        let fails = phase == Phase::Confirm || rate > 2_000;
        search.tell(if fails { Err(Limit::Latency) } else { Ok(()) });
    }
    assert!(search.is_below_lowest() && !search.is_confirmed());
    assert_eq!(search.capacity_per_s(), None);
}

#[test]
fn without_confirmation_it_ends_with_the_bisection() {
    let mut search = Search::new(Rules { confirmations: 0, tolerance: 1.2, ..Rules::default() });
    let probes = play(&mut search, up_to(500_000));
    let found = search.capacity_per_s().unwrap();
    assert!((400_000..=500_000).contains(&found) && probes < 12 && !search.is_confirmed());
}

#[test]
fn the_fullest_layer_is_the_limit() {
    let backlog = Backlog { kernel_send: 5.0, client: 7.0, ..Backlog::default() };
    assert_eq!(fullest(&backlog), Limit::Client);
}

#[test]
fn rates_have_three_digits() {
    assert_eq!([12.4, 1234.0, 98_765.4].map(rounded), [12, 1230, 98_800]);
}

/// 60 ticks in a window: one that is under way at the last snapshot is not missing, two are.
#[test]
fn a_tick_under_way_is_not_missing() {
    const WINDOW_NS: u64 = 600_000_000;
    let response = Some(Quantiles {
        p50: Time::Exact(1),
        p90: Time::Exact(1),
        p99: Time::Exact(1),
        p999: Time::Exact(1),
        max: Time::Exact(1),
    });
    let waiting = |ticks: f64| Measurement {
        efficiency: Some(1.0 - ticks / 60.0),
        backlog_end: Backlog { client: ticks, ..Backlog::default() },
        response_ns: response,
        rates: Rates { offered_per_s: Some(100.0), ..Rates::default() },
        pacing_lateness_ns: Some(Lateness::default()),
        ..Measurement::default()
    };
    let held = |ticks| sustained(Verdict::Ok, Some(&waiting(ticks)), WINDOW_NS, 1_000, 1_000);
    assert_eq!((held(0.0), held(1.0)), (Ok(()), Ok(())));
    assert_eq!(held(2.0), Err(Limit::Client));
    // Without due times nothing is late, but ticks that were never generated are missing.
    let generated = |per_s| Measurement {
        rates: Rates { offered_per_s: Some(100.0), generated_per_s: per_s, ..Rates::default() },
        pacing_lateness_ns: None,
        ..waiting(0.0)
    };
    let held = |per_s| sustained(Verdict::Ok, Some(&generated(per_s)), WINDOW_NS, 1_000, 1_000);
    // One tick of 60 may be beyond an end of the window, two may not.
    assert_eq!((held(97.5), held(97.0)), (Ok(()), Err(Limit::ServerPace)));
}

/// A few ticks per second cannot be varied by 5 %: the next rate is one tick more.
#[test]
fn low_rates_are_searched_tick_by_tick() {
    for capacity in [1, 2, 3, 7, 12, 19, 30, 99] {
        for confirmations in [0, 3] {
            let rules = Rules { lowest_per_s: 1, confirmations, ..Rules::default() };
            let mut search = Search::new(rules);
            let probes = play(&mut search, up_to(capacity));
            let found = search.capacity_per_s().unwrap();
            let too_high = search.too_high_per_s().unwrap();
            assert!(found <= capacity && capacity < too_high, "{capacity}: {found} {too_high}");
            let next = rounded(found as f64 * 1.05).max(found + 1);
            assert!(too_high <= next, "{capacity}: {found} {too_high}");
            assert!(search.is_confirmed() == (confirmations > 0) && probes < 30, "{probes}");
        }
    }
    let rules = Rules { lowest_per_s: 1, highest_per_s: 50, ..Rules::default() };
    let mut lucky = Search::new(rules);
    while let Some((rate, phase)) = lucky.next() {
        let fails = phase == Phase::Confirm || rate > 3;
        lucky.tell(if fails { Err(Limit::Latency) } else { Ok(()) });
    }
    assert!(lucky.is_below_lowest() && !lucky.is_confirmed());
}
