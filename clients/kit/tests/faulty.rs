//! The scenarios see each fault that the faulty client can play, and let it
//! pass when it plays none.

use client_kit::testing::{Program, scenarios};
use std::panic::catch_unwind;

/// Built with the tests, beside their own folder.
fn program(fault: &'static str) -> Program<'static> {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/faulty");
    let path: &'static str = path.to_str().unwrap().to_owned().leak();
    Program { path, args: vec!["--fault", fault].leak() }
}

#[test]
fn a_proper_client_passes() {
    let proper = program("none");
    scenarios::delivers_binary(proper);
    scenarios::delivers_classic_json(proper);
    scenarios::counts_irregular_seqs(proper);
    scenarios::counts_what_is_no_tick(proper);
    scenarios::reports_a_vanished_server(proper);
    scenarios::stops_while_the_server_is_silent(proper);
    scenarios::stops_during_a_flood(proper);
    scenarios::refuses_a_bad_plan(proper);
}

#[test]
fn every_fault_is_seen() {
    let faults = [
        "gap",
        "double-count",
        "crash",
        "early-exit",
        "disconnect",
        "chatty",
        "truncate-meter",
        "checksum",
        "wrong-samples",
        "wrong-version",
        "unknown-key",
        "oversized",
        "not-json",
        "extra-line",
    ];
    for fault in faults {
        let passed = catch_unwind(|| scenarios::delivers_binary(program(fault))).is_ok();
        assert!(!passed, "nobody noticed `{fault}`");
    }
}
