//! On a pseudo-terminal: the whole screen of `--watch`, the bars without it, and a terminal that is
//! always restored.

use crate::common;

use crate::common::Room;
use crate::common::pty::{ENTER, Pty, left_for_good};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const SIZE: (u16, u16) = (80, 24);

/// A campaign on a terminal; its standard output is a pipe.
fn compare(room: &Room, args: &[&str]) -> Pty {
    let light = room.light();
    let out = room.path().join("results");
    let mut command = room.harness(&["compare", "floor", "--workload", &light]);
    command.args(["--seconds", "0.4", "--warmup", "0.1", "--out", out.to_str().unwrap()]);
    command.args(["--repeats", "0"]);
    // Without a TERM there are no bars.
    command.args(args).env("TERM", "xterm-256color").stdout(Stdio::piped());
    Pty::spawn(command, SIZE)
}

fn campaign(room: &Room) -> Option<PathBuf> {
    Some(room.path().join("results").read_dir().ok()?.next()?.ok()?.path())
}

/// Waits until the screen is open and a round is over.
fn wait_for_a_round(pty: &mut Pty, room: &Room) {
    pty.wait_for(|seen| seen.contains(ENTER));
    pty.wait_for(|_| {
        let rounds =
            campaign(room).and_then(|dir| std::fs::metadata(dir.join("rounds.jsonl")).ok());
        rounds.is_some_and(|rounds| rounds.len() > 0)
    });
}

fn is_interrupted_and_readable(room: &Room) {
    let dir = campaign(room).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let saved: Value = serde_json::from_str(&read("campaign.json")).unwrap();
    assert_eq!(saved["status"], "interrupted");
    let rounds = read("rounds.jsonl");
    assert!(!rounds.is_empty());
    for line in rounds.lines() {
        let round: Value = serde_json::from_str(line).unwrap();
        assert!(round["measurement"].is_object());
    }
}

#[test]
fn q_ends_a_watched_campaign_also_after_resizes() {
    let room = Room::new();
    let mut pty = compare(&room, &["--watch", "--rounds", "200"]);
    wait_for_a_round(&mut pty, &room);
    assert!(!pty.is_cooked());
    pty.resize((40, 10));
    pty.wait_for(|seen| seen.contains("small"));
    pty.resize((140, 45));
    // A line that only the larger window has.
    pty.wait_for(|seen| seen.contains("\x1b[30;"));
    // Arrow keys and other escape sequences are ignored.
    pty.press(b"\x1b[A\x1bOqx");
    pty.press(b"q");
    let (status, seen) = pty.finish();
    assert_eq!(status.code(), Some(130), "{seen:?}");
    let after = left_for_good(&seen);
    assert!(after.contains("interrupted: "), "{after:?}");
    is_interrupted_and_readable(&room);
}

#[test]
fn ctrl_c_and_sigterm_end_a_watched_campaign() {
    let ends: [fn(&mut Pty); 2] = [
        |pty| pty.press(b"\x03"),
        |pty| kill(Pid::from_raw(pty.child.id() as i32), Signal::SIGTERM).unwrap(),
    ];
    for end in ends {
        let room = Room::new();
        let mut pty = compare(&room, &["--watch", "--rounds", "200"]);
        wait_for_a_round(&mut pty, &room);
        end(&mut pty);
        let (status, seen) = pty.finish();
        assert_eq!(status.code(), Some(130), "{seen:?}");
        left_for_good(&seen);
        is_interrupted_and_readable(&room);
    }
}

#[test]
fn a_second_ctrl_c_ends_a_watched_campaign_at_once() {
    let room = Room::new();
    let mut pty = compare(&room, &["--watch", "--rounds", "200"]);
    wait_for_a_round(&mut pty, &room);
    pty.press(b"\x03\x03");
    let (status, seen) = pty.finish();
    assert_eq!(status.code(), Some(130), "{seen:?}");
    assert!(!left_for_good(&seen).contains("interrupted: "));
}

#[test]
fn a_watched_campaign_ends_with_its_tables() {
    let room = Room::new();
    let mut pty = compare(&room, &["--watch", "--rounds", "2"]);
    let mut stdout = pty.child.stdout.take().unwrap();
    let mut tables = String::new();
    stdout.read_to_string(&mut tables).unwrap();
    let (status, seen) = pty.finish();
    assert_eq!(status.code(), Some(0), "{seen:?}{tables}");
    assert!(tables.contains("floor (reference)") && !tables.contains('\x1b'), "{tables:?}");
    // What was printed while the screen was open is not lost.
    let after = left_for_good(&seen);
    assert!(after.contains("complete: "), "{after:?}");
}

