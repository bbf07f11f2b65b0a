//! The answer of a campaign in one sentence, and the titles of its pictures.

use super::campaigns::{Synthetic, fell_behind, kept_up, rounds, steady, workload};
use crate::report::answer;
use bench_archive::campaign::Campaign;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::Workload;

fn overload() -> Workload {
    workload("overload", "rate_per_s = 500000\nrank_by = \"keeping_up\"")
}

fn waits(backlog: Backlog) -> Measurement {
    Measurement { backlog_end: backlog, ..fell_behind(90_000.0) }
}

/// One workload with these clients, a round each.
fn of(load: &Workload, clients: &[(&str, Verdict, Measurement)]) -> Campaign {
    let all = clients.iter().flat_map(|(client, verdict, measurement)| {
        rounds(&load.name, client, *verdict, vec![measurement.clone()])
    });
    Synthetic::new("answer", std::slice::from_ref(load), all.collect()).campaign
}

#[test]
fn the_answer_says_who_keeps_up_who_does_not_and_where_the_backlog_is() {
    let in_server = Backlog { server: 9000.0, ..Backlog::default() };
    let in_client = Backlog { client: 9000.0, ..Backlog::default() };
    let found = of(
        &overload(),
        &[
            ("a", Verdict::Ok, kept_up(1000)),
            ("b", Verdict::Overloaded, waits(in_server)),
            ("c", Verdict::Overloaded, waits(in_client)),
            ("d", Verdict::Noisy, kept_up(1000)),
        ],
    );
    assert_eq!(
        answer::of_campaign(&found),
        "1 of 4 clients takes 500 000 ticks/s; b (backlog in the server) and c (backlog in its own queue) fall behind; not measured well enough: d (noisy)."
    );
}

#[test]
fn if_all_keep_up_the_answer_is_one_clause() {
    let found =
        of(&overload(), &[("a", Verdict::Ok, kept_up(1000)), ("b", Verdict::Ok, kept_up(1000))]);
    assert_eq!(answer::of_campaign(&found), "All 2 clients take 500 000 ticks/s.");
    let one = of(&overload(), &[("a", Verdict::Ok, kept_up(1000))]);
    assert_eq!(answer::of_campaign(&one), "a takes 500 000 ticks/s.");
}

#[test]
fn clients_that_cannot_be_told_apart_are_not_ordered() {
    let found =
        of(&steady(), &[("a", Verdict::Ok, kept_up(1000)), ("b", Verdict::Ok, kept_up(1200))]);
    let (rows, _) = found.of_workload("steady");
    assert_eq!(
        answer::lateness(&steady(), &rows),
        "At 100 000 ticks/s, all 2 clients that keep up cannot be told apart: p99 3.0 µs to 3.6 µs."
    );
}

#[test]
fn where_no_client_keeps_up_no_response_times_are_compared() {
    let found = of(&steady(), &[("a", Verdict::Overloaded, fell_behind(60_000.0))]);
    let (rows, _) = found.of_workload("steady");
    assert_eq!(
        answer::lateness(&steady(), &rows),
        "No client keeps up, so no response times are compared."
    );
    let mixed = of(
        &overload(),
        &[("a", Verdict::Overloaded, fell_behind(60_000.0)), ("b", Verdict::Noisy, kept_up(1))],
    );
    assert!(
        answer::of_campaign(&mixed)
            .starts_with("The only client that was measured does not keep up; a "),
        "{}",
        answer::of_campaign(&mixed)
    );
}

#[test]
fn of_several_policies_the_one_that_only_queues_is_asked() {
    let with = |name: &str, policy: &str| {
        let policy = format!("slow_consumer = {{ policy = \"{policy}\" }}");
        workload(name, &format!("rate_per_s = 1000\nrank_by = \"staleness\"\n{policy}"))
    };
    let loads = [with("slow-block", "block"), with("slow-queue", "queue")];
    let campaign = Synthetic::new("policies", &loads, Vec::new()).campaign;
    assert_eq!(answer::highest(&campaign).unwrap().name, "slow-queue");
    let flood = workload("flood", "rate_per_s = \"flood\"\nrank_by = \"processed\"");
    let campaign = Synthetic::new("mixed", &[flood, loads[1].clone()], Vec::new()).campaign;
    assert_eq!(answer::highest(&campaign).unwrap().name, "slow-queue");
}

#[test]
fn bursts_count_as_their_highest_rate_and_have_no_mark() {
    let bursts = workload(
        "bursty",
        "rate_per_s = 1000\nrank_by = \"typical_p99\"\nburst = { to_per_s = 9000, every_ms = 100, for_ms = 10 }",
    );
    let even = workload("even", "rate_per_s = 5000\nrank_by = \"typical_p99\"\nconnections = 1");
    let campaign = Synthetic::new("bursts", &[bursts, even], Vec::new()).campaign;
    assert_eq!(answer::highest(&campaign).unwrap().name, "bursty");
    let marks: Vec<_> = campaign.workloads.iter().map(answer::offered_per_s).collect();
    assert_eq!(marks, [None, Some(5000)]);
}

#[test]
fn nothing_measured_is_no_answer() {
    let found = of(&overload(), &[("a", Verdict::Failed, kept_up(1000))]);
    assert_eq!(answer::of_campaign(&found), "No client was measured well enough: a (failed).");
    let empty = of(&overload(), &[]);
    assert_eq!(answer::of_campaign(&empty), "Nothing has been measured yet.");
}

/// A client at some rates, with a verdict at each.
fn at_rates(client: &str, rates: &[(u64, Verdict)]) -> Vec<(Workload, &'static str, Verdict)> {
    let name: &'static str = String::leak(client.to_owned());
    let load = |rate: u64| {
        workload(&format!("at-{rate}"), &format!("rate_per_s = {rate}\nrank_by = \"response_p99\""))
    };
    rates.iter().map(|(rate, verdict)| (load(*rate), name, *verdict)).collect()
}

#[test]
fn a_sweep_says_from_which_rate_on_a_client_falls_behind() {
    use Verdict::{Invalid, Ok, Overloaded};
    let mut all = at_rates("a", &[(10_000, Ok), (100_000, Ok)]);
    all.extend(at_rates("b", &[(10_000, Invalid), (100_000, Overloaded)]));
    all.extend(at_rates("c", &[(10_000, Ok), (100_000, Invalid)]));
    let mut campaign = Synthetic::new(
        "sweep",
        &[all[0].0.clone(), all[1].0.clone()],
        all.iter()
            .flat_map(|(load, client, verdict)| {
                rounds(&load.name, client, *verdict, vec![kept_up(1000)])
            })
            .collect(),
    )
    .campaign;
    campaign.kind = bench_archive::campaign::Kind::Sweep;
    assert_eq!(
        answer::of_campaign(&campaign),
        "1 of 3 clients keeps up at every rate, up to 100\u{202f}k ticks/s; b (100\u{202f}k) falls behind at the rate in parentheses; not measured well enough at some rate: c."
    );
}
