//! The conformance cases detect each fault of the faulty client, and pass it without a fault.

use client_kit::testing::Program;
use conformance::{CASES, Candidate, Case, Claims, Finding, Pace};
use contract::Class;

/// Plays a case with the faulty client, built in the directory above that of the tests.
fn play(case: &Case, fault: &str) -> Finding {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/faulty");
    let args = ["--fault", fault];
    let program = Program { path: path.to_str().unwrap(), args: &args, dir: None, env: &[] };
    let claims = Claims { name: "faulty".to_owned(), class: Class::Library };
    case.play(&Candidate { program, claims: &claims, keeper: &() })
}

fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap()
}

#[test]
fn a_client_without_a_fault_passes() {
    // It opens one connection only.
    let played = |case: &&Case| case.pace != Pace::Long && !case.name.contains("connections");
    for case in CASES.iter().filter(played) {
        assert_eq!(play(case, "none"), Finding::Passed, "{}", case.name);
    }
}

#[test]
fn every_fault_is_detected() {
    let faults = [
        ("gap", "its final says received"),
        ("double-count", "its final says received"),
        ("crash", "ended (exit code 3)"),
        ("early-exit", "ended (exit code 0)"),
        ("disconnect", "no pong"),
        ("chatty", "instead of its report"),
        ("truncate-meter", "ended (killed by SIGBUS)"),
        ("checksum", "its final says checksum"),
        ("wrong-samples", "planned ones"),
        ("wrong-version", "contract version 3"),
        ("unknown-key", "not a contract line"),
        ("oversized", "a contract line is longer"),
        ("not-json", "not a contract line"),
        ("extra-line", "another line after its `final`"),
        ("process-before-receive", "processed before it was received"),
        ("answer-some", "planned ones"),
        ("claim-more", "its final says received"),
    ];
    for (fault, message) in faults {
        match play(case("binary"), fault) {
            Finding::Failed(why) => assert!(why.contains(message), "{fault}: {why}"),
            other => panic!("{fault}: {other:?}"),
        }
    }
    for (name, fault, message) in [
        ("stamps", "stamp-future", "processed after its report"),
        ("stamps-in-a-batch", "stamp-per-read", "stamped as processed sooner"),
    ] {
        match play(case(name), fault) {
            Finding::Failed(why) => assert!(why.contains(message), "{why}"),
            other => panic!("{fault}: {other:?}"),
        }
    }
}

/// No other case asks for a stamp of each tick's own.
#[test]
fn a_clock_reading_per_read_passes_the_case_of_the_stamps() {
    assert_eq!(play(case("stamps"), "stamp-per-read"), Finding::Passed);
}
