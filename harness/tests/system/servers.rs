//! Campaigns against a server other than the default, or in its other style.

use crate::common;

use crate::common::{Compared, Room};
use bench_archive::archive::Archive;
use bench_publish::index;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

fn harness(args: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("harness")).args(args).output().unwrap()
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

/// A comparison under the classic style: a batch each millisecond, the loop, and a flood.
fn classic() -> &'static (Room, Compared) {
    static DONE: OnceLock<(Room, Compared)> = OnceLock::new();
    DONE.get_or_init(|| {
        let room = Room::new();
        let rank = "rank_by = \"response_p99\"";
        let files = [
            room.workload("batches", &format!("rate_per_s = 3000\nformat = \"json\"\n{rank}")),
            room.workload("loop", &format!("rate_per_s = 20000\nconnections = 2\n{rank}")),
            room.workload("flood", "rate_per_s = \"flood\"\nrank_by = \"processed\""),
        ];
        let mut args = vec!["floor", "tokio", "--style", "classic", "--workload"];
        args.extend(files.iter().map(String::as_str));
        let compared = room.compare(&args);
        (room, compared)
    })
}

#[test]
fn the_classic_style_passes_its_audit() {
    let (_room, compared) = classic();
    assert_eq!(compared.rows.len(), 6);
    for row in &compared.rows {
        assert!(common::is_measured(row), "{row}");
        assert!(row["server_lateness_ns"].is_null(), "nothing was due: {row}");
        let remarks = row["remarks"].to_string();
        if row["workload"] == "flood" {
            assert!(row["response_ns"].is_null() && row["offered_per_s"].is_null(), "{row}");
            assert!(!remarks.contains("own_pacing"), "{remarks}");
            continue;
        }
        assert!(row["response_ns"]["p50"].is_u64(), "{row}");
        assert_eq!(row["waterfall"]["schedule_lag"]["p99"], 0, "{row}");
        assert!(remarks.contains("own_pacing"), "{remarks}");
        let offered = row["offered_per_s"].as_f64().unwrap();
        assert_eq!(offered, if row["workload"] == "loop" { 40_000.0 } else { 3_000.0 });
    }
}

#[test]
fn the_servers_in_javascript_pass_their_audit() {
    let room = Room::new();
    let rank = "rank_by = \"response_p99\"";
    let files = [
        room.workload("batches", &format!("rate_per_s = 3000\nformat = \"json\"\n{rank}")),
        room.workload("loop", &format!("rate_per_s = 20000\nconnections = 2\n{rank}")),
        room.workload("flood", "rate_per_s = \"flood\"\nrank_by = \"processed\""),
    ];
    for (server, program) in
        [("node", "node"), ("bun", "bun"), ("bun:send", "bun"), ("bun:cork", "bun")]
    {
        let room = Room::new();
        let mut args = vec!["floor", "--server", server, "--workload"];
        args.extend(files.iter().map(String::as_str));
        let compared = room.compare(&args);
        assert_eq!(compared.rows.len(), files.len());
        for row in &compared.rows {
            assert!(common::is_measured(row), "{server}: {row}");
        }
        let campaign: Value =
            serde_json::from_str(&read(&compared.campaign, "campaign.json")).unwrap();
        let version = campaign["server_versions"][0].as_str().unwrap();
        assert!(version.starts_with(&format!("{program} ")), "{version}");
        assert_eq!(campaign["server"]["name"], server);
    }
}

#[test]
fn a_campaign_records_its_server() {
    let (_room, compared) = classic();
    let dir = &compared.campaign;
    let campaign: Value = serde_json::from_str(&read(dir, "campaign.json")).unwrap();
    common::valid("campaign.schema.json", &campaign);
    let server = json!({"name": "tick-server", "style": "classic", "paces": "classic"});
    assert_eq!(campaign["server"], server);
    assert!(campaign["command"].as_str().unwrap().contains(" --style classic "), "{campaign}");
    assert!(read(dir, "table.md").contains("Server: tick-server, classic style."));
    for line in read(dir, "rounds.jsonl").lines() {
        let round: Value = serde_json::from_str(line).unwrap();
        let messages = round["messages"].as_u64().unwrap();
        let generated = round["server_final"]["generated"].as_u64().unwrap();
        assert!(messages > 1 && messages < generated, "{round}");
    }
}

