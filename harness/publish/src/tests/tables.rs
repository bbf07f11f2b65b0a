//! Rows, ranks and tables of synthetic rounds.

use super::campaigns::{empty, reasons};
use crate::tables::workload::render;
use crate::tables::{capacities, sweep};
use crate::text::style::Style;
use bench_archive::campaign::Campaign;
use bench_core::analysis::capacity::result::{Capacity, Limit, SearchNote};
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::round::journey::Lateness;
use bench_core::analysis::round::journey::{Stage, Waterfall};
use bench_core::analysis::round::measure::{Measurement, Rates};
use bench_core::analysis::rows::ranks::precision::{Ended, Ending, Goal};
use bench_core::analysis::rows::ranks::ranking;
use bench_core::analysis::rows::ranks::ranking::Noise;
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row::{Row, row};
use bench_core::analysis::rows::summary::{self, Participants};
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{Flood, RankBy, Rate, Workload};
use contract::Class;

fn workload(name: &str, rate_per_s: Rate, rank_by: RankBy) -> Workload {
    let text = format!(
        "name='{name}'\nwhy='Because.'\nread='From left to right.'\nrate_per_s=1\nrank_by='processed'\n"
    );
    Workload { rate_per_s: Some(rate_per_s), rank_by, ..toml::from_str(&text).unwrap() }
}

/// The table of a campaign of these rows alone.
fn rendered(workload: &Workload, rows: &[Row], noise: &[Noise], style: Style) -> String {
    render(&empty("compare", std::slice::from_ref(workload)), workload, rows, noise, style)
}

/// A round whose times are multiples of `unit_ns`.
fn kept_up(unit_ns: u64) -> Measurement {
    let exact = |n: u64| Time::Exact(n * unit_ns);
    let times =
        Quantiles { p50: exact(1), p90: exact(2), p99: exact(3), p999: exact(5), max: exact(9) };
    let stage = |share| Stage { p50: exact(1), p99: exact(2), share };
    Measurement {
        rates: Rates {
            offered_per_s: Some(500_000.0),
            processed_per_s: 500_000.0,
            ..Rates::default()
        },
        efficiency: Some(1.0),
        backlog_growth_per_s: -12.0,
        backlog_end: Backlog { kernel_receive: 7.0, library: 3.0, ..Backlog::default() },
        response_ns: Some(times),
        service_ns: Some(times),
        waterfall: Some(Waterfall {
            schedule_lag: stage(0.1),
            server_queue: stage(0.1),
            kernel_and_library: stage(0.5),
            client: stage(0.3),
        }),
        client_cpu_ns_per_tick: Some(123.4),
        server_cpu_ns_per_tick: Some(9.87),
        client_peak_rss_bytes: 5_400_000,
        server_lateness_ns: Some(Lateness { p50: 9_000, p99: 88_000, max: 1_200_000 }),
        ..Measurement::default()
    }
}

fn fell_behind(growth_per_s: f64) -> Measurement {
    let bound = Time::AtLeast { at_least: 4_123_000_000 };
    let mut m = kept_up(1_000_000);
    m.backlog_growth_per_s = growth_per_s;
    m.rates.processed_per_s = 500_000.0 - growth_per_s;
    m.backlog_end = Backlog { client: 1_178_123.0, ..Backlog::default() };
    m.response_ns = m.response_ns.map(|q| Quantiles { p99: bound, p999: bound, max: bound, ..q });
    m
}

fn took(processed_per_s: f64) -> Measurement {
    Measurement {
        rates: Rates { processed_per_s, ..Rates::default() },
        response_ns: None,
        waterfall: None,
        ..kept_up(1)
    }
}

/// The rounds of one client, all with the same verdict.
fn rounds(client: &str, verdict: Verdict, all: Vec<Measurement>) -> Vec<RoundResult> {
    let round = |(round, measurement)| RoundResult {
        workload: "w".into(),
        client: client.into(),
        control: false,
        round,
        repeat: 0,
        disturbances: Vec::new(),
        verdict,
        reasons: reasons(verdict),
        remarks: Vec::new(),
        measurement: Some(measurement),
    };
    (1..).zip(all).map(round).collect()
}

