//! `harness diff` of saved campaigns: published ones with themselves and with a slowed copy, and
//! what it refuses.

use crate::common;

use crate::common::published_of;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn diff(args: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    command.current_dir(common::root()).arg("diff").args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A copy of the newest published comparison whose rows are computed from its rounds alone.
fn copy(campaign: impl Fn(String) -> String, round: impl Fn(&mut Value)) -> tempfile::TempDir {
    copy_of(&published_of("compare"), campaign, round)
}

/// The same of any published comparison.
fn copy_of(
    from: &Path,
    campaign: impl Fn(String) -> String,
    round: impl Fn(&mut Value),
) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(from.join(name)).unwrap();
    let text = read("campaign.json").replacen("\"complete\"", "\"running\"", 1);
    fs::write(dir.path().join("campaign.json"), campaign(text)).unwrap();
    let lines = common::rounds(from);
    let rounds = lines.lines().map(|line| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        round(&mut value);
        format!("{value}\n")
    });
    fs::write(dir.path().join("rounds.jsonl"), rounds.collect::<String>()).unwrap();
    dir
}

/// Worsens the response times and the processed rate of a round, unless it is one of the control
/// or of the client that the control repeats.
fn slow(round: &mut Value) {
    let control = "floor";
    if round["client"] == control || !round["measurement"].is_object() {
        return;
    }
    let m = &mut round["measurement"];
    m["processed_per_s"] = json!(m["processed_per_s"].as_f64().unwrap() * 0.5);
    let Some(times) = m["response_ns"].as_object_mut() else { return };
    for time in times.values_mut().filter(|time| time.is_u64()) {
        *time = json!(time.as_u64().unwrap() * 50);
    }
}

fn path(dir: &Path) -> &str {
    dir.to_str().unwrap()
}

