//! Searches for capacities with real processes. How a search uses its probes is tested on
//! made-up rounds (`campaign/tests.rs`); nothing here depends on how busy the machine is.

use crate::common::{self, Room};
use serde_json::{Value, json};
use std::fs;

/// Runs a search and returns its one row and the exit code. What it prints and saves is valid.
fn search(room: &Room, args: &[&str]) -> (Value, Option<i32>) {
    let out = room.path().join("results");
    let mut command =
        room.harness(&["capacity", "--unchecked", "--json", "-", "--out", out.to_str().unwrap()]);
    let output = command.args(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    common::valid("capacity.schema.json", &report);
    common::valid("campaign.schema.json", &campaign(room));
    (report["rows"][0].clone(), output.status.code())
}

/// The `campaign.json` of the room's only search.
fn campaign(room: &Room) -> Value {
    let dir = room.path().join("results").read_dir().unwrap().next().unwrap().unwrap().path();
    serde_json::from_slice(&fs::read(dir.join("campaign.json")).unwrap()).unwrap()
}

#[test]
fn a_client_that_crashes_has_no_capacity_and_a_reason() {
    let room = Room::new();
    let (light, crash) = (room.light(), room.faulty("crash"));
    let args = ["--client", &crash, "--workload", &light, "--lowest", "5k"];
    let (row, code) = search(&room, &args);
    assert!(row["capacity_per_s"].is_null() && row["confirmed"] == false, "{row}");
    assert_eq!(row["note"]["code"], "not_measured", "{row}");
    assert_eq!(row["note"]["reasons"][0]["fault"]["status"]["code"], 3, "{row}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_budget_that_is_too_small_is_named() {
    let room = Room::new();
    let (row, _) = search(&room, &["floor", "--workload", &room.light(), "--budget", "2s"]);
    assert!(row["confirmed"] == false && row["note"]["code"] == "out_of_time", "{row}");
}

/// The simulated page takes 35 µs per tick, so no machine makes it sustain 40 000 ticks/s; a
/// busy one may end the search early, with a note.
#[test]
fn a_search_never_finds_more_than_a_client_can_sustain() {
    let room = Room::new();
    let light = room.light();
    let args = ["js-sim", "--workload", &light, "--highest", "200k", "--p99", "100ms"];
    let (row, _) = search(&room, &[&args[..], &["--budget", "25s"]].concat());
    let probes = row["probes"].as_array().unwrap();
    assert!(!probes.is_empty(), "{row}");
    let phase = "/capacities/0/probes/0/phase";
    common::invalid("campaign.schema.json", &campaign(&room), phase, &json!("guess"));
    match row["capacity_per_s"].as_u64() {
        Some(capacity) => {
            assert!(capacity < 40_000 && row["interval_per_s"][0] == capacity, "{row}");
        }
        None => assert!(row["note"].is_object(), "{row}"),
    }
    let sustained = probes.iter().filter(|probe| probe["gave_way"].is_null());
    assert!(sustained.clone().all(|probe| probe["rate_per_s"].as_u64() < Some(40_000)), "{row}");
}
