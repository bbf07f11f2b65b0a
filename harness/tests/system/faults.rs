//! Whatever a client does wrong is a row with its reason, and the campaign continues.

use crate::common;

use crate::common::Room;

const HELLO: &str = r#"echo '{"type":"hello","contract":2,"name":"s","versions":["sh 1"],"runtime":"sh","transport":"none","class":"library","queue":{"kind":"none","bound":null}}'"#;

/// Runs a scripted client beside a correct one; returns the script's verdict and reasons.
fn verdict(name: &str, body: &str) -> (String, String) {
    let room = Room::new();
    let script = room.script(name, body);
    let compared = room.compare(&["floor", "--client", &script, "--workload", &room.light()]);
    assert_eq!(compared.code, 1, "{}", compared.stderr);
    assert!(common::is_measured(compared.row("floor")), "{}", compared.row("floor"));
    let row = compared.row(name);
    (row["verdict"].as_str().unwrap().to_owned(), common::reason(row))
}

fn expect(name: &str, body: &str, expected: (&str, &str)) {
    let (verdict, reason) = verdict(name, body);
    assert_eq!(verdict, expected.0, "{reason}");
    assert!(reason.contains(expected.1), "{reason}");
}

#[test]
fn a_crash_is_reported_with_its_last_line_on_stderr() {
    expect("crash", "echo 'out of luck' >&2; exit 3", ("failed", "exit code 3"));
    expect("stderr", "echo 'out of luck' >&2; exit 3", ("failed", "out of luck"));
}

#[test]
fn a_signal_is_named() {
    expect("signal", "kill -SEGV $$", ("failed", "SIGSEGV"));
}

#[test]
fn a_wrong_contract_version_is_reported() {
    let hello = HELLO.replace("\"contract\":2", "\"contract\":7");
    expect("version", &format!("{hello}; sleep 30"), ("failed", "contract version 7"));
}

#[test]
fn an_unknown_key_is_an_error() {
    let hello = HELLO.replace("\"name\"", "\"colour\":1,\"name\"");
    expect("key", &format!("{hello}; sleep 30"), ("failed", "unknown field `colour`"));
}

#[test]
fn a_line_that_is_not_json_is_an_error() {
    expect("prose", "echo connecting...; sleep 30", ("failed", "begins `connecting...`"));
}

#[test]
fn an_oversized_line_is_refused() {
    expect("long", "head -c 3000000 /dev/zero; sleep 30", ("failed", "longer than 1048576 bytes"));
}

#[test]
fn a_class_other_than_in_the_manifest_is_refused() {
    let hello = HELLO.replace("\"library\"", "\"reference\"");
    expect("class", &format!("{hello}; sleep 30"), ("failed", "its hello has class `reference`"));
}

