//! Standard output that its reader has closed before anything is written: a campaign is saved all
//! the same, and nothing panics.

use crate::common;

use crate::common::{Room, published_of};
use bench_archive::archive::Archive;
use bench_archive::campaign::Status;
use std::process::{Command, Output, Stdio};

/// Runs a command whose standard output is a pipe without a reader.
fn unheard(mut command: Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
    // The command holds the writing end, too.
    drop(command);
    let Output { status, stderr, .. } = child.unwrap().wait_with_output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn commands_that_print_end_quietly_if_nobody_reads() {
    let dir = published_of("compare");
    let dir = dir.to_str().unwrap();
    let commands: [&[&str]; 9] = [
        &["show", dir],
        &["show", dir, "--format", "csv"],
        &["journey", dir],
        &["diff", dir, dir],
        &["check", "--list"],
        &["completions", "bash"],
        &["doctor"],
        &["man"],
        &["--help"],
    ];
    for args in commands {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        command.current_dir(common::root()).args(args);
        let (code, said) = unheard(command);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        assert_eq!(said, "", "{args:?}");
    }
}

fn compare(room: &Room, more: &[&str]) -> (Option<i32>, String) {
    let (light, out) = (room.light(), room.path().join("results"));
    let mut command = room.harness(&["compare", "floor", "--workload", &light, "--unchecked"]);
    command.args(["--rounds", "1", "--repeats", "0"]);
    command.args(["--warmup", "0", "--seconds", "0.2", "--out"]).arg(&out);
    command.args(more);
    let done = unheard(command);
    let dir = out.read_dir().unwrap().next().unwrap().unwrap().path();
    let archive = Archive::open(&dir).unwrap();
    assert_eq!((archive.campaign.status, archive.rounds.len()), (Status::Complete, 2));
    done
}

#[test]
fn a_campaign_is_saved_although_nobody_reads_its_tables() {
    let (code, said) = compare(&Room::new(), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn a_report_that_nobody_reads_is_an_error() {
    let (code, said) = compare(&Room::new(), &["--json", "-"]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("error: standard output: Broken pipe"), "{said}");
}
