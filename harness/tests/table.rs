//! Tables are pure: these rows give these words.

use contract::Class;
use harness::measure::{Backlog, Lateness};
use harness::rows::{MedianRates, Row, Spread, Verdict};
use harness::stats::{Quantiles, Time};
use harness::table::{Style, render};
use harness::workload::{Flood, RankBy, Rate, Workload};

fn workload(name: &str, rate_per_s: Rate, rank_by: RankBy) -> Workload {
    let text = format!(
        "name='{name}'\nwhy='Because.'\nread='From left to right.'\nrate_per_s=1\nrank_by='processed'\n"
    );
    Workload { rate_per_s, rank_by, ..toml::from_str(&text).unwrap() }
}

/// A row whose times are multiples of `unit_ns`.
fn row(client: &str, class: Class, unit_ns: u64) -> Row {
    let exact = |n: u64| Time::Exact(n * unit_ns);
    let times =
        Quantiles { p50: exact(1), p90: exact(2), p99: exact(3), p999: exact(5), max: exact(9) };
    Row {
        workload: "w".into(),
        client: client.into(),
        class,
        verdict: Verdict::Measured,
        reason: None,
        rounds: 3,
        rates: MedianRates {
            offered_per_s: Some(500_000.0),
            processed_per_s: Some(500_000.0),
            ..MedianRates::default()
        },
        efficiency: Some(1.0),
        backlog_growth_per_s: Some(-12.0),
        backlog_end: Some(Backlog { kernel_receive: 7.0, library: 3.0, ..Backlog::default() }),
        oldest_age_ns: Some(20_000.0),
        drain_s: Some(0.0),
        response_ns: Some(times),
        service_ns: Some(times),
        client_cpu_ns_per_tick: Some(123.4),
        server_cpu_ns_per_tick: Some(9.87),
        client_peak_rss_bytes: Some(5_400_000.0),
        server_lateness_ns: Some(Lateness { p50: 9_000, p99: 88_000, max: 1_200_000 }),
        ranked_spread: Some(Spread { min: 2.9 * unit_ns as f64, max: 3.1 * unit_ns as f64 }),
        remarks: Vec::new(),
    }
}

fn behind(client: &str) -> Row {
    let bound = Time::AtLeast { at_least: 4_123_000_000 };
    let mut row = row(client, Class::Simulated, 1_000_000);
    row.backlog_growth_per_s = Some(471_234.5);
    row.rates.processed_per_s = Some(28_571.0);
    row.backlog_end = Some(Backlog { client: 1_178_123.0, ..Backlog::default() });
    row.response_ns =
        row.response_ns.map(|q| Quantiles { p99: bound, p999: bound, max: bound, ..q });
    row
}

fn broken(client: &str) -> Row {
    let mut row = row(client, Class::Library, 1);
    row.verdict = Verdict::Invalid;
    row.reason = Some("5 seqs skipped".into());
    row
}

#[test]
fn a_rate_table_marks_the_best_and_bounds_what_still_waits() {
    let workload = workload("overload", Rate::PerSecond(500_000), RankBy::BacklogGrowth);
    let rows = [
        behind("page"),
        broken("loser"),
        row("second", Class::Library, 20_000),
        row("first", Class::Library, 10_000),
        row("yardstick", Class::Reference, 5_000),
    ];
    insta::assert_snapshot!("rate", render(&workload, &rows, Style::Markdown));
}

#[test]
fn a_flood_table_calls_a_tie_a_tie() {
    let workload = workload("flood", Rate::Flood(Flood::Flood), RankBy::Processed);
    let fast = |client: &str, class, per_s: f64| {
        let mut row = row(client, class, 1);
        row.rates = MedianRates { processed_per_s: Some(per_s), ..MedianRates::default() };
        row.ranked_spread = Some(Spread { min: per_s * 0.95, max: per_s * 1.05 });
        row
    };
    let mut floor = fast("yardstick", Class::Reference, 90e6);
    floor.remarks = vec!["server-limited: so it is".into()];
    let rows = [
        fast("third", Class::Library, 3.0e6),
        fast("first", Class::Library, 5.1e6),
        fast("alike", Class::Library, 5.0e6),
        floor,
    ];
    insta::assert_snapshot!("flood", render(&workload, &rows, Style::Terminal));
}

#[test]
fn a_single_best_is_marked_alone() {
    let workload = workload("steady", Rate::PerSecond(500_000), RankBy::ResponseP99);
    let rows = [row("slow", Class::Library, 20_000), row("quick", Class::Library, 10_000)];
    let text = render(&workload, &rows, Style::Markdown);
    assert!(text.contains("| * quick") && text.contains("|   slow"), "{text}");
}

#[test]
fn one_round_names_nobody_best() {
    let workload = workload("quick", Rate::PerSecond(500_000), RankBy::ResponseP99);
    let mut rows = [row("slow", Class::Library, 20_000), row("quick", Class::Library, 10_000)];
    rows.iter_mut().for_each(|row| row.rounds = 1);
    let text = render(&workload, &rows, Style::Markdown);
    assert!(text.contains("|   quick") && text.contains("too few to name a best"), "{text}");
}
