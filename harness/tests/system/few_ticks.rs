//! Few ticks per second through the real server and a real client, and rounds in which no tick
//! would be measured.

use crate::common::{self, Room, is_measured};

const RANK: &str = "rank_by = \"response_p99\"";

/// Divisors of the rate of snapshots, whose ticks are all due at the instant of one.
#[test]
fn few_ticks_per_second_are_a_valid_round() {
    let room = Room::new();
    let rates = [1, 10, 25, 50];
    let files: Vec<String> = rates
        .iter()
        .map(|rate| room.workload(&format!("few-{rate}"), &format!("rate_per_s = {rate}\n{RANK}")))
        .collect();
    let mut args = vec!["tokio", "--seconds", "1.2", "--workload"];
    args.extend(files.iter().map(String::as_str));
    let compared = room.compare(&args);
    assert_eq!(compared.rows.len(), rates.len(), "{}", compared.stderr);
    for (row, rate) in compared.rows.iter().zip(rates) {
        assert_eq!(row["workload"], format!("few-{rate}"));
        assert!(is_measured(row), "{rate} ticks/s: {}", common::reason(row));
        assert!(row["response_ns"]["p99"].is_u64(), "{row}");
        assert_eq!(row["offered_per_s"], f64::from(rate), "{row}");
    }
    // Quantiles, curves and histograms of a single tick.
    for format in ["text", "md", "html", "csv", "parquet"] {
        let mut show = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        show.arg("show").arg(&compared.campaign).args(["--format", format]);
        let output = show.output().unwrap();
        assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn refused(room: &Room, args: &[&str], expected: &str) {
    let output = room.harness(args).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected) && stderr.trim().lines().count() == 1, "{args:?}: {stderr}");
}

#[test]
fn a_round_without_a_tick_is_refused_with_the_time_of_its_first_tick() {
    let room = Room::new();
    std::fs::write(room.path().join("late.csv"), "gap_ns\n7250000000\n1000\n").unwrap();
    let late = room.workload("late", &format!("replay = \"late.csv\"\n{RANK}"));
    refused(
        &room,
        &["compare", "floor", "--workload", &late],
        "workload late: its first tick would be due 7.250 s after the start, but the round ends after 2.5 s: give --seconds 6.8 or more, or a workload with more ticks",
    );
    let slow = room.workload("slow", &format!("rate_per_s = 1\n{RANK}"));
    refused(
        &room,
        &["compare", "floor", "--workload", &slow, "--warmup", "0.1", "--seconds", "0.4"],
        "workload slow: no tick is due within the measured window, from 0.1 to 0.5 s after the start: the next one would be due after 1.000 s: give --seconds 1 or more",
    );
    refused(
        &room,
        &["sweep", "floor", "--workload", &slow, "--rates", "2,100", "--seconds", "0.1"],
        "workload slow@2: no tick is due",
    );
    // Probes are half as long as the rounds that confirm.
    refused(
        &room,
        &["capacity", "floor", "--lowest", "1"],
        "workload steady@1: no tick is due within the measured window, from 0.2 to 0.8 s after the start: the next one would be due after 1.000 s: give --seconds 1.8 or more",
    );
}

/// Of recordings as people have them; whatever is wrong with one is said before anything is built.
#[test]
fn a_recording_that_cannot_be_replayed_is_refused_with_its_line_and_column() {
    let room = Room::new();
    let load = room.workload("tape", &format!("replay = \"tape.csv\"\n{RANK}"));
    let tape = room.path().join("tape.csv");
    for (text, expected) in [
        (
            "gap_ns\n1700000000000000000\n1000\n",
            "tape.csv: first tick due in 53 years (line 2): are these absolute times?",
        ),
        (
            "gap_ns,price\n1000,109.015625\n",
            "tape.csv: line 2: column price: found `109.015625`, expected at most two decimals",
        ),
        ("gap_ns\n\n\n-1\n", "tape.csv: line 4: column gap_ns: found `-1`, expected 0 or more"),
        (
            "34200.004241176,1,16113575,18,5853300,1\n",
            "tape.csv: line 1: no column `gap_ns` in `34200.004241176,",
        ),
    ] {
        std::fs::write(&tape, text).unwrap();
        refused(&room, &["compare", "floor", "--workload", &load], expected);
    }
    std::fs::remove_file(&tape).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&tape).status().unwrap().success());
    refused(&room, &["compare", "floor", "--workload", &load], "tape.csv: it is a FIFO");
}

/// As spreadsheets write them.
#[test]
fn a_recording_in_the_dialect_of_a_spreadsheet_is_replayed() {
    let room = Room::new();
    let text = "\u{feff}\"gap_ns\";\"symbol\";\"price\"\r\n\"1e6\";AAPL;101.250\r\n\r\n 1000000.0 ;3;7\r\n";
    std::fs::write(room.path().join("tape.csv"), text).unwrap();
    let load = room.workload("tape", &format!("replay = \"tape.csv\"\n{RANK}"));
    let compared = room.compare(&["floor", "--workload", &load]);
    let row = compared.row("floor");
    assert!(is_measured(row), "{row}");
    assert!((row["offered_per_s"].as_f64().unwrap() - 1000.0).abs() < 10.0, "{row}");
}
