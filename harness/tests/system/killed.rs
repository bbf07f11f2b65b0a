//! A harness that is killed at any instant leaves every round that it had finished, and nothing
//! else; a killed server costs only its round.

use crate::common;

use crate::common::Room;
use crate::common::processes::{EndedWhenDropped, below, rooms_of, wait_for};
use bench_archive::archive::Archive;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// A hang ends the test after this time; nothing else depends on it.
const PATIENCE: Duration = Duration::from_secs(120);
/// The latest time of the kill, after the harness's start or its first round.
const LONGEST_MS: u64 = 2_500;

/// Starts a campaign of many short rounds; its standard error goes into a file.
fn start(room: &Room, is_checked: bool) -> EndedWhenDropped {
    let (light, temporary) = (room.light(), room.path().join("tmp"));
    fs::create_dir(&temporary).unwrap();
    let mut command = room.harness(&["compare", "floor", "blocking", "--workload", &light]);
    command.args(["--rounds", "50", "--warmup", "0", "--seconds", "0.2", "--out"]);
    command.arg(room.path().join("results")).env("TMPDIR", temporary);
    if !is_checked {
        command.arg("--unchecked");
    }
    command.stdout(Stdio::null()).stderr(File::create(room.path().join("said")).unwrap());
    EndedWhenDropped(command.spawn().unwrap())
}

/// The one directory of results, if the harness got that far.
fn campaign(room: &Room) -> Option<PathBuf> {
    let dir = room.path().join("results").read_dir().ok()?.next()?.unwrap().path();
    if dir.join("campaign.json").exists() {
        return Some(dir);
    }
    // Killed before its first file: no round can have begun.
    assert_eq!(fs::read(dir.join("rounds.jsonl")).unwrap_or_default(), b"");
    None
}

/// The lines that it printed about finished rounds.
fn finished(room: &Room) -> Vec<String> {
    let said = fs::read_to_string(room.path().join("said")).unwrap();
    said.lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect()
}

/// Asserts that everything of the campaign can be read, with all rounds that the harness had
/// reported as finished. Returns their number.
fn check_rounds(room: &Room, dir: &Path) -> usize {
    let finished = finished(room);
    let archive = Archive::open(dir).unwrap();
    let kept = archive.rounds.len();
    let highest = finished.len() + 1;
    assert!((finished.len()..=highest).contains(&kept), "{kept} rounds; it said {finished:?}");
    for round in &archive.rounds {
        if let Some(evidence) = &round.evidence {
            assert!(!archive.grid(evidence).unwrap().is_empty());
            assert!(!archive.journeys(round, evidence).unwrap().is_empty());
        }
    }
    let mut show = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let shown = show.current_dir(common::root()).arg("show").arg(dir).output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    kept
}

/// Kills a harness within its first seconds. Returns the number of rounds that are kept.
fn kill_once(random: &mut ChaCha8Rng) -> usize {
    let room = Room::new();
    let mut harness = start(&room, random.random_bool(0.5));
    // Half of them while it builds and checks clients, half during its rounds.
    if random.random_bool(0.5) {
        let began = || (!finished(&room).is_empty()).then_some(());
        wait_for(PATIENCE, began).expect("a first round");
    }
    std::thread::sleep(Duration::from_millis(random.random_range(0..LONGEST_MS)));
    assert!(harness.0.try_wait().unwrap().is_none(), "it ended on its own");
    kill(Pid::from_raw(harness.0.id() as i32), Signal::SIGKILL).unwrap();
    harness.0.wait().unwrap();
    let gone = wait_for(PATIENCE, || room.processes().is_empty().then_some(()));
    assert!(gone.is_some(), "left: {:?}", room.processes());
    assert_eq!(rooms_of(harness.0.id()), Vec::<PathBuf>::new());
    let temporary: Vec<_> = room.path().join("tmp").read_dir().unwrap().collect();
    assert!(temporary.is_empty(), "{temporary:?}");
    campaign(&room).map_or(0, |dir| check_rounds(&room, &dir))
}

/// Four times, or as often as the variable `KILLS` says: a hundred take five minutes.
#[test]
fn a_killed_harness_leaves_its_finished_rounds_and_nothing_else() {
    let kills = std::env::var("KILLS").map_or(4, |kills| kills.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let rounds: Vec<usize> = (0..kills).map(|_| kill_once(&mut random)).collect();
    let campaigns = rounds.iter().filter(|&&rounds| rounds > 0).count();
    let sum: usize = rounds.iter().sum();
    eprintln!("{kills} kills: {sum} rounds kept in {campaigns} campaigns");
}

#[test]
fn a_killed_server_costs_its_round_and_the_campaign_goes_on() {
    let room = Room::new();
    let light = room.light();
    let mut command = room.harness(&["compare", "floor", "--workload", &light, "--unchecked"]);
    command.args(["--rounds", "2", "--repeats", "0"]);
    command.args(["--warmup", "0.1", "--seconds", "1", "--out"]);
    command.arg(room.path().join("results")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut harness = EndedWhenDropped(command.spawn().unwrap());
    let is = |pid: i32, name: &str| {
        let stat = procfs::process::Process::new(pid).and_then(|process| process.stat());
        stat.is_ok_and(|stat| stat.comm == name && stat.state != 'Z')
    };
    let server = wait_for(PATIENCE, || {
        let all = below(harness.0.id());
        // The client starts after it.
        all.iter().find(|&&pid| is(pid, "client-floor"))?;
        all.into_iter().find(|&pid| is(pid, "tick-server"))
    });
    kill(Pid::from_raw(server.expect("a round under way")), Signal::SIGKILL).unwrap();
    // A row of two rounds of which one is good has numbers, whichever was killed.
    assert!(matches!(harness.0.wait().unwrap().code(), Some(0 | 1)));
    let archive = Archive::open(&campaign(&room).unwrap()).unwrap();
    let (failed, others): (Vec<_>, Vec<_>) =
        archive.rounds.iter().map(|round| &round.result).partition(|r| r.measurement.is_none());
    assert_eq!((failed.len(), others.len()), (1, 3));
    let reason = failed[0].reasons.to_string();
    assert!(reason.starts_with("the server ended (killed by SIGKILL) before"), "{reason}");
    assert_eq!(room.processes(), Vec::<i32>::new());
}
