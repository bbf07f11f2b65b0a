//! Resources that run out during a campaign: the disk, the memory for meters, descriptors, a
//! client's memory. Nothing that was measured is lost, and one line says what is missing.

use crate::common;

use crate::common::Room;
use bench_archive::archive::Archive;
use bench_archive::campaign::Status;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs a script with its own mounts, if that is permitted here; otherwise prints that the test is
/// skipped, and returns `None`.
fn with_own_mounts(room: &Room, script: &str, args: &[&str]) -> Option<Output> {
    let harness = assert_cmd::cargo::cargo_bin!("harness");
    for unshare in [&["--mount"][..], &["--mount", "--map-root-user"]] {
        let run = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(unshare).args(["sh", "-c", script, "sh"]).arg(harness).args(args);
            command.args(["--profile", "dev"]).current_dir(common::root());
            command.env(common::processes::MARK, room.path()).output()
        };
        let probe = "mount -t tmpfs none /mnt";
        if run(probe).is_ok_and(|output| output.status.success()) {
            return Some(run(script).unwrap());
        }
    }
    let why = "a small disk needs a mount: root or user namespaces, and unshare(1)";
    // Not by `eprintln`, which is captured and not shown if the test passes.
    let mut stderr = std::io::stderr();
    writeln!(stderr, "SKIPPED: {why}").unwrap();
    None
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn only_folder(dir: &Path) -> PathBuf {
    let folders: Vec<_> = dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders[0].clone()
}

/// The number of rounds that it had reported as finished.
fn finished(stderr: &str) -> usize {
    stderr.lines().filter(|line| line.starts_with('[')).count()
}

const SHORT: [&str; 7] = ["--unchecked", "--rounds", "30", "--warmup", "0", "--seconds", "0.2"];

/// A full file system (ENOSPC), each time at another place: within a round's files, its line, or
/// the tables.
#[test]
fn a_full_file_system_loses_no_round_and_says_so_in_one_line() {
    for kib in [40, 64, 100] {
        let room = Room::new();
        let (light, small) = (room.light(), room.path().join("small"));
        fs::create_dir(&small).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={kib}k none {0} || exit 99; \"$@\"; code=$?; \
             cp -r {0} {0}-kept; exit $code",
            small.display()
        );
        let args = ["compare", "floor", "--workload", &light, "--out", small.to_str().unwrap()];
        let Some(output) = with_own_mounts(&room, &script, &[&args[..], &SHORT].concat()) else {
            return;
        };
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{said}");
        for expected in ["error: cannot save ", "(os error 28)", "free some space"] {
            assert!(errors[0].contains(expected), "no {expected}: {said}");
        }
        let archive = Archive::open(&only_folder(&room.path().join("small-kept"))).unwrap();
        assert_eq!(archive.rounds.len(), finished(&said), "{said}");
        assert!(archive.campaign.status != Status::Complete);
        for evidence in archive.rounds.iter().filter_map(|round| round.evidence.as_ref()) {
            assert!(!archive.grid(evidence).unwrap().is_empty());
        }
        // What could not be saved is printed.
        assert!(text(&output.stdout).contains("floor (reference)"));
        assert_eq!(room.processes(), Vec::<i32>::new());
    }
}