#[test]
fn without_watch_a_terminal_gets_lines_and_bars() {
    let room = Room::new();
    let mut pty = compare(&room, &["--rounds", "2"]);
    pty.wait_for(|seen| seen.contains("rounds, "));
    // Their echo would leave a line of the bars behind.
    pty.press(b"zz\nzz");
    let mut stdout = pty.child.stdout.take().unwrap();
    let mut tables = String::new();
    stdout.read_to_string(&mut tables).unwrap();
    let (status, seen) = pty.finish();
    assert_eq!(status.code(), Some(0), "{seen:?}{tables}");
    assert!(tables.contains("floor (reference)"), "{tables:?}");
    let lines = ["[1/5] light · floor", "[4/5] light · floor", "[5/5] light · floor · counters: "];
    for expected in lines.into_iter().chain(["/5 rounds, ", "complete: "]) {
        assert!(seen.contains(expected), "{expected}: {seen:?}");
    }
    assert!(!seen.contains(ENTER) && !seen.contains("zz"), "{seen:?}");
}

#[test]
fn watching_needs_a_terminal() {
    let room = Room::new();
    for command in ["compare", "sweep", "capacity"] {
        let output = room.harness(&[command, "floor", "--watch"]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(
            stderr.starts_with("error: --watch needs a terminal on standard error"),
            "{stderr}"
        );
    }
}

/// Runs a program that panics on a terminal; returns whether it succeeded, and all its output.
fn panics(who: &str) -> (bool, String) {
    let mut command = Command::new(common::example("panics"));
    command.arg(who).stdout(Stdio::null());
    let (status, seen) = Pty::spawn(command, SIZE).finish();
    (status.success(), seen)
}

#[test]
fn a_panic_while_drawing_ends_the_view_only() {
    let (passed, seen) = panics("painter");
    let after = left_for_good(&seen);
    assert!(after.contains("a painter's mistake"), "{after:?}");
    assert!(after.contains("the campaign continues"), "{after:?}");
    assert!(passed, "{seen:?}");
}

#[test]
fn a_panic_of_the_harness_is_printed_on_a_restored_terminal() {
    let (passed, seen) = panics("harness");
    let after = left_for_good(&seen);
    let (before, panic) = after.split_once("the harness's mistake").expect(&after);
    assert!(before.contains("a line of another process"), "{before:?}");
    assert!(!panic.contains("a line of another process"), "{panic:?}");
    assert!(!passed);
}

/// What a program prints on a terminal, both streams, in a locale.
fn printed(command: &Command, locale: &str) -> String {
    let mut on_terminal = Command::new("sh");
    // The terminal is its standard error.
    on_terminal.args(["-c", "exec \"$0\" \"$@\" >&2"]).arg(command.get_program());
    on_terminal.args(command.get_args()).current_dir(common::root());
    on_terminal.env("LC_ALL", locale).env("TERM", "dumb").stdout(Stdio::null());
    let (status, seen) = Pty::spawn(on_terminal, (200, 50)).finish();
    assert!(status.success(), "{seen}");
    seen
}

#[test]
fn a_terminal_without_utf8_gets_ascii_and_files_get_utf8() {
    let campaign = common::published_of("compare");
    let harness = assert_cmd::cargo::cargo_bin!("harness");
    let mut show = Command::new(harness);
    show.arg("show").arg(&campaign);
    let plain = printed(&show, "C");
    assert!(plain.is_ascii(), "{plain}");
    let boxes = |text: &str, side: char| {
        let lines = text.lines().filter(|line| line.starts_with(side));
        lines.map(|line| line.trim_end().chars().count()).collect::<Vec<_>>()
    };
    let drawn = printed(&show, "C.UTF-8");
    assert!(drawn.contains('│') && drawn.contains('µ'), "{drawn}");
    assert!(!boxes(&drawn, '│').is_empty());
    assert_eq!(boxes(&plain, '|'), boxes(&drawn, '│'), "as wide: {plain}");

    let piped = show.env("LC_ALL", "C").output().unwrap();
    assert!(String::from_utf8(piped.stdout).unwrap().contains('│'));
    let mut refused = Command::new("sh");
    refused.args(["-c", "\"$0\" show nowhere-– || true"]).arg(harness);
    let refused = printed(&refused, "POSIX");
    assert!(refused.contains("nowhere--") && refused.is_ascii(), "{refused}");
}

#[test]
fn progress_and_the_whole_screen_are_ascii_where_the_locale_is() {
    for watch in [false, true] {
        let room = Room::new();
        let light = room.light();
        let out = room.path().join("results");
        let mut command = room.harness(&["compare", "floor", "--workload", &light, "--unchecked"]);
        command.args(["--rounds", "1", "--seconds", "0.4", "--warmup", "0.1", "--repeats", "0"]);
        command.args(["--no-counters", "--out", out.to_str().unwrap()]);
        command.args(watch.then_some("--watch")).env("TERM", "xterm-256color");
        command.env("LC_ALL", "C").stdout(Stdio::null());
        let (status, seen) = Pty::spawn(command, SIZE).finish();
        assert!(status.success() && seen.contains("floor"), "{seen:?}");
        assert!(seen.is_ascii(), "{seen:?}");
    }
}
