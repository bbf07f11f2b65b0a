//! The wall clock is stepped while a campaign runs: nothing that is measured uses it.
//!
//! A preloaded library (`common/wall_clock.c`) gives the processes another wall clock; the
//! machine's own is not changed.

use crate::common::Room;
use crate::common::processes::{EndedWhenDropped, wait_for};
use bench_archive::archive::Archive;
use bench_archive::campaign::Status;
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Steps of the wall clock, in seconds: back, and then far ahead.
const STEPS_S: [i64; 2] = [-3_600, 86_400];

/// Builds the library, with the compiler that also links Rust programs.
fn library(room: &Room) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system/common/wall_clock.c");
    let library = room.path().join("wall_clock.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
    let output = cc.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

#[test]
fn a_stepped_wall_clock_changes_no_measurement() {
    let room = Room::new();
    let (out, step) = (room.path().join("results"), room.path().join("step"));
    fs::write(&step, "0").unwrap();
    // The classic formats carry wall-clock stamps.
    let load = "rate_per_s = 5000\nformat = \"classic-binary\"\nrank_by = \"response_p99\"";
    let load = room.workload("classic", load);
    let mut command = room.harness(&["compare", "floor", "--workload", &load, "--unchecked"]);
    command.args(["--rounds", "3", "--repeats", "0"]);
    command.args(["--warmup", "0.1", "--seconds", "1", "--out"]).arg(&out);
    command.env("LD_PRELOAD", library(&room)).env("WALL_CLOCK_STEP", &step);
    command.args(["--pass-env", "LD_PRELOAD", "--pass-env", "WALL_CLOCK_STEP"]);
    command.stdout(Stdio::null()).stderr(fs::File::create(room.path().join("said")).unwrap());
    let mut harness = EndedWhenDropped(command.spawn().unwrap());
    let finished = || {
        let said = fs::read_to_string(room.path().join("said")).unwrap();
        said.lines().filter(|line| line.starts_with('[')).count()
    };
    // Within the second round, and within the third.
    for (round, step_s) in (1..).zip(STEPS_S) {
        let came = wait_for(Duration::from_secs(120), || (finished() >= round).then_some(()));
        came.expect("a round");
        std::thread::sleep(Duration::from_millis(500));
        fs::write(&step, step_s.to_string()).unwrap();
    }
    assert_eq!(harness.0.wait().unwrap().code(), Some(0));
    let archive = Archive::open(&out.read_dir().unwrap().next().unwrap().unwrap().path()).unwrap();
    let campaign = &archive.campaign;
    assert_eq!((campaign.status, archive.rounds.len()), (Status::Complete, 6));
    // The campaign's wall-clock times show the steps; its rounds do not.
    let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    let lasted_s = at(campaign.ended.as_ref().unwrap()) - at(&campaign.started);
    assert!(lasted_s >= STEPS_S[1], "{lasted_s} s");
    let mut due_ns = 0;
    for round in &archive.rounds {
        assert!(round.result.verdict.is_measured(), "{:?}", round.result);
        let evidence = round.evidence.as_ref().unwrap();
        assert!(evidence.start_ns > due_ns, "instants increase");
        due_ns = evidence.start_ns;
        for (_, stamps) in archive.journeys(round, evidence).unwrap() {
            let (due, processed) = (stamps.due_ns, stamps.processed_ns.unwrap_or(stamps.due_ns));
            // Far less than the smaller step.
            assert!(processed >= due && processed - due < 600_000_000_000);
        }
    }
}