#[test]
fn published_campaigns_do_not_differ_from_themselves() {
    let mut kinds = BTreeSet::new();
    for dir in common::published() {
        let saved = fs::read_to_string(dir.join("campaign.json")).unwrap();
        let campaign: Value = serde_json::from_str(&saved).unwrap();
        let output = diff(&[path(&dir), path(&dir), "--format", "json", "--fail-on", "failed"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["schema"], &report["kind"]), (&json!(2), &campaign["kind"]));
        let changes = report["changes"].as_array().unwrap();
        assert!(changes.len() >= 6);
        let quiet = |c: &Value| c["word"] == "same" || c["word"] == "cannot_tell";
        assert!(changes.iter().all(quiet), "{changes:?}");
        // The interval of fewer rounds does not cover 95 %; a capacity has one of its own.
        let is_enough = campaign["kind"] == "capacity" || campaign["rounds"].as_u64() >= Some(5);
        let has_same = changes.iter().any(|c| c["word"] == "same");
        assert_eq!(has_same, is_enough, "{}", dir.display());
        assert_eq!(report["missing"], json!([]));
        assert_eq!(report["notes"][0]["code"], "same_campaign");
        kinds.insert(report["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[test]
fn a_slowed_copy_is_slower_and_fails_the_gate() {
    let (from, slowed) = (published_of("compare"), copy(|text| text, slow));
    let args = [path(&from), path(slowed.path())];
    let gate = ["--fail-on", "slower:5%", "--fail-on", "*/floor:slower"];
    let output = diff(&[&args[..], &gate, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes = report["changes"].as_array().unwrap();
    assert!(changes.iter().all(|c| c["word"] != "faster"), "{changes:?}");
    let slowed: Vec<&Value> = changes
        .iter()
        .filter(|c| {
            let is_flood = c["workload"] == "flood" && c["subject"] == "processed_per_s";
            is_flood && c["client"] != "floor"
        })
        .collect();
    assert!(slowed.len() >= 4);
    for change in slowed {
        assert!(change["word"] == "slower" && change["headline"] == true, "{change}");
        assert!((change["ratio"].as_f64().unwrap() - 0.5).abs() < 1e-9, "{change}");
    }
    let untouched = changes.iter().filter(|c| c["client"] == "floor");
    assert!(untouched.clone().count() >= 6);
    assert!(untouched.into_iter().all(|c| c["word"] != "slower"));
    let holds: Vec<&Value> =
        report["gate"].as_array().unwrap().iter().map(|g| &g["holds"]).collect();
    assert_eq!(holds, [&json!(false), &json!(true)]);

    let comment = diff(&[&args[..], &["--format", "md"]].concat());
    assert_eq!(comment.status.code(), Some(0), "no condition, no gate");
    let comment = text(&comment.stdout);
    let summary = comment.lines().next().unwrap();
    assert!(summary.ends_with(" cannot tell**") && !summary.starts_with("**0 slower"), "{summary}");
    assert!(comment.contains("> - B is incomplete (running)"), "{comment}");

    // In the other order it is faster.
    let back = diff(&[args[1], args[0], "--fail-on", "slower"]);
    assert_eq!(back.status.code(), Some(0), "{}", text(&back.stdout));
}

/// The newest published comparison of five rounds or more with this workload.
fn published_with(workload: &str) -> PathBuf {
    let has = |dir: &PathBuf| {
        let text = fs::read_to_string(dir.join("campaign.json")).unwrap();
        let campaign: Value = serde_json::from_str(&text).unwrap();
        let mut workloads = campaign["workloads"].as_array().unwrap().iter();
        let is_long = campaign["rounds"].as_u64().is_some_and(|rounds| rounds >= 5);
        campaign["kind"] == "compare" && is_long && workloads.any(|w| w["name"] == workload)
    };
    common::published().into_iter().rfind(has).unwrap()
}

/// The comparisons of some clients in one workload.
fn changes(args: [&str; 2], clients: &[&str], workload: &str) -> Vec<Value> {
    let only = [&["--only"], clients].concat();
    let output = diff(&[&args[..], &only, &["--workload", workload, "--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["changes"].as_array().unwrap().clone()
}

/// Two sides of five rounds without overlap have p = 2/252; after Holm's adjustment for up to six
/// tests it is still below 0.05.
#[test]
fn a_slowed_copy_of_five_rounds_is_slower_beyond_chance() {
    let from = published_with("fan-out-10");
    let slowed = copy_of(&from, |text| text, slow);
    let args = [path(&from), path(slowed.path())];
    let mut untouched = 0;
    for (workload, client) in [
        ("fan-out-1", "tokio"),
        ("fan-out-10", "glommio"),
        ("fan-out-10", "nexus-web"),
        ("fan-out-100", "node-ws"),
    ] {
        let all = changes(args, &["floor", client], workload);
        let of_client: Vec<&Value> = all.iter().filter(|c| c["client"] == client).collect();
        let times: Vec<&&Value> = of_client.iter().filter(|c| is_response(c)).collect();
        assert_eq!(times.len(), 2, "{all:?}");
        assert!(times.iter().any(|change| change["headline"] == true), "{all:?}");
        for change in times {
            assert_eq!(change["word"], "slower", "{change}");
            assert!((change["ratio"].as_f64().unwrap() - 50.0).abs() < 1e-9, "{change}");
            assert!(change["p_holm"].as_f64().unwrap() < 0.05, "{change}");
        }
        // What was not slowed: the CPU time of the client, and everything of its neighbour.
        for change in all.iter().filter(|c| c["client"] == "floor" || !is_response(c)) {
            let is_quiet = change["word"] == "same" || change["word"] == "cannot_tell";
            assert!(is_quiet && change["ratio"] == 1.0 && change["p_holm"] == 1.0, "{change}");
            untouched += 1;
        }
    }
    assert_eq!(untouched, 16);
}

fn is_response(change: &Value) -> bool {
    change["subject"].as_str().is_some_and(|subject| subject.starts_with("response_"))
}

#[test]
fn a_halved_rate_of_five_rounds_is_slower_beyond_chance() {
    let from = published_with("slow-queue");
    let slowed = copy_of(&from, |text| text, slow);
    for client in ["tokio", "node-ws", "js-sim", "python-websockets"] {
        let all = changes([path(&from), path(slowed.path())], &[client], "slow-queue");
        let rate = all.iter().find(|c| c["subject"] == "processed_per_s").unwrap();
        assert_eq!(rate["word"], "slower", "{rate}");
        assert!((rate["ratio"].as_f64().unwrap() - 0.5).abs() < 1e-9, "{rate}");
        assert!(rate["p_holm"].as_f64().unwrap() < 0.05, "{rate}");
    }
}

#[test]
fn campaigns_are_found_by_name_and_rows_are_filtered() {
    let dir = published_of("compare");
    let name = dir.file_name().unwrap().to_str().unwrap();
    let out = path(dir.parent().unwrap());
    let args =
        [name, name, "--out", out, "--only", "floor", "--workload", "flood", "--format", "json"];
    let output = diff(&args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes = report["changes"].as_array().unwrap();
    assert!(!changes.is_empty());
    assert!(changes.iter().all(|c| c["client"] == "floor" && c["workload"] == "flood"));
}

#[test]
fn campaigns_of_different_machines_are_compared_by_ratios() {
    let from = published_of("compare");
    let rename = |text: String| text.replacen("\"kernel\": \"", "\"kernel\": \"another-", 1);
    let copy = copy(rename, |_| ());
    let (from, copy) = (path(&from), path(copy.path()));
    let absolute = diff(&[from, copy, "--fail-on", "slower"]);
    let stdout = text(&absolute.stdout);
    assert_eq!(absolute.status.code(), Some(3), "{stdout}{}", text(&absolute.stderr));
    assert!(stdout.contains("0 slower, 0 faster, 0 same, "), "{stdout}");
    assert!(stdout.contains("gate: slower FAILS") && stdout.contains("another kernel"), "{stdout}");
    let ratios = diff(&[from, copy, "--across-machines", "floor", "--format", "json"]);
    assert_eq!(ratios.status.code(), Some(0), "{}", text(&ratios.stderr));
    let report: Value = serde_json::from_slice(&ratios.stdout).unwrap();
    assert_eq!(report["ratios_to"], "floor");
    let changes = report["changes"].as_array().unwrap();
    assert!(changes.iter().all(|change| change["client"] != "floor"));
    assert!(changes.iter().filter(|change| change["ratio"] == 1.0).count() > 10, "{changes:?}");
    refused(&[from, copy, "--across-machines", "nobody"], "both have numbers of ");
}

fn refused(args: &[&str], expected: &str) {
    let output = diff(args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected), "{args:?}: {stderr}");
    assert!(stderr.starts_with("error: ") && output.stdout.is_empty(), "{stderr}");
}

#[test]
fn what_cannot_be_compared_or_read_is_refused_in_one_line() {
    let (from, search) = (published_of("compare"), published_of("capacity"));
    let from = path(&from);
    let one_line = |args: &[&str], expected: &str| {
        refused(args, expected);
        assert_eq!(text(&diff(args).stderr).lines().count(), 1);
    };
    one_line(&[from, path(&search)], "compare two of a kind");
    let other = copy(|text| text.replacen("\"contract\": 2", "\"contract\": 99", 1), |_| ());
    one_line(&[from, path(other.path())], "contract 99");
    let other =
        copy(|text| text.replacen("\"queue_bound\": 65536", "\"queue_bound\": 7", 1), |_| ());
    one_line(&[from, path(other.path())], "queue_bound 65536 and 7");
    let elsewhere = diff(&[from, path(other.path()), "--workload", "flood"]);
    assert_eq!(elsewhere.status.code(), Some(0), "the other workloads are the same");
    let other = copy(|text| text.replacen("\"schema\": 3", "\"schema\": 1", 1), |_| ());
    one_line(&[from, path(other.path())], "schema 1");
    let other = copy(|text| text[..text.len() / 2].to_owned(), |_| ());
    one_line(&[from, path(other.path())], "campaign.json is damaged");
    one_line(&[from, "nowhere"], "neither the directory of a campaign nor a baseline");
    one_line(&[from, "harness/src"], "harness/src is not a campaign");
    one_line(&[from, from, "--only", "nobody"], "--only nobody: neither campaign has it");
    refused(&[from, from, "--fail-on", "sideways"], "give `slower`, `slower:5%`");
    refused(&[from, from, "--fail-on", "p99>2ms"], "`p99>…` is not an objective");
}