/// `count` rounds around `unit_ns`, one per cent apart.
fn around(unit_ns: u64, count: u64) -> Vec<Measurement> {
    (0..count).map(|i| kept_up(unit_ns + i * unit_ns / 100)).collect()
}

fn ranked(workload: &Workload, mut rows: Vec<Row>, noise: &[Noise]) -> Vec<Row> {
    ranking::rank(&mut rows, workload.rank_by, noise);
    rows
}

fn ranks(rows: &[Row]) -> Vec<(&str, Option<usize>)> {
    rows.iter().map(|row| (row.client.as_str(), row.rank)).collect()
}

fn ok(workload: &Workload, client: &str, all: Vec<Measurement>) -> Row {
    row(workload, client, Class::Library, &rounds(client, Verdict::Ok, all))
}

#[test]
fn a_rate_table_has_shared_ranks_and_lower_bounds() {
    let workload = workload("overload", Rate::PerSecond(500_000), RankBy::BacklogGrowth);
    let rows = vec![
        row(
            &workload,
            "page",
            Class::Simulated,
            &rounds("page", Verdict::Overloaded, vec![fell_behind(471_234.5); 3]),
        ),
        row(
            &workload,
            "loser",
            Class::Library,
            &rounds("loser", Verdict::Invalid, vec![kept_up(1)]),
        ),
        ok(&workload, "second", around(20_000, 3)),
        ok(&workload, "first", around(10_000, 3)),
        row(
            &workload,
            "plain-tcp",
            Class::Reference,
            &rounds("plain-tcp", Verdict::Ok, around(5_000, 3)),
        ),
    ];
    let rows = ranked(&workload, rows, &[]);
    insta::assert_snapshot!("rate", rendered(&workload, &rows, &[], Style::Markdown));
}

#[test]
fn a_flood_table_has_ties() {
    let workload = workload("flood", Rate::Flood(Flood::Flood), RankBy::Processed);
    let fast = |client: &str, per_s: f64| {
        let all = (0..7).map(|i| took(per_s * (1.0 + f64::from(i) / 100.0))).collect();
        ok(&workload, client, all)
    };
    let limited = rounds("plain-tcp", Verdict::ServerLimited, vec![took(90e6); 7]);
    let rows = vec![
        fast("third", 3.0e6),
        fast("first", 5.1e6),
        fast("alike", 5.09e6),
        row(&workload, "plain-tcp", Class::Reference, &limited),
    ];
    let mut twice = rounds("first", Verdict::Ok, vec![took(5.1e6); 7]);
    let mut again = rounds("first", Verdict::Ok, vec![took(5.2e6); 7]);
    again.iter_mut().for_each(|round| round.control = true);
    twice.extend(again);
    let noise = ranking::noise(
        &Workload { name: "w".into(), ..workload.clone() },
        "first",
        &twice.iter().collect::<Vec<_>>(),
    );
    let rows = ranked(&workload, rows, &noise);
    assert_eq!(
        ranks(&rows),
        [("first", Some(1)), ("alike", Some(1)), ("third", Some(3)), ("plain-tcp", None)]
    );
    insta::assert_snapshot!("flood", rendered(&workload, &rows, &noise, Style::Terminal));
}

#[test]
fn a_difference_below_the_noise_floor_is_none() {
    let workload = workload("steady", Rate::PerSecond(500_000), RankBy::ResponseP99);
    // Seven rounds of each, which do not overlap and differ by a tenth.
    let rows = || {
        vec![ok(&workload, "a", vec![kept_up(1000); 7]), ok(&workload, "b", vec![kept_up(1100); 7])]
    };
    assert_eq!(ranks(&ranked(&workload, rows(), &[])), [("a", Some(1)), ("b", Some(2))]);
    let mut control = rounds("a", Verdict::Ok, vec![kept_up(1200); 7]);
    control.iter_mut().for_each(|round| round.control = true);
    control.extend(rounds("a", Verdict::Ok, vec![kept_up(1000); 7]));
    let noise = ranking::noise(
        &Workload { name: "w".into(), ..workload.clone() },
        "a",
        &control.iter().collect::<Vec<_>>(),
    );
    assert_eq!(ranks(&ranked(&workload, rows(), &noise)), [("a", Some(1)), ("b", Some(1))]);
}