#[test]
fn without_room_in_shared_memory_the_meters_are_in_the_temporary_directory() {
    let room = Room::new();
    let (light, out) = (room.light(), room.path().join("results"));
    let script = "mount -t tmpfs -o size=4k none /dev/shm || exit 99; \"$@\"";
    let args = ["compare", "floor", "--workload", &light, "--out", out.to_str().unwrap()];
    let Some(output) = with_own_mounts(&room, script, &[&args[..], &SHORT].concat()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn without_room_for_meters_anywhere_one_line_says_how_to_mend_it() {
    let room = Room::new();
    let (light, out) = (room.light(), room.path().join("results"));
    let script = "mount -t tmpfs -o size=4k none /dev/shm || exit 99; TMPDIR=/dev/shm \"$@\"";
    let args = ["compare", "floor", "--workload", &light, "--out", out.to_str().unwrap()];
    let Some(output) = with_own_mounts(&room, script, &[&args[..], &SHORT].concat()) else {
        return;
    };
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let line = said.lines().last().unwrap();
    assert!(line.starts_with("error: ") && line.contains("set TMPDIR to a directory"), "{said}");
}

#[test]
fn when_the_room_for_meters_is_used_up_the_campaign_ends_with_one_line() {
    let room = Room::new();
    let (light, out) = (room.light(), room.path().join("results"));
    // As soon as there is a meter, the rest of the room is used up,
    // and what the meters of a round leave free.
    let script = "mount -t tmpfs -o size=5m none /dev/shm || exit 99; \
        (until ls /dev/shm/tick-bench-*/*.meter; do sleep 0.01; done; \
        while :; do head -c 6M /dev/zero >> /dev/shm/full; sleep 0.01; done) \
        > /dev/null 2>&1 & filler=$!; \"$@\"; code=$?; kill $filler; wait $filler; sleep 0.1; exit $code";
    let out_arg = out.to_str().unwrap();
    let args = ["compare", "floor", "--workload", &light, "--out", out_arg];
    let Some(output) = with_own_mounts(&room, script, &[&args[..], &SHORT].concat()) else {
        return;
    };
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    // The shell may say after it that it has ended the other process.
    let line = said.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(line.starts_with("error: cannot create the meter /dev/shm/tick-bench-"), "{said}");
    assert!(line.ends_with(": free some memory: No space left on device (os error 28)"), "{said}");
    let archive = Archive::open(&only_folder(&out)).unwrap();
    assert_eq!(archive.campaign.status, Status::Interrupted);
    assert_eq!(room.processes(), Vec::<i32>::new());
}

/// Runs the harness with a limit on the descriptors of each process.
fn with_descriptors(limit: u32, room: &Room, args: &[&str]) -> Output {
    let script = format!("ulimit -n {limit}; exec \"$@\"");
    let harness = assert_cmd::cargo::cargo_bin!("harness");
    let mut command = Command::new("sh");
    command.current_dir(common::root()).args(["-c", &script, "sh"]).arg(harness).args(args);
    command.args(["--profile", "dev", "--out"]).arg(room.path().join("results"));
    command.env(common::processes::MARK, room.path()).output().unwrap()
}

/// Connections that are too many for a client cost its row, which says why; the next
/// workload has few, and is measured.
#[test]
fn a_client_out_of_descriptors_costs_its_row_and_the_campaign_goes_on() {
    let room = Room::new();
    let many =
        room.workload("many", "rate_per_s = 100\nconnections = 100\nrank_by = \"response_p99\"");
    let light = room.light();
    // Built before, as cargo needs more descriptors.
    room.compare(&["floor", "--workload", &light]);
    fs::remove_dir_all(room.path().join("results")).unwrap();
    let args = [
        "compare",
        "floor",
        "--workload",
        &many,
        &light,
        "--rounds",
        "1",
        "--unchecked",
        "--repeats",
        "0",
    ];
    // Enough for the server, but the client opens two for each connection.
    let output = with_descriptors(180, &room, &[&args[..], &SHORT[3..]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let archive = Archive::open(&only_folder(&room.path().join("results"))).unwrap();
    for round in &archive.rounds {
        let result = &round.result;
        match result.workload.as_str() {
            "many" => {
                let reason = result.reasons.to_string();
                assert!(reason.contains("Too many open files"), "{reason}");
            }
            _ => assert!(result.verdict.is_measured(), "{result:?}"),
        }
    }
    assert_eq!(archive.rounds.len(), 4);
}

#[test]
fn a_harness_out_of_descriptors_ends_with_one_line() {
    let room = Room::new();
    let output = with_descriptors(5, &room, &["compare", "floor", "--workload", &room.light()]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: ") && said.contains("Too many open files"), "{said}");
}

/// A queue without a bound grows until the client's ceiling: that ends the round, and is
/// a result, as the server's ceiling is (`loads.rs`).
#[test]
fn a_client_at_its_memory_ceiling_is_overloaded_and_says_so() {
    let room = Room::new();
    let lines = "rate_per_s = 100000\nwork_ns = 200000\nmemory_ceiling_bytes = \"24MiB\"\n\
                 rank_by = \"response_p99\"";
    let load = room.workload("brimful", lines);
    let compared = room.compare(&["js-sim", "--workload", &load, "--seconds", "8"]);
    let row = compared.row("js-sim");
    assert!(row["verdict"] == "overloaded" || row["verdict"] == "noisy", "{row}");
    if row["verdict"] == "overloaded" {
        assert!(common::reason(row).contains("its own queue reached the memory ceiling"), "{row}");
    }
}
