//! The table across policies, computed from a campaign's rows.

use super::campaigns::reasons;
use crate::export::csv as tidy;
use crate::splice;
use crate::tables::across::{self, Groups, policies, tables};
use crate::tables::short;
use crate::text::style::Style;
use bench_archive::campaign::Campaign;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::round::latency::staleness::Staleness;
use bench_core::analysis::round::measure::{Measurement, Rates};
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use contract::{Class, Policy};

fn workload(name: &str, lines: &str) -> Workload {
    let head =
        format!("name='{name}'\nwhy='w'\nread='r'\nrate_per_s=100000\nrank_by='staleness'\n");
    toml::from_str(&format!("{head}{lines}")).unwrap()
}

fn measurement(policy: Policy) -> Measurement {
    let exact = |ns| Time::Exact(ns);
    let times = [1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000].map(exact);
    let [p50, p90, p99, p999, max] = times;
    Measurement {
        rates: Rates { processed_per_s: 48_000.0, ..Rates::default() },
        loss: policy.is_lossy().then_some(0.52),
        held_back: (policy == Policy::Block).then_some(0.5),
        staleness_ns: Some(Staleness { p50: 700_000, p99: 9_000_000, max: 12_000_000 }),
        response_ns: Some(Quantiles { p50, p90, p99, p999, max }),
        backlog_end: Backlog { server: 1_500.0, client: 12.0, ..Backlog::default() },
        ..Measurement::default()
    }
}

fn row(workload: &Workload, client: &str, verdict: Verdict, m: Option<Measurement>) -> Row {
    let round = RoundResult {
        workload: workload.name.clone(),
        client: client.into(),
        control: false,
        round: 1,
        repeat: 0,
        disturbances: Vec::new(),
        verdict,
        reasons: reasons(verdict),
        remarks: Vec::new(),
        measurement: m,
    };
    row::row(workload, client, Class::Library, &[&round])
}

fn campaign(workloads: &[Workload], rows: Vec<Row>) -> Campaign {
    let value = serde_json::json!({
        "schema": bench_archive::campaign::SCHEMA, "kind": "compare", "contract": contract::VERSION,
        "status": "complete", "started": "2026-01-01T00:00:00Z", "ended": null,
        "command": "cargo harness compare x", "seed": 1, "commit": null, "dirty": null,
        "machine": {
            "host": "vm", "kernel": "6", "architecture": "x86_64", "cpu_model": null,
            "cpu_flags": [], "cpus_allowed": "0-1", "cpus_online": 2, "memory_bytes": null,
            "governor": null, "congestion_control": null, "tcp_rmem_bytes": null,
            "tcp_wmem_bytes": null, "clocksource": null, "load_before": null
        },
        "stolen_share": null, "placement": "", "rounds": 1, "warmup_s": 0.5, "measure_s": 2.0,
        "grid_ms": 20, "server_versions": [], "clients": {}, "workloads": workloads,
        "rows": [], "noise": [], "capacities": []
    });
    Campaign { rows, ..serde_json::from_value(value).unwrap() }
}

/// Two clients under three policies, one of them with a foreign name.
fn three() -> Campaign {
    let workloads = [
        workload("slow-block", "slow_consumer={policy='block'}"),
        workload("slow-conflate", "slow_consumer={policy='conflate',bytes='64KiB'}"),
        workload("slow-cut", "slow_consumer={policy='disconnect',ms=5}"),
        workload("steady", ""),
    ];
    let mut rows = Vec::new();
    for client in ["zeta|x", "alpha"] {
        let m = |policy| Some(measurement(policy));
        rows.push(row(&workloads[0], client, Verdict::Overloaded, m(Policy::Block)));
        rows.push(row(&workloads[1], client, Verdict::Ok, m(Policy::Conflate)));
        rows.push(row(&workloads[2], client, Verdict::Overloaded, None));
        rows.push(row(&workloads[3], client, Verdict::Ok, m(Policy::Queue)));
    }
    campaign(&workloads, rows)
}

