//! Every client against the real server in every format, audited; and what a campaign saves.

use crate::common;

use crate::common::Room;
use serde_json::Value;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by each test here, as they check rates: another test's flood, or the start of every
/// client at the same time, would disturb them.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clients of the suite, found as the harness finds them.
fn clients() -> Vec<String> {
    let pattern = format!("{}/clients/*/client.toml", common::root().display());
    let names = glob::glob(&pattern).unwrap().map(|path| {
        let text = std::fs::read_to_string(path.unwrap()).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        manifest["name"].as_str().unwrap().to_owned()
    });
    names.collect()
}

#[test]
fn every_client_carries_a_light_load_in_every_format() {
    let _alone = alone();
    let room = Room::new();
    let formats = ["binary", "json", "classic-binary", "classic-json"];
    let files: Vec<String> = formats
        .iter()
        .map(|format| {
            let lines =
                format!("format = \"{format}\"\nrate_per_s = 4000\nrank_by = \"response_p99\"");
            room.workload(format, &lines)
        })
        .collect();
    let mut args = vec!["--all", "--workload"];
    args.extend(files.iter().map(String::as_str));
    let compared = room.compare(&args);
    assert!(clients().len() >= 6);
    assert_eq!(compared.rows.len(), 4 * clients().len());
    for row in &compared.rows {
        let (client, reason) = (&row["client"], common::reason(row));
        if row["verdict"] == "unavailable" {
            assert!(!reason.is_empty(), "{client} is missing without a reason");
            continue;
        }
        assert!(common::is_measured(row), "{client} {}: {reason}", row["workload"]);
        let processed = row["processed_per_s"].as_f64().unwrap();
        assert!((2000.0..6000.0).contains(&processed), "{row}");
        assert!(row["waterfall"]["kernel_and_library"]["p99"].is_u64(), "{row}");
        assert!(row["response_ns"]["p50"].is_u64() && row["service_ns"]["max"].is_u64(), "{row}");
        assert!(row["server_lateness_ns"]["p99"].is_u64(), "{row}");
        assert!(row["client_peak_rss_bytes"].as_f64().unwrap() > 1e5, "{row}");
    }
}

#[test]
fn a_flood_reports_throughput_only_and_its_campaign_is_complete() {
    let _alone = alone();
    let room = Room::new();
    let flood = room.workload("rush", "rate_per_s = \"flood\"\nrank_by = \"processed\"");
    let compared = room.compare(&["floor", "--workload", &flood, "--seed", "5"]);
    assert_eq!(compared.code, 0, "{}", compared.stderr);
    let row = compared.row("floor");
    assert!(row["response_ns"].is_null() && row["offered_per_s"].is_null());
    assert!(row["processed_per_s"].as_f64().unwrap() > 10_000.0);

    let read = |name: &str| std::fs::read_to_string(compared.campaign.join(name)).unwrap();
    let campaign: Value = serde_json::from_str(&read("campaign.json")).unwrap();
    assert_eq!(campaign["status"], "complete");
    assert_eq!(campaign["seed"], 5);
    assert!(campaign["machine"]["kernel"].is_string());
    assert!(campaign["stolen_share"].is_f64());
    assert!(campaign["clients"]["floor"]["versions"][0].is_string());
    let table = read("table.md");
    assert!(table.contains("## rush") && table.contains("| client"), "{table}");

    let rounds = read("rounds.jsonl");
    let round: Value = serde_json::from_str(rounds.lines().next().unwrap()).unwrap();
    let packed = std::fs::File::open(compared.campaign.join(round["journeys"].as_str().unwrap()));
    let mut csv = String::new();
    zstd::Decoder::new(packed.unwrap()).unwrap().read_to_string(&mut csv).unwrap();
    let columns = "connection,seq,encoded_ns,written_ns,received_ns,processed_ns";
    assert!(csv.starts_with(&format!("{columns}\n0,999,")), "{}", &csv[..80]);
    let first_seqs: Vec<&str> =
        csv.lines().skip(2).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(first_seqs.len() > 5 && first_seqs.iter().all(|step| *step == "1999"));
    let root = common::root();
    for text in [read("campaign.json"), rounds, table] {
        for path in [root.to_str().unwrap(), room.path().to_str().unwrap(), "/dev/shm"] {
            assert!(!text.contains(path), "a machine path: {path}");
        }
    }
}

#[test]
fn a_client_that_cannot_keep_up_has_bounds_instead_of_latencies() {
    let _alone = alone();
    let room = Room::new();
    let load = room.workload("beyond", "rate_per_s = 60000\nrank_by = \"backlog_growth\"");
    let slow = room.compare(&["js-sim", "--workload", &load]);
    let row = slow.row("js-sim");
    assert!(row["verdict"] == "overloaded" || row["verdict"] == "noisy", "{row}");
    let shares = ["kernel_and_library", "client"].map(|s| row["waterfall"][s]["share"].as_f64());
    assert!(shares[1] > Some(0.5) && shares[0] < Some(0.5), "it waits in the client: {row}");
    assert!(row["backlog_growth_per_s"].as_f64().unwrap() > 20_000.0, "{row}");
    assert!(row["response_ns"]["p99"]["at_least"].as_u64().unwrap() > 100_000_000, "{row}");
    let backlog = &row["backlog_end"];
    let client = backlog["client"].as_f64().unwrap();
    assert!(client > 10_000.0 && client > backlog["kernel_receive"].as_f64().unwrap(), "{row}");
}

#[test]
fn list_shows_every_client_with_variants_and_versions() {
    let _alone = alone();
    let room = Room::new();
    let temporary = room.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut list = room.harness(&["list", "--probe"]);
    let output = list.env("TMPDIR", &temporary).output().unwrap();
    assert!(output.status.success());
    // Neither by a browser nor by anything else.
    let left: Vec<_> = temporary.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let listed = String::from_utf8(output.stdout).unwrap();
    for client in clients() {
        assert!(listed.contains(&client), "{client} is not listed");
    }
    assert!(listed.contains("tokio:current-thread") && listed.contains("js-sim:fast"));
    assert!(listed.contains("tungstenite 0."), "no versions: {listed}");
}
