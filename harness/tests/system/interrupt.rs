//! Ctrl-C leaves a readable campaign, and no child outlives the harness.

use crate::common::Room;
use crate::common::processes::{all_gone, below, children, rooms_of, wait_for};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A long campaign that has begun its first round.
fn running(room: &Room) -> (Child, PathBuf) {
    running_with(room, SigHandler::SigDfl)
}

/// The same, with what its parent does about SIGHUP.
fn running_with(room: &Room, hangup: SigHandler) -> (Child, PathBuf) {
    let out = room.path().join("results");
    let light = room.light();
    let mut command = room.harness(&["compare", "floor", "blocking", "--workload", &light]);
    command.args(["--seconds", "1", "--warmup", "0.1", "--rounds", "50"]);
    command.args(["--out", out.to_str().unwrap()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: `signal` may be called between fork and exec (man 7 signal-safety).
    unsafe {
        command.pre_exec(move || {
            signal(Signal::SIGHUP, hangup)?;
            signal(Signal::SIGINT, SigHandler::SigDfl)?;
            Ok(())
        });
    }
    let child = command.spawn().unwrap();
    let begun = || {
        let campaign = out.read_dir().ok()?.next()?.ok()?.path();
        let rounds = std::fs::metadata(campaign.join("rounds.jsonl")).ok()?;
        (rounds.len() > 0).then_some(campaign)
    };
    let campaign = wait_for(Duration::from_secs(120), begun).expect("a first round");
    (child, campaign)
}

#[test]
fn ctrl_c_keeps_what_was_measured() {
    let room = Room::new();
    let (mut harness, campaign) = running(&room);
    let children = children(&harness);
    kill(Pid::from_raw(harness.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(harness.wait().unwrap().code(), Some(130));
    assert!(all_gone(&children));
    let read = |name: &str| std::fs::read_to_string(campaign.join(name)).unwrap();
    let saved: Value = serde_json::from_str(&read("campaign.json")).unwrap();
    assert_eq!(saved["status"], "interrupted");
    assert!(read("table.md").contains("interrupted"));
    for line in read("rounds.jsonl").lines() {
        let round: Value = serde_json::from_str(line).unwrap();
        assert!(round["measurement"].is_object());
    }
}

/// As under `nohup`.
#[test]
fn a_hangup_that_the_parent_ignores_ends_nothing() {
    let room = Room::new();
    let (mut harness, campaign) = running_with(&room, SigHandler::SigIgn);
    let pid = Pid::from_raw(harness.id() as i32);
    let rounds = || std::fs::read_to_string(campaign.join("rounds.jsonl")).unwrap().lines().count();
    let before = rounds();
    kill(pid, Signal::SIGHUP).unwrap();
    kill(pid, Signal::SIGHUP).unwrap();
    let goes_on = || (rounds() > before + 1).then_some(());
    wait_for(Duration::from_secs(120), goes_on).expect("another round");
    assert!(harness.try_wait().unwrap().is_none());
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(harness.wait().unwrap().code(), Some(130));
}

#[test]
fn no_child_outlives_a_killed_harness() {
    let room = Room::new();
    let (mut harness, campaign) = running(&room);
    let children = children(&harness);
    assert_eq!(rooms_of(harness.id()).len(), 1);
    kill(Pid::from_raw(harness.id() as i32), Signal::SIGKILL).unwrap();
    harness.wait().unwrap();
    assert!(all_gone(&children));
    assert_eq!(rooms_of(harness.id()), Vec::<PathBuf>::new());
    let saved = std::fs::read_to_string(campaign.join("campaign.json")).unwrap();
    let saved: Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved["status"], "running");
    assert!(!saved["rows"].as_array().unwrap().is_empty());
}

#[test]
fn no_grandchild_outlives_a_killed_harness() {
    let room = Room::new();
    let hello = r#"{"type":"hello","contract":2,"name":"s","versions":["sh 1"],"runtime":"sh","transport":"none","class":"library","queue":{"kind":"none","bound":null}}"#;
    let script = room.script("parent", &format!("echo '{hello}'\nsleep 600 & sleep 600"));
    let out = room.path().join("results");
    let light = room.light();
    // Without the check before it, which plays two cases at a time.
    let args = ["compare", "--unchecked", "--client", &script, "--workload", &light];
    let mut command = room.harness(&args);
    command.args(["--out", out.to_str().unwrap()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut harness = command.spawn().unwrap();
    let sleeping = wait_for(Duration::from_secs(120), || {
        let pids = below(harness.id());
        let sleeps = |pid: &&i32| {
            procfs::process::Process::new(**pid)
                .and_then(|p| p.stat())
                .is_ok_and(|stat| stat.comm == "sleep")
        };
        let found: Vec<i32> = pids.iter().filter(sleeps).copied().collect();
        (found.len() == 2).then_some(found)
    });
    let sleeping = sleeping.expect("the grandchildren");
    kill(Pid::from_raw(harness.id() as i32), Signal::SIGKILL).unwrap();
    harness.wait().unwrap();
    assert!(all_gone(&sleeping));
}