#[test]
fn few_rounds_give_different_ranks_only_without_overlap() {
    let workload = workload("steady", Rate::PerSecond(500_000), RankBy::ResponseP99);
    let of = |client: &str, units: &[u64]| {
        ok(&workload, client, units.iter().map(|&u| kept_up(u)).collect())
    };
    let close =
        vec![of("a", &[100, 120, 140]), of("b", &[130, 150, 170]), of("far", &[900, 910, 920])];
    let rows = ranked(&workload, close, &[]);
    assert_eq!(ranks(&rows), [("a", Some(1)), ("b", Some(1)), ("far", Some(3))]);
    let single = vec![of("a", &[100]), of("b", &[900])];
    let rows = ranked(&workload, single, &[]);
    assert_eq!(ranks(&rows), [("a", Some(1)), ("b", Some(1))]);
    let text = rendered(&workload, &rows, &[], Style::Markdown);
    assert!(text.contains("One round each cannot tell clients apart"), "{text}");
}

#[test]
fn the_overloaded_come_last_and_by_their_growth() {
    let workload = workload("steady", Rate::PerSecond(500_000), RankBy::ResponseP99);
    let behind = |client: &str, growth: f64| {
        let all = (0..7).map(|i| fell_behind(growth * (1.0 + f64::from(i) / 1000.0))).collect();
        row(&workload, client, Class::Library, &rounds(client, Verdict::Overloaded, all))
    };
    let rows = vec![
        behind("worst", 400_000.0),
        behind("bad", 100_000.0),
        ok(&workload, "good", around(1_000_000_000, 7)),
    ];
    let rows = ranked(&workload, rows, &[]);
    assert_eq!(ranks(&rows), [("good", Some(1)), ("bad", Some(2)), ("worst", Some(3))]);
}

/// Among fourteen others, five rounds give no p below 0.05 after Holm, however much they differ.
#[test]
fn rounds_that_are_too_few_for_a_test_among_many_rank_by_overlap() {
    let workload = workload("flood", Rate::Flood(Flood::Flood), RankBy::Processed);
    let of = |name: &str, per_s: f64| {
        let all = (0..5).map(|i| took(per_s + f64::from(i))).collect();
        ok(&workload, name, all)
    };
    let names: Vec<String> = (0..15).map(|i| format!("c{i:02}")).collect();
    // Each is 10 below the one before, except for two that overlap.
    let per_s = |i: usize| if i == 14 { 2.0 } else { 1000.0 - 10.0 * i as f64 };
    let mut rows: Vec<Row> = names.iter().zip(0..).map(|(n, i)| of(n, per_s(i))).collect();
    rows[5] = of(&names[5], per_s(4) - 2.0);
    let rows = ranked(&workload, rows, &[]);
    let at = |name: &str| rows.iter().find(|row| row.client == name).unwrap();
    assert!(at("c01").versus_leader.as_ref().unwrap().p_holm > 0.05);
    assert_eq!((at("c00").rank, at("c01").rank, at("c14").rank), (Some(1), Some(2), Some(15)));
    assert_eq!((at("c04").rank, at("c05").rank), (Some(5), Some(5)), "these overlap");
    let text = rendered(&workload, &rows, &[], Style::Markdown);
    let note = "5 rounds are too few for a test among so many clients";
    assert!(text.contains(note) && text.contains("--rounds 6 or more"), "{text}");
}

