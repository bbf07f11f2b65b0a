//! Every kind of load through the real server and real clients, audited; sweeps and journeys.

use crate::common;
use crate::common::{Room, is_measured};
use bench_archive::archive::Archive;
use bench_core::analysis::round::latency::typical::Typical;
use bench_core::analysis::statistics::times::Time;
use serde_json::Value;

#[test]
fn every_kind_of_load_is_carried_and_audited() {
    let room = Room::new();
    std::fs::write(
        room.path().join("gaps.csv"),
        "gap_ns,symbol,price\n100000,5,1.25\n0,6,2.5\n900000,7,3\n",
    )
    .unwrap();
    let rank = "rank_by = \"typical_p99\"";
    let loads = [
        ("burst", "rate_per_s = 2000\nburst = { to_per_s = 40000, every_ms = 200, for_ms = 20 }"),
        ("ramp", "rate_per_s = 500\nramp = { to_per_s = 8000, over_ms = 400 }"),
        ("poisson", "rate_per_s = 5000\npoisson = true"),
        ("replay", "replay = \"gaps.csv\""),
        ("work", "rate_per_s = 2000\nwork_ns = 20000"),
        ("matched", "rate_per_s = 5000\nbuffers = \"matched\""),
        ("fan-out", "rate_per_s = 1000\nconnections = 3"),
        ("gateways", "rate_per_s = 1000\nconnections = 2\nclients = 2"),
    ];
    let files: Vec<String> = loads
        .iter()
        .map(|(name, lines)| room.workload(name, &format!("{lines}\n{rank}")))
        .collect();
    let mut args = vec!["floor", "tokio", "blocking", "js-sim", "--workload"];
    args.extend(files.iter().map(String::as_str));
    let compared = room.compare(&args);
    assert_eq!(compared.rows.len(), 4 * loads.len(), "{}", compared.stderr);
    for row in &compared.rows {
        assert!(is_measured(row), "{row}");
        assert!(row["response_ns"]["p99"].is_u64() || row["verdict"] == "overloaded", "{row}");
    }
    typical_times_are_those_of_the_stamps(&compared.campaign);
    let row = |workload: &str| {
        let is = |row: &&Value| row["workload"] == workload && row["client"] == "floor";
        compared.rows.iter().find(is).unwrap().clone()
    };
    assert!(row("burst")["recovery"]["bursts"].as_u64().unwrap() >= 1, "{}", row("burst"));
    let offered = |workload: &str| row(workload)["offered_per_s"].as_f64().unwrap();
    // The recording is kept: without it, the due times of its ticks would be unknown.
    let journey = || {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        command.arg("journey").arg(&compared.campaign);
        command.args(["--workload", "replay", "--client", "floor", "--slowest", "1"]);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(journey().0, Some(0));
    std::fs::remove_dir_all(compared.campaign.join("recordings")).unwrap();
    let (code, error) = journey();
    assert!(
        code == Some(2) && error.contains("its recording in recordings/ is missing"),
        "{error}"
    );
    // Three ticks per millisecond; and every tick once for each connection.
    assert!((offered("replay") - 3000.0).abs() < 30.0);
    assert!((offered("fan-out") - 3000.0).abs() < 1.0);
    assert!((offered("gateways") - 4000.0).abs() < 1.0);
}

/// Of every kind of load, whatever its connections, bursts and gaps are.
fn typical_times_are_those_of_the_stamps(campaign: &std::path::Path) {
    let mut archive = Archive::open(campaign).unwrap();
    archive.check_stamps().unwrap();
    let measured = archive.rounds.iter_mut().filter_map(|round| round.result.measurement.as_mut());
    let typical: Vec<&mut Typical> = measured.filter_map(|m| m.typical_ns.as_mut()).collect();
    assert_eq!(typical.len(), 40, "eight loads, four clients and the control");
    for typical in typical {
        typical.p99 = Time::Exact(1);
    }
    let error = archive.check_stamps().unwrap_err().to_string();
    assert!(error.contains("not those of its stamps"), "{error}");
}

/// Bursts distort the slope over all snapshots; a backlog that remains is detected all the same.
#[test]
fn a_client_that_never_recovers_from_bursts_is_overloaded() {
    let room = Room::new();
    let lines = "rate_per_s = 20000\nwork_ns = 100000\nrank_by = \"response_p99\"\n\
                 burst = { to_per_s = 400000, every_ms = 500, for_ms = 50 }";
    let load = room.workload("open", lines);
    let compared = room.compare(&["blocking", "--workload", &load, "--seconds", "1.5"]);
    let row = compared.row("blocking");
    assert!(row["verdict"] == "overloaded" || row["verdict"] == "noisy", "{row}");
}

/// A backlog that fills the server's log ends the round, and is a result.
#[test]
fn a_backlog_that_fills_the_log_is_overloaded_and_not_invalid() {
    let room = Room::new();
    let lines = "rate_per_s = 100000\nwork_ns = 200000\nqueue_bound = 256\nbuffers = \"matched\"\n\
                 log_ceiling_bytes = 1000000\nrank_by = \"response_p99\"";
    let load = room.workload("brimful", lines);
    let compared = room.compare(&["blocking", "--workload", &load, "--seconds", "2"]);
    let row = compared.row("blocking");
    assert!(row["verdict"] == "overloaded" || row["verdict"] == "noisy", "{row}");
    assert!(row["backlog_growth_per_s"].as_f64().unwrap() > 50_000.0, "{row}");
    if row["verdict"] == "overloaded" {
        assert!(common::reason(row).contains("filled the server's log"), "{row}");
    }
}

#[test]
fn a_sweep_has_a_row_for_each_client_and_rate_and_its_journeys_can_be_read() {
    let room = Room::new();
    let (light, out) = (room.light(), room.path().join("results"));
    let out = out.to_str().unwrap();
    let mut command = room.harness(&[
        "sweep",
        "floor",
        "tokio",
        "--rates",
        "1k,4k",
        "--rounds",
        "2",
        "--repeats",
        "0",
    ]);
    command.args(["--warmup", "0.1", "--seconds", "0.4", "--workload", &light]);
    let output = command.args(["--json", "-", "--out", out]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert!(is_measured(row), "{row}");
        let offered = row["offered_per_s"].as_f64().unwrap();
        assert_eq!(row["workload"], format!("light@{offered}"));
    }
    let campaign = std::fs::read_dir(out).unwrap().next().unwrap().unwrap().path();
    let journey = |args: &[&str]| {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        let output = command.arg("journey").arg(&campaign).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, table, _) = journey(&["--client", "tokio"]);
    assert_eq!(code, Some(0));
    assert!(table.contains("light@4000 · tokio · 2") && !table.contains("floor"), "{table}");
    let (_, slowest, _) = journey(&["--client", "floor", "--round", "1", "--slowest", "3"]);
    // Each of two rates and the control: a title, three lines of a head, three ticks.
    assert_eq!(
        slowest.lines().filter(|line| line.contains("µs") || line.contains(" ms")).count() / 3,
        4,
        "{slowest}"
    );
    let (_, one, _) =
        journey(&["--client", "tokio", "--workload", "light@1000", "--round", "1", "--seq", "77"]);
    assert!(one.contains(" 77 ") && one.contains("0.077000 s"), "{one}");
    let (code, _, error) = journey(&["--client", "nobody"]);
    assert!(code == Some(2) && error.contains("this campaign: no client `nobody`"), "{error}");
    let (_, _, error) = journey(&["--client", "tokyo"]);
    assert!(
        error.contains("no client `tokyo`: did you mean `tokio`? choose floor, tokio"),
        "{error}"
    );
    std::fs::write(campaign.join("campaign.json"), "{\"schema\":1}").unwrap();
    let (code, _, error) = journey(&[]);
    assert!(code == Some(2) && error.contains("schema 1"), "{error}");
}

/// Read from outside, for the suite's own server, for one that inherits its listening socket, and
/// for one that sets it by a call of the C library.
#[test]
fn connections_have_the_congestion_control_of_the_workload() {
    let room = Room::new();
    let rank = "rank_by = \"response_p99\"";
    // Every kernel has it, and allows it to everyone.
    let reno = room.workload("reno", &format!("rate_per_s = 900\ncongestion = \"reno\"\n{rank}"));
    let lines = format!("rate_per_s = 900\ncongestion = \"inherit\"\n{rank}");
    let inherit = room.workload("inherit", &lines);
    let default = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap();
    for server in ["tick-server", "node", "bun"] {
        let room = Room::new();
        let compared = room.compare(&[
            "floor",
            "--server",
            server,
            "--workload",
            &reno,
            "--workload",
            &inherit,
        ]);
        let rounds = common::rounds(&compared.campaign);
        let rounds: Vec<Value> =
            rounds.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rounds.len(), 4, "{}", compared.stderr);
        for round in rounds {
            let expected = if round["workload"] == "reno" { "reno" } else { default.trim() };
            assert_eq!(round["congestion"], expected, "{server}: {round}");
            assert_eq!(round["client_congestion"], default.trim(), "{server}: {round}");
        }
    }
}

#[test]
fn an_algorithm_that_the_kernel_lacks_is_one_line() {
    let room = Room::new();
    let lines = "rate_per_s = 900\ncongestion = \"nonsense\"\nrank_by = \"response_p99\"";
    let load = room.workload("odd", lines);
    let output = room.harness(&["compare", "floor", "--workload", &load]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.trim().lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains("workload odd") && stderr.contains("`nonsense`: this kernel"),
        "{stderr}"
    );
}
