//! A comparison of one client with counters: what it saves, and what it shows.

use crate::common::{self, Room};
use serde_json::Value;
use std::fs;

/// The lines of the rounds with counters.
fn counted(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["counters"] == true).collect()
}

#[test]
fn a_comparison_with_counters_saves_them_apart_and_shows_them() {
    let room = Room::new();
    let compared = room.compare(&["floor", "--workload", &room.light(), "--counters"]);
    let read = |name: &str| fs::read_to_string(compared.campaign.join(name)).unwrap();
    let lines: Vec<Value> =
        read("rounds.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "two timed rounds and one with counters: {}", compared.stderr);
    let [line] = counted(&lines)[..] else { panic!("{lines:?}") };
    assert_eq!((&line["order"], &line["client"]), (&3.into(), &"floor".into()));
    assert!(line.get("measurement").is_none() && line.get("journeys").is_none(), "{line}");
    assert!(compared.stderr.contains("[3/3] light · floor · counters: "), "{}", compared.stderr);

    let counts = &line["counts"];
    assert!(counts["processed"].as_u64().unwrap() > 0, "{line}");
    let campaign: Value = serde_json::from_str(&read("campaign.json")).unwrap();
    common::valid("campaign.schema.json", &campaign);
    common::valid("report.schema.json", &compared.report);
    assert_eq!(campaign["request"]["counters"], true);
    assert!(!campaign["command"].as_str().unwrap().contains("counters"), "it is the default");
    let all = counts["counted"].as_array().unwrap();
    let row = compared.row("floor");
    let (csv, table) = (show(&room, &compared, "csv"), read("table.md"));
    for one in all {
        let name = one["counter"].as_str().unwrap();
        let scaled = one["running_ns"] != one["enabled_ns"];
        let per_tick = row["counters"][name].as_f64();
        let count = one["count"].as_f64().unwrap() / counts["processed"].as_f64().unwrap();
        assert!(scaled || per_tick == Some(count), "{name}: {per_tick:?} is not {count}");
        assert!(csv.contains(&format!(",client_{name},mean,")), "{name}: {csv}");
    }
    // It waits for ticks: what it can be counted for, it does.
    if let Some(switches) = row["counters"]["context_switches"].as_f64() {
        assert!((0.01..100.0).contains(&switches), "{switches}");
    }
    if let Some(calls) = row["counters"]["system_calls"].as_f64() {
        assert!((0.01..100.0).contains(&calls), "{calls}");
    }
    assert!(table.contains("| client") && table.contains("| system calls |"), "{table}");
    let html = show(&room, &compared, "html");
    assert!(html.contains("Counters of light") && html.contains("system calls"));
    // Each reason once, below the tables.
    for note in campaign["counters_notes"].as_array().into_iter().flatten() {
        let first = note["counters"][0].as_str().unwrap().replace('_', " ");
        assert_eq!(table.matches(&format!("- {first}")).count(), 1, "{table}");
    }
}

fn show(room: &Room, compared: &common::Compared, format: &str) -> String {
    let dir = compared.campaign.to_str().unwrap();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    command.current_dir(room.path()).args(["show", dir, "--format", format]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_comparison_without_counters_has_none() {
    let room = Room::new();
    for option in ["--no-counters", "--quick"] {
        let out = room.path().join(option);
        let mut command = room.harness(&["compare", "floor", "--unchecked", "--rounds", "1"]);
        command.args(["--warmup", "0.1", "--seconds", "0.2", "--workload", &room.light(), option]);
        command.args(["--repeats", "0"]);
        let output = command.arg("--out").arg(&out).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code <= 1), "{output:?}");
        let campaign = out.read_dir().unwrap().next().unwrap().unwrap().path();
        let rounds = fs::read_to_string(campaign.join("rounds.jsonl")).unwrap();
        assert_eq!(rounds.lines().count(), 2, "{option}");
        let saved = fs::read_to_string(campaign.join("campaign.json")).unwrap();
        assert!(saved.contains(" --no-counters "), "the command repeats it: {option}");
    }
}
