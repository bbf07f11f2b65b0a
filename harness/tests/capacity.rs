//! The search for a capacity against real processes. One test alone, for cargo
//! runs one test program after the other, and the tests of one beside each other:
//! they would take the CPUs whose sustained load is looked for.

mod common;

use common::Room;
use serde_json::Value;
use std::time::Duration;

/// Searches before the machine is given up as too busy.
const TRIES: u64 = 5;

/// Runs a search and gives its one row, and the exit code.
fn search(room: &Room, args: &[&str]) -> (Value, Option<i32>) {
    let out = room.path().join("results");
    let mut command = room.harness(&["capacity", "--json", "-", "--out", out.to_str().unwrap()]);
    let output = command.args(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    common::valid("report.schema.json", &report);
    (report["rows"][0].clone(), output.status.code())
}

/// Whether a search was spoilt by whatever else this machine does.
fn is_disturbed(row: &Value) -> bool {
    let noise = row["probes"].as_array().unwrap().iter().filter(|p| p["gave_way"] == "noise");
    noise.count() > 2
}

#[test]
fn capacities_are_found_confirmed_and_refuted_or_missing_with_a_reason() {
    let room = Room::new();
    let (light, crash) = (room.light(), room.faulty("crash"));
    let args = ["--client", &crash, "--workload", &light, "--lowest", "5k"];
    let (row, code) = search(&room, &args);
    assert!(row["capacity_per_s"].is_null() && row["confirmed"] == false, "{row}");
    assert!(row["note"].as_str().unwrap().contains("exit code 3"), "{row}");
    assert_eq!(code, Some(1));

    // The simulated page takes 35 µs a tick.
    let args = ["js-sim", "--workload", &light, "--highest", "200k", "--p99", "100ms"];
    let mut tries = (0..TRIES).map(|number| {
        // Whatever else runs may have ended by then.
        std::thread::sleep(Duration::from_secs(10 * number));
        search(&room, &args).0
    });
    let Some(row) = tries.find(|row| !is_disturbed(row)) else {
        panic!("the machine was too busy, {TRIES} times");
    };
    assert_eq!(row["client"], "js-sim");
    let capacity = row["capacity_per_s"].as_u64().unwrap();
    assert!((5_000..=29_000).contains(&capacity), "{row}");
    let interval = [0, 1].map(|i| row["interval_per_s"][i].as_u64().unwrap());
    assert!(interval[0] == capacity && interval[1] > capacity, "{row}");
    assert!(row["confirmed"] == true && row["limited_by"].is_string(), "{row}");
    let phases = ["climb", "bisect", "confirm"];
    let probes = row["probes"].as_array().unwrap();
    assert!(phases.iter().all(|phase| probes.iter().any(|p| p["phase"] == *phase)), "{row}");

    // Too little time says so instead of pretending.
    let (row, _) = search(&room, &["floor", "--workload", &light, "--budget", "3s"]);
    assert!(row["confirmed"] == false, "{row}");
    assert!(row["note"].as_str().unwrap().contains("budget of 3s was too small"), "{row}");
}
