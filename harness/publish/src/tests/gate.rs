//! Conditions of `--fail-on` on synthetic campaigns.

use super::campaigns::{self, Synthetic, around, kept_up, rounds, steady, workload};
use super::diffs::{before_and_after, campaign, compared, judged, ok, word};
use crate::compare::change::Word;
use crate::compare::gate::outcome::{Failure, Outcome, Reason as GateReason, Whole};
use bench_core::analysis::capacity::result::{Capacity, SearchNote};
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;
use contract::Class;

/// What is slower by at least 3 % may be slower by any amount.
#[test]
fn a_bound_does_not_prove_that_a_gate_holds() {
    let bound = |mut m: Measurement| {
        let at_least = m.response_ns.unwrap().p99.bound_ns();
        let bound = Time::AtLeast { at_least };
        m.response_ns =
            m.response_ns.map(|q| Quantiles { p99: bound, p999: bound, max: bound, ..q });
        m
    };
    let a = campaign("a", &[ok("x", vec![kept_up(10_000); 7])]);
    let exact = campaign("b", &[ok("x", vec![kept_up(10_300); 7])]);
    let bounds = campaign("b", &[ok("x", vec![bound(kept_up(10_300)); 7])]);
    for (b, holds) in [(exact, true), (bounds, false)] {
        let diff = compared(&a, &b);
        assert_eq!(word(&diff, "x"), Word::Slower);
        assert_eq!(judged(&["slower:5%"], &b, Some(&diff))[0].holds, holds);
    }
}

/// The clients of the rows that fail.
fn clients(outcome: &Outcome) -> Vec<&str> {
    let mut clients = Vec::new();
    for reason in &outcome.reasons {
        if let GateReason::Row(violation) = reason {
            clients.push(violation.client.as_str());
        }
    }
    clients
}

#[test]
fn the_gate_checks_the_size_of_changes() {
    let (a, b) = before_and_after();
    let diff = compared(&a, &b);
    let of = |text| judged(&[text], &b, Some(&diff)).remove(0);
    let slower = of("slower:5%");
    assert!(!slower.holds && slower.checked == 7 && slower.open == 1, "{slower:?}");
    // `stuck` is slower by 2 % only; a change of the verdict has no size.
    let mut named = clients(&slower);
    named.sort_unstable();
    assert_eq!(named, ["behind", "crash", "slow"]);
    assert_eq!(of("slower").reasons.len(), 4);
    assert!(of("*/quick:slower").holds && of("*/alike:slower").holds);
    assert!(!of("elsewhere/*:slower").holds, "nothing was checked");
    let failed = of("failed");
    assert!(!failed.holds && failed.reasons.len() == 2, "{failed:?}");
    assert_eq!(clients(&failed), ["crash", "gone"]);
    assert_eq!(failed.reasons[1].to_string(), "steady/gone: B does not have it");
    assert!(of("*/slow:failed").holds);
}

#[test]
fn the_gate_checks_rows_against_objectives() {
    let (_, b) = before_and_after();
    let of = |text| judged(&[text], &b, None).remove(0);
    for kept in [
        "*/quick:p99<25ms",
        "steady/quick:p50<9us",
        "*/slow:max<1s",
        "*/alike:cpu<501ns",
        "*/alike:processed>99k",
        "*/alike:growth<1%",
        "*/behind:growth<41%",
    ] {
        assert!(of(kept).holds, "{:?}", of(kept));
    }
    for missed in
        ["*/quick:p99<24us", "*/alike:cpu<500ns", "*/alike:processed>100k", "*/behind:growth<1%"]
    {
        assert!(!of(missed).holds && of(missed).checked == 1, "{:?}", of(missed));
    }
    // A lower bound above the objective misses it; one below proves nothing.
    let failure = |text| match of(text).reasons.remove(0) {
        GateReason::Row(violation) => violation.failure,
        GateReason::Whole(whole) => panic!("{whole}"),
    };
    let time = Time::AtLeast { at_least: 2_000_000_000 };
    assert_eq!(failure("*/behind:p99<1s"), Failure::TooLong { time });
    assert_eq!(failure("*/behind:p99<3s"), Failure::NotShown { ns: 2_000_000_000 });
    let is_failed =
        |failure: &Failure| matches!(failure, Failure::NoNumbers { verdict: Verdict::Failed, .. });
    assert!(is_failed(&failure("*/crash:p99<1s")));
    assert_eq!(of("*/nobody:p99<1s").reasons, [GateReason::Whole(Whole::NoRow)]);
    assert!(!of("p99<1s").holds, "all rows, the failed one among them");
}

#[test]
fn floods_have_no_latency_and_what_cannot_run_is_not_judged() {
    let flood = workload("flood", "rate_per_s = \"flood\"\nrank_by = \"processed\"");
    let mut all: Vec<Measurement> = around(1, 7);
    for m in &mut all {
        (m.response_ns, m.rates.offered_per_s, m.rates.processed_per_s) = (None, None, 5e6);
    }
    let mut results = rounds("flood", "x", Verdict::Ok, all);
    results.extend(rounds("flood", "missing", Verdict::Unavailable, around(1, 7)));
    let b = Synthetic::new("b", &[flood], results);
    let [p99, growth, processed] =
        judged(&["p99<1s", "growth<1%", "processed>4M"], &b, None).try_into().unwrap();
    assert!(!p99.holds && p99.checked == 0 && !growth.holds);
    assert!(processed.holds && processed.checked == 1);
}

#[test]
fn capacities_are_judged_where_they_are_confirmed() {
    let found = |client: &str, rate: Option<u64>, confirmed| Capacity {
        client: client.into(),
        class: Class::Library,
        capacity_per_s: rate,
        interval_per_s: rate.map(|low| (low, Some(low * 21 / 20))),
        limited_by: None,
        confirmed,
        client_cpus: None,
        response_p99_ns: None,
        note: rate.is_none().then_some(SearchNote::BelowLowest { rate_per_s: 1000 }),
        took_s: 30.0,
        probes: Vec::new(),
    };
    let mut campaign = campaigns::empty("capacity", &[steady()]);
    campaign.capacities = vec![
        found("sure", Some(2_000_000), true),
        found("guess", Some(2_000_000), false),
        found("none", None, false),
    ];
    let b = Synthetic { name: "b".into(), campaign, rounds: Vec::new() };
    let of = |text| judged(&[text], &b, None).remove(0);
    assert!(of("steady/sure:capacity>1M").holds && !of("*/sure:capacity>2M").holds);
    assert!(of("*/guess:capacity>1M").reasons[0].to_string().contains("not confirmed"));
    assert!(of("*/none:capacity>1M").reasons[0].to_string().contains("lowest rate"));
    assert!(!of("p99<1s").holds, "a search has no rows");

    let mut slower = b.campaign.clone();
    slower.capacities[0] = found("sure", Some(1_500_000), true);
    let a = Synthetic { name: "a".into(), campaign: b.campaign.clone(), rounds: Vec::new() };
    let b = Synthetic { name: "b".into(), campaign: slower, rounds: Vec::new() };
    let diff = compared(&a, &b);
    assert_eq!((word(&diff, "sure"), word(&diff, "guess")), (Word::Slower, Word::CannotTell));
    let [some, much] = judged(&["slower:25%", "slower:30%"], &b, Some(&diff)).try_into().unwrap();
    assert!(
        !some.holds && some.reasons[0].to_string().contains("lower capacity by 25.0 %"),
        "{some:?}"
    );
    assert!(much.holds);
}