#[test]
fn unavailable_is_a_row_of_its_own() {
    let body = format!(r#"{HELLO}; echo '{{"type":"unavailable","reason":"no tea"}}'"#);
    expect("tea", &body, ("unavailable", "no tea"));
}

#[test]
fn hanging_before_ready_ends_at_the_deadline() {
    expect(
        "hang",
        &format!("{HELLO}; sleep 60"),
        ("failed", "did not send its `ready` within 5.0 s"),
    );
}

#[test]
fn a_ready_without_a_connection_is_detected() {
    let body = format!(r#"{HELLO}; echo '{{"type":"ready"}}'; sleep 60"#);
    expect("liar", &body, ("failed", "the server did not send its `connected`"));
}

#[test]
fn a_missing_program_makes_it_unavailable() {
    let room = Room::new();
    let script = room.script("needy", "exit 0");
    let manifest = std::fs::read_to_string(&script).unwrap();
    let needy = manifest + "[needs]\nprograms = [\"no-such-program-at-all\"]\n";
    std::fs::write(&script, needy).unwrap();
    let compared = room.compare(&["floor", "--client", &script, "--workload", &room.light()]);
    assert_eq!(compared.code, 1);
    let row = compared.row("needy");
    assert_eq!(row["verdict"], "unavailable");
    assert!(common::reason(row).contains("`no-such-program-at-all` is not on the PATH"));
}

/// Clients that connect properly and then misbehave.
#[test]
fn faults_after_ready_are_detected() {
    let room = Room::new();
    let faults = [
        ("none", "measured", ""),
        ("sleep-random", "measured", ""),
        ("drop-rare", "invalid", "1 seqs skipped"),
        ("claim-more", "invalid", "more ticks than the one before it"),
        ("stamp-future", "invalid", "from the future"),
        ("process-before-receive", "invalid", "was processed before it was received"),
        ("answer-some", "invalid", "are not the planned ones"),
        ("gap", "invalid", "seqs skipped"),
        ("double-count", "invalid", "seqs seen twice"),
        ("checksum", "invalid", "but the market's is"),
        ("wrong-samples", "invalid", "are not the planned ones"),
        ("crash", "failed", "exit code 3"),
        ("early-exit", "failed", "exit code 0"),
        ("disconnect", "invalid", "ended on its own: connection lost"),
        ("killed", "failed", "killed by SIGKILL"),
        ("reset", "failed", "exit code 4"),
        ("half-close", "invalid", "ended on its own: connection lost"),
        ("lingers", "measured", ""),
        ("daemon", "measured", ""),
        ("holds-stdout", "failed", "it ended, but a process that it started holds its stdout open"),
        ("chatty", "failed", "`ready` instead of silence"),
        ("truncate-meter", "failed", "meter"),
        ("wild-meter", "invalid", "more ticks than the one before it"),
        ("extra-line", "failed", "a line after its `final`"),
        ("hang", "failed", "did not"),
    ];
    let clients: Vec<String> = faults.iter().map(|(fault, ..)| room.faulty(fault)).collect();
    let light = room.light();
    let mut args = vec!["--workload", light.as_str()];
    for client in &clients {
        args.extend(["--client", client]);
    }
    let compared = room.compare(&args);
    assert_eq!(compared.code, 1, "{}", compared.stderr);
    for (fault, verdict, expected) in faults {
        let row = compared.row(fault);
        match verdict {
            "measured" => assert!(common::is_measured(row), "{row}"),
            verdict => assert_eq!(row["verdict"], verdict, "{row}"),
        }
        let reason = common::reason(row);
        assert!(reason.contains(expected), "{fault}: {reason}");
    }
    let rounds = std::fs::read_to_string(compared.campaign.join("rounds.jsonl")).unwrap();
    let all = faults.len() + 1; // and the control's
    assert_eq!(rounds.lines().count(), all, "every round is kept, whatever its verdict");
    let remarks = common::remarks(compared.row("lingers"));
    assert!(!remarks.contains("left behind"), "it was in the client's group: {remarks}");
    let remarks = common::remarks(compared.row("daemon"));
    assert!(remarks.contains("left behind: 1 of its processes"), "{remarks}");
    assert_eq!(room.processes(), Vec::<i32>::new(), "whatever they had started has ended");
}

/// Ticks that wait for a slow client come in batches, and so do ticks of a flood.
#[test]
fn a_clock_reading_per_read_fails_the_audit() {
    let room = Room::new();
    let client = room.faulty("stamp-per-read");
    let slow = "rate_per_s = 5000\nwork_ns = 250000\nrank_by = \"response_p99\"";
    let slow = room.workload("slow", slow);
    let compared = room.compare(&["--client", &client, "--workload", &slow]);
    let row = compared.row("stamp-per-read");
    assert_eq!(row["verdict"], "invalid", "{row}");
    let reason = common::reason(row);
    assert!(reason.contains("stamps that ticks share"), "{reason}");
    let sound = room.faulty("none");
    let compared = Room::new().compare(&["--client", &sound, "--workload", &slow]);
    assert!(common::is_measured(compared.row("none")), "{}", compared.row("none"));
}

/// SIGSTOP, and SIGCONT two seconds later: what arrives meanwhile waits, is then processed, and
/// shows in the latencies.
#[test]
fn a_stopped_client_continues_with_the_ticks_that_waited() {
    let room = Room::new();
    let (paused, light) = (room.faulty("paused"), room.light());
    let args = ["--client", &paused, "--workload", &light, "--seconds", "4"];
    let compared = room.compare(&args);
    let row = compared.row("paused");
    assert!(common::is_measured(row), "{row}");
    assert!(common::remarks(row).contains("stall: it processed nothing for"), "{row}");
    // A tick that was still waiting at the end has a lower bound.
    let max = &row["response_ns"]["max"];
    let max_ns = max.as_u64().or_else(|| max["at_least"].as_u64()).unwrap();
    assert!(max_ns > 1_900_000_000, "{row}");
}

/// A client that stalls once, for whatever reason, breaks no rule: the stall shows in its remarks
/// and latencies.
#[test]
fn a_stall_is_a_remark_and_does_not_fail_the_audit() {
    let room = Room::new();
    let (stalled, light) = (room.faulty("stall-once"), room.light());
    let args = ["--client", &stalled, "--workload", &light, "--seconds", "1.6"];
    let compared = room.compare(&args);
    let row = compared.row("stall-once");
    assert!(common::is_measured(row), "{row}");
    assert!(common::remarks(row).contains("stall: it processed nothing for"), "{row}");
    assert!(row["response_ns"]["max"].as_u64().unwrap() > 200_000_000, "{row}");
}
