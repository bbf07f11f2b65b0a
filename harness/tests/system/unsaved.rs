//! A full disk, and directories that cannot be written: what was measured is kept or printed, and
//! the exit code shows that it was not saved.
//!
//! A limit on the size of files (`ulimit -f`, in units of 512 bytes) makes writes above it fail
//! with EFBIG, in every run at the same place, and needs no privileges.

use crate::common;

use crate::common::Room;
use bench_archive::archive::Archive;
use bench_archive::campaign::Status;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROUNDS: [&str; 6] = ["--rounds", "20", "--warmup", "0", "--seconds", "0.2"];

/// Runs the harness so that no file can exceed `bytes`.
fn limited(bytes: u64, room: &Room, args: &[&str]) -> Output {
    let harness = assert_cmd::cargo::cargo_bin!("harness");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 512);
    let mut command = Command::new("sh");
    command.current_dir(common::root()).args(["-c", &script, "sh"]).arg(harness).args(args);
    command.args(["--profile", "dev", "--out"]).arg(room.path().join("results"));
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one directory of results.
fn campaign(room: &Room) -> PathBuf {
    let mut folders = room.path().join("results").read_dir().unwrap();
    let dir = folders.next().unwrap().unwrap().path();
    assert!(folders.next().is_none());
    dir
}

/// Asserts that the failure is reported in one line, and returns that.
fn said(output: &Output, room: &Room, what: &str) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    let dir = campaign(room).display().to_string();
    let begin = format!("error: cannot save {what}");
    assert!(errors[0].starts_with(&begin), "{text}");
    for expected in [dir.as_str(), "(os error 27)", "choose another directory with --out"] {
        assert!(errors[0].contains(expected), "no {expected}: {text}");
    }
    errors[0].to_owned()
}

/// A load of few sampled ticks, so that `rounds.jsonl` outgrows all other files.
fn thin(room: &Room) -> String {
    room.workload("thin", "rate_per_s = 500\nrank_by = \"response_p99\"")
}

/// Size of a file in a campaign of one round.
fn file_size(room: &Room, file: &str) -> u64 {
    let load = thin(room);
    let compared = room.compare(&["floor", "--workload", &load]);
    let bytes = fs::metadata(compared.campaign.join(file)).unwrap().len();
    fs::remove_dir_all(room.path().join("results")).unwrap();
    bytes
}

#[test]
fn a_disk_that_is_full_after_some_rounds_keeps_what_was_measured() {
    let room = Room::new();
    let most = file_size(&room, "campaign.json") + 4096;
    let (load, report) = (thin(&room), room.path().join("report.json"));
    let mut args = vec!["compare", "floor", "--workload", &load, "--json"];
    args.push(report.to_str().unwrap());
    let output = limited(most, &room, &[&args[..], &ROUNDS].concat());
    let line = said(&output, &room, "rounds.jsonl in ");
    let tables = String::from_utf8(output.stdout).unwrap();
    assert!(
        tables.contains("floor (reference)")
            && [" µs ", " ms "].iter().any(|unit| tables.contains(unit)),
        "{tables}"
    );
    let rows: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert!(common::is_measured(&rows["rows"][0]), "{rows}");

    let dir = campaign(&room);
    let archive = Archive::open(&dir).unwrap();
    let kept = archive.rounds.len();
    assert!(kept > 1, "{kept} rounds");
    assert!(line.contains(&format!("; everything up to round {kept} is saved there; ")), "{line}");
    assert_eq!(archive.campaign.status, Status::Interrupted);
    assert_eq!(fs::read_dir(dir.join("journeys")).unwrap().count(), kept);
    let rounds = fs::read_to_string(dir.join("rounds.jsonl")).unwrap();
    assert!(rounds.ends_with("}\n") && rounds.len() as u64 <= most);
    let leftovers = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(leftovers.into_iter().all(|name| !name.to_string_lossy().contains("draft")));
}

