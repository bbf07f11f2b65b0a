//! The evidence agrees with the rounds, with and without their stamps.

use super::{disturbances, files, windows};
use crate::export::File;
use crate::tests::campaigns::published;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Kind, Status};
use bench_archive::rounds::Round;
use bench_archive::sampled;
use bench_core::analysis::round::latency::typical::Typical;
use bench_core::analysis::round::latency::windows::Window;
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::statistics::times::{Time, Times};
use bench_core::analysis::verdict::Verdict;
use bench_core::record::disturbance::{Cause, Disturbance};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// How many rounds of a published comparison are copied.
const ROUNDS: usize = 12;

/// A disturbance of 30 ms, 700 ms after tick 0.
fn disturbance() -> Disturbance {
    let (at_ns, within_ns, took_ns) = (700_000_000, 40_000_000, 30_000_000);
    let cpus = "1".parse().unwrap();
    Disturbance { at_ns, within_ns, took_ns, cpus, cause: Cause::Stolen }
}

/// The first rounds of a published comparison with stamps, as if they had been measured today:
/// with typical response times, and the third of them disturbed.
fn recent(to: &Path) -> Archive {
    let is_comparison =
        |archive: &Archive| !archive.lacks_stamps() && archive.campaign.kind == Kind::Compare;
    let mut from = published().into_iter().find(is_comparison).unwrap();
    from.rounds.truncate(ROUNDS);
    let (source, mut lines) = (from.dir().to_owned(), String::new());
    for index in 0..ROUNDS {
        let window = sampled::of(&from, &from.rounds[index]).unwrap().unwrap().window_ns;
        let measurement = from.rounds[index].result.measurement.as_mut().unwrap();
        measurement.window_to_ns = window.map(|ns| ns.end);
        let typical = Typical::over(&from.windows(&from.rounds[index]).unwrap());
        let Round { result, evidence } = &mut from.rounds[index];
        result.measurement.as_mut().unwrap().typical_ns = typical;
        if index == 2 {
            result.verdict = Verdict::Noisy;
            result.disturbances = vec![disturbance()];
        }
        let evidence = evidence.as_ref().unwrap();
        lines += &line(result, &serde_json::to_value(evidence).unwrap());
        for file in [&evidence.journeys, &evidence.grid] {
            let path = to.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(source.join(file), path).unwrap();
        }
    }
    fs::write(to.join("rounds.jsonl"), lines).unwrap();
    // Its rows are computed from the rounds, as if its harness had been killed, and saved.
    save(to, &from, Status::Running);
    let killed = Archive::open(to).unwrap();
    save(to, &killed, Status::Complete);
    Archive::open(to).unwrap()
}

fn line(result: &RoundResult, evidence: &Value) -> String {
    let mut line = serde_json::to_value(result).unwrap();
    line.as_object_mut().unwrap().extend(evidence.as_object().unwrap().clone());
    format!("{line}\n")
}

fn save(to: &Path, archive: &Archive, status: Status) {
    let mut campaign = archive.campaign.clone();
    campaign.status = status;
    fs::write(to.join("campaign.json"), serde_json::to_vec(&campaign).unwrap()).unwrap();
}

/// Publishes the evidence of a campaign, and then removes its stamps.
fn published_without_stamps(to: &Path) -> Archive {
    for File { path, bytes } in files(&recent(to)).unwrap() {
        fs::write(to.join(path), bytes).unwrap();
    }
    for stamps in ["journeys", "grid"] {
        fs::remove_dir_all(to.join(stamps)).unwrap();
    }
    Archive::open(to).unwrap()
}

#[test]
fn campaigns_from_before_have_no_evidence() {
    let from_before = |archive: &Archive| archive.campaign.rules == RowRules::Leaders;
    let all: Vec<Archive> = published().into_iter().filter(from_before).collect();
    assert!(!all.is_empty());
    for archive in all {
        assert!(files(&archive).unwrap().is_empty(), "{}", archive.name());
    }
}