#[test]
fn a_line_for_each_client_and_policy() {
    let campaign = three();
    let lines = policies::lines(&campaign);
    let names: Vec<_> = lines.iter().map(|line| (line.client.as_str(), line.policy)).collect();
    let all = [Policy::Block, Policy::Conflate, Policy::Disconnect];
    let expected = ["alpha", "zeta|x"].map(|client| all.map(|policy| (client, policy)));
    assert_eq!(names, expected.concat());
    let conflate = serde_json::to_value(&lines[1]).unwrap();
    assert_eq!((&conflate["policy"], &conflate["lost"]), (&"conflate".into(), &0.52.into()));
    assert_eq!(conflate["backlog_end"], 1_512.0);
    let json = serde_json::to_value(Groups::of(&campaign)).unwrap();
    assert_eq!(json["policies"].as_array().unwrap().len(), 6);
}

#[test]
fn the_table_is_the_same_in_every_form() {
    let tables = tables(&three());
    let [table] = tables.as_slice() else { panic!("{}", tables.len()) };
    let cells = |client: &str, rest: [&str; 8]| -> Vec<String> {
        std::iter::once(client).chain(rest).map(str::to_owned).collect()
    };
    let block =
        ["block [overloaded]", "48.0", "50.0", "1.0 ms", "3.0 ms", "700 µs", "9.0 ms", "1 512"];
    let conflate = ["conflate", "48.0", "52.0", "1.0 ms", "3.0 ms", "700 µs", "9.0 ms", "1 512"];
    let cut = ["disconnect [overloaded]", "", "", "", "", "", "", ""];
    let expected: Vec<Vec<String>> = ["alpha", "zeta|x"]
        .iter()
        .flat_map(|client| [block, conflate, cut].map(|rest| cells(client, rest)))
        .collect();
    assert_eq!(table.rows, expected);
    let markdown = table.text(Style::Markdown);
    assert!(markdown.starts_with("## Slow consumers"), "{markdown}");
    assert!(markdown.contains("zeta\\|x"), "a foreign name breaks no column: {markdown}");
    let terminal = table.text(Style::Terminal);
    assert!(terminal.contains("conflate") && terminal.contains("52.0"), "{terminal}");
    let html = table.html().into_string();
    assert!(html.contains("<td class=\"text\">conflate</td>"), "{html}");
    assert!(html.contains("<td>–</td>"), "{html}");
}

#[test]
fn a_note_lists_differences_besides_the_policies() {
    let alike = three();
    let notes = |campaign: &Campaign| tables(campaign)[0].notes.join("\n");
    assert!(!notes(&alike).contains("Not only the policies differ"));
    let mut other = three();
    other.workloads[1].work_ns = 77;
    let notes = notes(&other);
    assert!(
        notes.contains("Different from slow-block: slow-conflate in work_ns 0 and 77."),
        "{notes}"
    );
}

#[test]
fn loss_and_staleness_are_in_the_tidy_table() {
    let csv = tidy::csv(&three()).unwrap();
    for line in [
        "slow-conflate,alpha,library,ok,,loss,mean,share,0.52,",
        "slow-block,alpha,library,overloaded,,held_back,mean,share,0.5,",
        "slow-conflate,alpha,library,ok,,staleness,p99,ns,9000000,exact,9000000,9000000,1",
        "slow-conflate,alpha,library,ok,,staleness,max,ns,12000000,",
    ] {
        assert!(csv.contains(line), "{line}: {csv}");
    }
    assert!(!csv.contains("slow-cut,alpha,library,overloaded,,loss"));
}

#[test]
fn one_policy_is_no_comparison() {
    let only = workload("slow-block", "slow_consumer={policy='block'}");
    let rows = vec![row(&only, "alpha", Verdict::Ok, Some(measurement(Policy::Block)))];
    let campaign = campaign(&[only, workload("steady", "")], rows);
    assert!(tables(&campaign).is_empty());
    let json = serde_json::to_value(Groups::of(&campaign)).unwrap();
    assert_eq!(json, serde_json::json!({}));
}