#[test]
fn its_rows_are_computed_again_and_its_files_published() {
    let (_room, compared) = classic();
    let archive = Archive::open(&compared.campaign).unwrap();
    let dir = compared.campaign.to_str().unwrap();
    let published = harness(&["publish", dir, "--parquet"]);
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let page = read(&compared.campaign, "report.html");
    assert!(page.contains("Server: tick-server, classic style."));
    assert!(!page.contains("href=\"hlog/\""), "without due times there is no histogram of them");
    assert!(!compared.campaign.join("hlog").exists());
    let slowest = harness(&["journey", dir, "--workload", "loop", "--slowest", "2"]);
    let slowest = String::from_utf8(slowest.stdout).unwrap();
    assert!(slowest.contains("no due times: counted from generation"));
    for round in &archive.rounds {
        let evidence = round.evidence.as_ref().unwrap();
        for (_, stamps) in archive.journeys(round, evidence).unwrap() {
            assert_eq!(Some(stamps.due_ns), stamps.encoded_ns);
            assert!(stamps.due_ns >= evidence.start_ns && stamps.written_ns >= stamps.encoded_ns);
        }
    }
}

#[test]
fn campaigns_with_different_servers_are_not_mixed() {
    let (_room, compared) = classic();
    let classic = Archive::open(&compared.campaign).unwrap().campaign;
    let mut usual = classic.clone();
    usual.server = bench_core::load::server::ServedBy::default();
    let why = index::apart(&usual, &classic).unwrap();
    assert_eq!(why, "served by tick-server, classic style instead of tick-server");
    assert_eq!(index::apart(&classic, &classic), None);
    // A copy that claims to be served by the default server.
    let room = Room::new();
    let copy = room.path().join("copy");
    for folder in ["", "grid", "journeys"] {
        fs::create_dir(copy.join(folder)).unwrap();
        for item in compared.campaign.join(folder).read_dir().unwrap() {
            let path = item.unwrap().path();
            if path.is_file() {
                fs::copy(&path, copy.join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let mut head: Value = serde_json::from_str(&read(&copy, "campaign.json")).unwrap();
    head.as_object_mut().unwrap().remove("server");
    fs::write(copy.join("campaign.json"), head.to_string()).unwrap();
    let both = [copy.to_str().unwrap(), compared.campaign.to_str().unwrap()];
    let refused = harness(&["diff", both[0], both[1]]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("one keeps due times and the other does not"), "{stderr}");
    head["server"] = json!({"name": "other", "style": null, "paces": "classic"});
    fs::write(copy.join("campaign.json"), head.to_string()).unwrap();
    let noted = String::from_utf8(harness(&["diff", both[0], both[1]]).stdout).unwrap();
    assert!(
        noted.contains("different servers: the numbers compare other and tick-server"),
        "{noted}"
    );
}

#[test]
fn a_wrong_checksum_is_detected_although_messages_repeat() {
    let room = Room::new();
    let (wrong, sound) = (room.faulty("checksum"), room.faulty("none"));
    let light = room.light();
    let args = ["--style", "classic", "--client", &wrong, "--client", &sound, "--workload", &light];
    let compared = room.compare(&args);
    assert!(common::is_measured(compared.row("none")), "{}", compared.row("none"));
    let row = compared.row("checksum");
    assert_eq!(row["verdict"], "invalid", "{row}");
    assert!(common::reason(row).contains("but the market's is"), "{row}");
}

fn refused(args: &[&str], path: Option<&str>, expected: &str) {
    let room = Room::new();
    let mut command = room.harness(args);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.args(["--out", room.path().to_str().unwrap()]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected), "{args:?}: {stderr}");
    assert_eq!(stderr.trim().lines().count(), 1, "{stderr}");
    assert_eq!(room.path().read_dir().unwrap().count(), 0, "nothing was begun");
}

#[test]
fn what_cannot_be_served_is_refused_before_anything_is_measured() {
    refused(
        &["compare", "floor", "--server", "nod"],
        None,
        "did you mean `node`? choose tick-server",
    );
    refused(&["sweep", "floor", "--server", "node", "--style", "classic"], None, "has styles");
    let burst = ["compare", "floor", "--style", "classic", "--workload", "burst"];
    refused(&burst, None, "workload burst: tick-server, classic style, which has its own pacing");
    refused(
        &["capacity", "floor", "--server", "node"],
        Some("/nowhere"),
        "`node` is not on the PATH",
    );
}
