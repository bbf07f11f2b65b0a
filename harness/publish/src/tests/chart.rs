//! The bar chart of a comparison.

use super::campaigns::{Synthetic, fell_behind, kept_up, rounds, steady, workload};
use crate::report::chart::bars::keeping_up::{Standing, Theme, bars, file};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::Workload;
use bench_core::text::digits::short;

fn standings(workloads: &[Workload]) -> Vec<(String, Standing)> {
    let mut all = Vec::new();
    for load in workloads {
        for (client, verdict) in
            [("keeps", Verdict::Ok), ("behind", Verdict::Overloaded), ("disturbed", Verdict::Noisy)]
        {
            let m = match verdict {
                Verdict::Overloaded => fell_behind(60_000.0),
                _ => kept_up(1000),
            };
            let verdict = if load.is_flood() { Verdict::Ok } else { verdict };
            all.extend(rounds(&load.name, client, verdict, vec![m]));
        }
    }
    let campaign = Synthetic::new("chart", workloads, all).campaign;
    let svg = file(&campaign, Theme::Light).unwrap().unwrap();
    assert!(svg.contains("keeps") && svg.contains("disturbed"));
    let mut found: Vec<(String, Standing)> =
        bars(&campaign).into_iter().map(|bar| (bar.name, bar.standing)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn only_clients_that_are_ok_under_every_load_keep_up() {
    let flood = workload("flood", "rate_per_s = \"flood\"\nrank_by = \"processed\"");
    let found = standings(&[steady(), flood.clone()]);
    let load = format!("{}/s", short(100_000.0));
    let layer = match &found[0].1 {
        Standing::FallsBehind(_, layer) => *layer,
        other => panic!("{other:?}"),
    };
    let expected = [
        ("behind", Standing::FallsBehind(load.clone(), layer)),
        ("disturbed", Standing::Unknown(Some((load, Verdict::Noisy)))),
        ("keeps", Standing::KeepsUp),
    ];
    assert_eq!(found, expected.map(|(name, standing)| (name.to_owned(), standing)));
    let of_flood = standings(&[flood]);
    assert!(of_flood.iter().all(|(_, standing)| *standing == Standing::Unknown(None)));
}

#[test]
fn an_overload_without_a_fixed_rate_is_shown_with_the_name_of_its_workload() {
    let bursts = workload(
        "bursty",
        "rate_per_s = 1000\nrank_by = \"response_p99\"\nburst = { to_per_s = 9000, every_ms = 100, for_ms = 10 }",
    );
    let replay = workload("recorded", "replay = \"x.csv\"\nrank_by = \"response_p99\"");
    let found = standings(&[replay, bursts]);
    let Standing::FallsBehind(load, _) = &found[0].1 else { panic!("{found:?}") };
    assert_eq!(load, "recorded");
}