/// Without a window, the growth of the backlog is unknown.
#[test]
fn a_client_whose_round_ended_before_the_window_is_named() {
    let campaign = three();
    let load = &campaign.workloads[2];
    let answer = |load: &Workload| {
        crate::report::headline::answer(load, &campaign.of_workload(&load.name).0)
    };
    let cut = answer(load);
    assert!(
        cut.contains("alpha fell so far behind that its round ended before the window"),
        "{cut}"
    );
    // Under block, the growth of the backlog shows nothing.
    assert_eq!(
        answer(&campaign.workloads[0]),
        "zeta|x blocks 50.0 % of the source's ticks; alpha blocks 50.0 % of the source's ticks."
    );
}

/// Staleness decides, not growth, whatever the verdict.
#[test]
fn workloads_of_policies_are_ranked_by_staleness() {
    let workload = workload("slow-queue", "slow_consumer={policy='queue'}");
    let aged = |client: &str, verdict, p99| {
        let results = (0..3).map(|round| RoundResult {
            workload: workload.name.clone(),
            client: client.into(),
            control: false,
            round,
            repeat: 0,
            disturbances: Vec::new(),
            verdict,
            reasons: reasons(verdict),
            remarks: Vec::new(),
            measurement: Some(Measurement {
                staleness_ns: Some(Staleness { p50: 1, p99: p99 + u64::from(round), max: p99 * 2 }),
                backlog_growth_per_s: 1e9 / p99 as f64,
                ..measurement(Policy::Queue)
            }),
        });
        row::row(&workload, client, Class::Library, &results.collect::<Vec<_>>())
    };
    let mut rows = vec![
        row(&workload, "cut off", Verdict::Overloaded, None),
        aged("old", Verdict::Overloaded, 900_000),
        aged("young", Verdict::Overloaded, 90_000),
        aged("fresh", Verdict::Ok, 9_000),
    ];
    bench_core::analysis::rows::ranks::ranking::rank(&mut rows, workload.rank_by, &[]);
    let ranks: Vec<_> = rows.iter().map(|row| (row.client.as_str(), row.rank)).collect();
    let ended = ("cut off", None);
    assert_eq!(ranks, [("fresh", Some(1)), ("young", Some(2)), ("old", Some(3)), ended]);
    assert!(rows[3].versus_leader.is_none(), "there is nothing to compare");
    assert_eq!(
        bench_core::analysis::rows::ranks::ranking::most_compared(&rows, workload.rank_by),
        1,
        "young and old"
    );
    bench_core::analysis::rows::ranks::ranking::rank(&mut rows, RankBy::Processed, &[]);
    assert_eq!(rows[3].client, "cut off", "no rate is not the highest");
    assert_eq!(rows[1].intervals.staleness_p99_ns.unwrap().low, 90_000.0);
}

/// A README's comparison is not replaced by a newer campaign of policies.
#[test]
fn a_campaign_of_policies_or_of_connections_alone_is_no_comparison() {
    assert!(across::is_ordinary(&three()));
    let mut grouped = three();
    grouped.workloads.pop();
    assert!(!across::is_ordinary(&grouped));
    let fan_out = ["fan-out-1", "fan-out-10"].map(|name| workload(name, "group='fan-out'"));
    assert!(!across::is_ordinary(&campaign(&fan_out, Vec::new())));
}

#[test]
fn the_short_table_has_no_more_columns_than_a_readme_can_show() {
    let table = short::markdown(&three());
    let columns = table.lines().next().unwrap().matches('|').count() - 1;
    // Three columns for each workload, so the fourth does not fit.
    assert_eq!(columns, short::MAX_COLUMNS, "{table}");
    assert!(table.contains("slow-cut: rank") && !table.contains("steady"), "{table}");
    assert!(table.contains("zeta\\|x"), "{table}");
    let block = splice::block(&three(), "results/x");
    assert!(block.contains("srcset=\"results/x/chart-dark.svg\""), "{block}");
}