#[test]
fn a_round_that_could_not_be_saved_is_printed() {
    let room = Room::new();
    let most = file_size(&room, "campaign.json") + 4096;
    let load = room.workload("thick", "rate_per_s = 40000\nrank_by = \"response_p99\"");
    // With this seed the client comes before its control.
    let args = ["compare", "floor", "--workload", &load, "--rounds", "1", "--seed", "3"];
    let output =
        limited(most, &room, &[&args[..], &["--warmup", "0", "--seconds", "0.5"]].concat());
    let line = said(&output, &room, "journeys/001-thick-floor.csv.zst");
    assert!(line.contains("; no round is saved there; "), "{line}");
    let tables = String::from_utf8(output.stdout).unwrap();
    assert!(
        tables.contains("floor (reference)")
            && [" µs ", " ms "].iter().any(|unit| tables.contains(unit)),
        "{tables}"
    );
    let archive = Archive::open(&campaign(&room)).unwrap();
    assert_eq!(archive.rounds.len(), 0);
    assert_eq!(fs::read_dir(campaign(&room).join("journeys")).unwrap().count(), 0);
}

#[test]
fn rows_that_could_not_be_saved_are_computed_from_the_rounds() {
    let room = Room::new();
    // Enough to begin, too little for rows with numbers.
    let most = file_size(&room, "campaign.json") - 512;
    let load = thin(&room);
    let args = ["compare", "floor", "--workload", &load];
    let output = limited(most, &room, &[&args[..], &ROUNDS].concat());
    said(&output, &room, "campaign.json in ");
    let archive = Archive::open(&campaign(&room)).unwrap();
    assert_eq!(archive.campaign.status, Status::Running);
    assert_eq!(archive.campaign.rows.len(), 1);
    let mut show = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let shown = show.current_dir(common::root()).arg("show").arg(campaign(&room)).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains(", running\n") && text.contains("floor (reference)"), "{text}");
}

#[test]
fn a_search_that_could_not_be_saved_prints_what_it_found() {
    let room = Room::new();
    let most = file_size(&room, "campaign.json") + 4096;
    let load = thin(&room);
    let args = ["capacity", "floor", "--workload", &load, "--lowest", "100", "--p99", "1s"];
    let output = limited(most, &room, &args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    let tables = String::from_utf8(output.stdout).unwrap();
    assert!(tables.contains("the search ended because a round could not be saved"), "{tables}");
    Archive::open(&campaign(&room)).unwrap();
}

fn refused(out: &Path, expected: &str) {
    let room = Room::new();
    let load = room.light();
    let args = ["compare", "floor", "--workload", &load, "--out", out.to_str().unwrap()];
    let output = room.harness(&args).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    // Detected before anything is built: one line, and nothing else.
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains(expected) && text.contains("choose another directory with --out"),
        "{text}"
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_first() {
    let room = Room::new();
    let file = room.path().join("file");
    fs::write(&file, "").unwrap();
    refused(&file, "file: choose another");
    refused(&file.join("below/it"), "file: choose another");
    refused(Path::new("/proc/tick-bench"), "cannot write in /proc");
}

#[test]
fn no_directory_is_created_before_the_arguments_are_checked() {
    let room = Room::new();
    let out = room.path().join("a/b/c");
    let args = ["compare", "nobody", "--out", out.to_str().unwrap()];
    let output = room.harness(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(room.path().read_dir().unwrap().count(), 0);
    let args = ["compare", "floor", "--json", "no/such/folder/report.json"];
    let output = room.harness(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--json: there is no directory no/such/folder"));
}

#[test]
fn tables_that_cannot_be_printed_are_saved_all_the_same() {
    let room = Room::new();
    let (load, out) = (thin(&room), room.path().join("results"));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = room.harness(&["compare", "floor", "--workload", &load, "--rounds", "1"]);
    command.args(["--warmup", "0", "--seconds", "0.2", "--out"]).arg(out).stdout(full);
    let output = command.output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("error: cannot print the tables: "), "{text}");
    assert_eq!(Archive::open(&campaign(&room)).unwrap().campaign.status, Status::Complete);
}
