//! What containers keep from programs: system calls that a seccomp filter refuses, and processes
//! of others that /proc hides.

use crate::common::{self, Room, is_measured, reason};
use nix::libc::{self, c_long, sock_filter, sock_fprog};
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Has a command run under a filter that refuses these system calls, as container runtimes do.
fn refuse(command: &mut Command, calls: &[c_long], errno: i32) {
    let statement =
        |code: u32, k: u32, jump: u8| sock_filter { code: code as u16, jt: jump, jf: 0, k };
    let (load, equal) = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ);
    // The number of the system call comes first in its data (seccomp(2)).
    let mut filter = vec![statement(load, 0, 0)];
    for (index, call) in calls.iter().enumerate() {
        filter.push(statement(equal, *call as u32, (calls.len() - index) as u8));
    }
    filter.push(statement(libc::BPF_RET, libc::SECCOMP_RET_ALLOW, 0));
    filter.push(statement(libc::BPF_RET, libc::SECCOMP_RET_ERRNO | errno as u32, 0));
    let install = move || {
        let program = sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: system calls, between fork and exec; the program outlives them.
        let answers = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program),
            ]
        };
        if answers == [0, 0] { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: `install` only makes system calls.
    unsafe { command.pre_exec(install) };
}

const CALLS: [c_long; 2] = [libc::SYS_perf_event_open, libc::SYS_io_uring_setup];

/// Whether rings are for everybody here, so that only a filter can refuse them.
fn are_rings_allowed() -> bool {
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    setting.is_ok_and(|setting| setting.trim() == "0")
}

fn readings(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let report = serde_json::from_slice::<Value>(&output.stdout);
    report.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_doctor_names_a_seccomp_filter_as_the_cause() {
    for errno in [libc::EPERM, libc::ENOSYS] {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        command.args(["doctor", "--json", "-"]);
        refuse(&mut command, &CALLS, errno);
        let report = readings(&mut command);
        let readings = &report["readings"];
        if are_rings_allowed() {
            assert_eq!(readings["io_uring"], "filtered", "{readings}");
        }
        let missing = readings["counters"]["not_counted"].as_array().unwrap();
        assert_eq!(missing.len(), 7, "{readings}");
        let page_faults = missing.iter().find(|missing| missing["counter"] == "page_faults");
        // Everybody may count them, unless the sysctl is above 2.
        assert_eq!(page_faults.unwrap()["why"]["code"], "filtered", "{readings}");
    }
}

#[test]
fn under_a_seccomp_filter_clients_on_io_uring_are_unavailable_and_nothing_is_counted() {
    let room = Room::new();
    let light = room.light();
    let out = room.path().join("results");
    let mut command = room.harness(&["compare", "floor", "compio", "glommio", "--unchecked"]);
    command.args(["--workload", &light, "--rounds", "1", "--warmup", "0.1", "--seconds", "0.4"]);
    command.args(["--repeats", "0", "--json", "-", "--out"]).arg(&out);
    refuse(&mut command, &CALLS, libc::EPERM);
    let report = readings(&mut command);
    let rows = report["rows"].as_array().unwrap();
    let row = |client: &str| rows.iter().find(|row| row["client"] == client).unwrap();
    assert!(is_measured(row("floor")), "{}", row("floor"));
    for client in ["compio", "glommio"] {
        assert_eq!(row(client)["verdict"], "unavailable");
        let why = reason(row(client));
        assert!(why.contains("io_uring") && why.contains("seccomp"), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
    let dir = out.read_dir().unwrap().next().unwrap().unwrap().path();
    let table = std::fs::read_to_string(dir.join("table.md")).unwrap();
    assert!(table.contains("a seccomp filter refuses perf_event_open"), "{table}");
}

/// With `hidepid=2`, and neither a capability nor the group that makes others visible.
#[test]
fn hidden_processes_are_said_to_be_hidden_and_rounds_are_measured() {
    let room = Room::new();
    let script = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --regid 65534 --clear-groups \
                  --bounding-set -sys_ptrace --inh-caps -sys_ptrace \"$@\"";
    let hidden = |program: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh", program]).args(args);
        command.current_dir(common::root()).env(common::processes::MARK, room.path());
        command
    };
    let probed = hidden("test", &["!", "-e", "/proc/1"]).output();
    if !probed.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: hidepid needs a mount: root, unshare(1) and setpriv(1)");
        return;
    }
    let harness = assert_cmd::cargo::cargo_bin!("harness").to_str().unwrap().to_owned();
    let report = readings(&mut hidden(&harness, &["doctor", "--json", "-"]));
    assert_eq!(report["readings"]["activity"]["are_others_hidden"], true, "{report}");
    let seen = |check: &str| {
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["check"] == check).unwrap();
        found["seen"].as_str().unwrap().to_owned()
    };
    assert!(seen("other processes").ends_with("; /proc hides by whom (hidepid)"));
    // Before, it was "not running" whether it ran or not.
    assert_eq!(seen("irqbalance"), "unknown on this machine");

    let (light, out) = (room.light(), room.path().join("results"));
    let args = ["compare", "floor", "--unchecked", "--workload", &light, "--profile", "dev"];
    let short = ["--rounds", "1", "--warmup", "0.1", "--seconds", "0.4", "--repeats", "0"];
    let last = ["--no-counters", "--json", "-", "--out", out.to_str().unwrap()];
    let report = readings(&mut hidden(&harness, &[&args[..], &short, &last].concat()));
    assert!(is_measured(&report["rows"][0]), "{report}");
    assert!(report["rows"][0]["client_peak_rss_bytes"].as_f64().is_some_and(|bytes| bytes > 0.0));
}