/// A table by the rules of new campaigns says what its ranks mean, what it can tell, and what its
/// controls and its length were.
#[test]
fn a_table_of_all_pairs_says_what_it_can_tell() {
    let workload = workload("steady", Rate::PerSecond(500_000), RankBy::ResponseP99);
    let mut all = Vec::new();
    for (client, unit_ns) in [("a", 1000), ("b", 2000), ("c", 2010)] {
        all.extend(rounds(client, Verdict::Ok, around(unit_ns, 5)));
    }
    let mut second = rounds("a", Verdict::Ok, around(1001, 5));
    second.iter_mut().for_each(|round| round.control = true);
    all.extend(second);
    all.iter_mut().for_each(|round| round.workload.clone_from(&workload.name));
    let clients = ["a", "b", "c"].map(|name| (name.to_owned(), Class::Library)).to_vec();
    let participants =
        Participants { clients, controls: vec!["a".into()], rules: RowRules::AllPairs };
    let all: Vec<&RoundResult> = all.iter().collect();
    let (rows, noise) = summary::of_workload(&workload, &participants, &all);
    let goal = Goal { half_width: 0.05, budget_ns: 1 };
    let ended = Ended { workload: "steady".into(), goal, by: Ending::PrecisionReached };
    let campaign = Campaign {
        rules: RowRules::AllPairs,
        endings: vec![ended],
        ..empty("compare", std::slice::from_ref(&workload))
    };
    insta::assert_snapshot!(
        "all_pairs",
        render(&campaign, &workload, &rows, &noise, Style::Markdown)
    );
}

/// A disturbed round is left out, with a remark; a row with too many of them is not ranked.
#[test]
fn disturbed_rounds_are_left_out_but_not_hidden() {
    let workload = workload("steady", Rate::PerSecond(500_000), RankBy::ResponseP99);
    let mut all = rounds("a", Verdict::Ok, around(1000, 6));
    all.extend(rounds("a", Verdict::Noisy, vec![kept_up(9_000_000)]));
    all[6].round = 7;
    let one = row(&workload, "a", Class::Library, &all);
    assert_eq!((one.verdict, one.rounds, one.verdicts[&Verdict::Noisy]), (Verdict::Ok, 6, 1));
    assert!(
        one.remarks.iter().any(|remark| remark.to_string() == "round 7 is noisy: for a test"),
        "{one:?}"
    );
    let noisy = rounds("a", Verdict::Noisy, around(1000, 5));
    let most = row(&workload, "a", Class::Library, &[noisy, all].concat());
    assert_eq!(most.verdict, Verdict::Ok, "6 of 12 are enough");
    let alone = row(&workload, "a", Class::Library, &rounds("a", Verdict::Noisy, around(1000, 3)));
    assert_eq!((alone.verdict, alone.rounds), (Verdict::Noisy, 3), "shown, not ranked");
}

#[test]
fn capacities_and_sweeps_have_tables() {
    let found = |client: &str, capacity: Option<u64>| Capacity {
        client: client.into(),
        class: Class::Library,
        capacity_per_s: capacity,
        interval_per_s: capacity.map(|low| (low, Some(low + low / 20))),
        limited_by: Some(Limit::KernelReceive),
        confirmed: capacity.is_some(),
        client_cpus: Some(0.987),
        response_p99_ns: Some(1.5e6),
        note: capacity.is_none().then_some(SearchNote::BelowLowest { rate_per_s: 1000 }),
        took_s: 31.4,
        probes: Vec::new(),
    };
    let all = [found("quick", Some(2_400_000)), found("slow", None)];
    insta::assert_snapshot!("capacity", capacities::render(&all, Style::Markdown));
    let base = workload("steady", Rate::PerSecond(1), RankBy::ResponseP99);
    let loads = [base.at_rate(10_000), base.at_rate(500_000)];
    let mut rows = Vec::new();
    for (load, last) in loads.iter().zip([Verdict::Ok, Verdict::Overloaded]) {
        rows.push(ok(load, "a", around(1000, 3)));
        rows.push(row(load, "b", Class::Library, &rounds("b", last, vec![fell_behind(9.0); 3])));
    }
    insta::assert_snapshot!("sweep", sweep::render(&loads, &rows, Style::Terminal));
}