/// What the documented example computes: the median over windows, then over undisturbed rounds.
#[test]
fn medians_over_the_windows_of_undisturbed_rounds_are_the_figures_of_the_rows() {
    let room = tempfile::tempdir().unwrap();
    let archive = recent(room.path());
    let ranked = |round: &&Round| round.result.verdict.is_ranked() && !round.result.control;
    let mut compared = 0;
    for row in archive.campaign.rows.iter().filter(|row| row.verdict.is_ranked()) {
        let of_row = archive.rounds.iter().filter(ranked).filter(|round| {
            round.result.workload == row.workload && round.result.client == row.client
        });
        let median = |times: Vec<Time>| Times::new(times).quantile(0.5);
        let each = of_row.filter_map(|round| {
            let windows = archive.windows(round).unwrap();
            median(windows.iter().map(|window| window.p99).collect())
        });
        let found = median(each.collect());
        assert_eq!(found, row.typical_ns.map(|typical| typical.p99), "{}", row.client);
        compared += usize::from(found.is_some());
    }
    assert!(compared > 4, "{compared}");
}

#[test]
fn the_table_of_a_campaign_without_stamps_agrees_with_its_rounds() {
    let room = tempfile::tempdir().unwrap();
    let archive = published_without_stamps(room.path());
    let names: Vec<_> = files(&archive).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(names, [Path::new(disturbances::FILE)], "the table stays as it is");
    let lines = fs::read_to_string(room.path().join(disturbances::FILE)).unwrap();
    let line: Value = serde_json::from_str(lines.trim_end()).unwrap();
    assert_eq!((&line["order"], &line["at_ns"]), (&3.into(), &700_000_000.into()));
    assert_eq!(line["cause"], "stolen");
}

#[test]
fn a_table_that_was_changed_or_removed_is_found() {
    let room = tempfile::tempdir().unwrap();
    let archive = published_without_stamps(room.path());
    let path = room.path().join(windows::FILE);
    let refused = |expected: &str| {
        let error = format!("{:#}", files(&archive).unwrap_err());
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    };
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused("is damaged: restore it");
    // A table with one other time.
    let result = &archive.rounds[0].result;
    let odd = Window {
        start_ns: 0,
        length_ns: 1,
        samples: 1,
        censored: 0,
        p50: Time::Exact(1),
        p90: Time::Exact(1),
        p99: Time::Exact(1),
        max: Time::Exact(1),
    };
    fs::write(&path, windows::bytes(&[(1, result, odd)]).unwrap()).unwrap();
    refused("are not those of rounds.jsonl");
    fs::remove_file(&path).unwrap();
    refused("restore it");
}

/// A comparison of 17 clients and the control under two loads, seven rounds each: 10 080 windows.
#[test]
fn a_large_campaign_has_a_small_table() {
    let mut state = 7u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut result: RoundResult =
        recent(tempfile::tempdir().unwrap().path()).rounds[0].result.clone();
    let mut results = Vec::new();
    for order in 0..2 * 7 * 18 {
        result.client = format!("client-{}", order % 18);
        result.round = order / 18;
        results.push(result.clone());
    }
    let mut all = Vec::new();
    for (order, result) in (1..).zip(&results) {
        for index in 0..40 {
            let p50 = 30_000 + random(8_000);
            let p90 = p50 + random(20_000);
            let p99 = p90 + random(60_000);
            let time = Time::Exact;
            all.push((
                order,
                result,
                Window {
                    start_ns: 500_000_000 + index * 50_000_000,
                    length_ns: 50_000_000,
                    samples: 480 + random(20) as usize,
                    censored: 0,
                    p50: time(p50),
                    p90: time(p90),
                    p99: time(p99),
                    max: time(p99 + random(1_000_000)),
                },
            ));
        }
    }
    let bytes = windows::bytes(&all).unwrap().len();
    assert!(bytes < 120_000, "{bytes} bytes for {} windows", all.len());
}
