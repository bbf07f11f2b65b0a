//! The page and the types agree: every example on it parses, in the order of the
//! page, and its offsets are those of the meter.

use contract::meter::{MAGIC, METER_BYTES, Meter, MeterFile, Slot};
use contract::{FromClient, FromServer, LineError, Lines, ToClient, ToServer, parse, write};
use serde::Serialize;
use serde::de::DeserializeOwned;

const PAGE: &str = include_str!("../README.md");

fn examples() -> Vec<&'static str> {
    PAGE.split("```json\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap_or("").lines())
        .collect()
}

/// Parses one example and writes it again: the same JSON has to come out.
fn round_trip<T: DeserializeOwned + Serialize>(line: &str) -> Result<(), String> {
    let value: T = parse(line).map_err(|e| e.to_string())?;
    let again: serde_json::Value = serde_json::to_value(&value).unwrap();
    let given: serde_json::Value = serde_json::from_str(line).unwrap();
    (again == given).then_some(()).ok_or(format!("{again} is not {given}"))
}

/// Parses one line as its own type.
type Check = fn(&str) -> Result<(), String>;

#[test]
fn every_example_is_a_line_of_the_contract() {
    let checks: [Check; 20] = [
        round_trip::<ToClient>,
        round_trip::<ToClient>,
        round_trip::<FromClient>,
        round_trip::<FromClient>,
        round_trip::<FromClient>,
        round_trip::<ToClient>,
        round_trip::<FromClient>,
        round_trip::<FromClient>,
        round_trip::<ToServer>,
        round_trip::<ToServer>,
        round_trip::<ToServer>,
        round_trip::<ToServer>,
        round_trip::<ToServer>,
        round_trip::<FromServer>,
        round_trip::<FromServer>,
        round_trip::<FromServer>,
        round_trip::<FromServer>,
        round_trip::<FromServer>,
        round_trip::<FromServer>,
        round_trip::<FromServer>,
    ];
    let examples = examples();
    assert_eq!(examples.len(), checks.len());
    for (line, check) in examples.into_iter().zip(checks) {
        check(line).unwrap_or_else(|e| panic!("{line}\n{e}"));
    }
}

#[test]
fn the_page_names_the_version_and_the_offsets() {
    assert!(PAGE.starts_with(&format!("# The contract, version {}", contract::VERSION)));
    assert!(PAGE.contains(std::str::from_utf8(&MAGIC).unwrap()));
    assert!(PAGE.contains(&format!("A file of {METER_BYTES} bytes")));
    assert!(PAGE.contains(&format!("| {} | received |", Slot::RECEIVED.offset())));
    assert!(PAGE.contains(&format!("| {} | processed |", Slot::PROCESSED.offset())));
    for (slot, name) in [
        (Slot::GENERATED, "generated"),
        (Slot::WRITTEN, "written"),
        (Slot::ACKNOWLEDGED, "acknowledged"),
        (Slot::CONFIRMED, "confirmed"),
        (Slot::WRITTEN_BYTES, "written bytes"),
        (Slot::BLOCKED_NS, "blocked ns"),
        (Slot::SPUN_NS, "spun ns"),
        (Slot::LOG_BYTES, "bytes in the log"),
        (Slot::DROPPED, "dropped"),
    ] {
        assert!(PAGE.contains(&format!("{} {name}", slot.offset())), "{name}");
    }
}

#[test]
fn unknown_and_missing_keys_are_errors() {
    let surplus = parse::<ToClient>(r#"{"type":"stop","now":true}"#).unwrap_err();
    assert!(surplus.to_string().contains("unknown field `now`"), "{surplus}");
    let missing = parse::<FromServer>(r#"{"type":"listening"}"#).unwrap_err();
    assert!(missing.to_string().contains("missing field `url`"), "{missing}");
    let strange = parse::<FromClient>(r#"{"type":"progress"}"#).unwrap_err();
    assert!(strange.to_string().contains("unknown variant `progress`"), "{strange}");
    let prose = parse::<FromClient>("connected!").unwrap_err();
    assert!(prose.to_string().contains("begins `connected!`"), "{prose}");
}

/// Found by the fuzzer: the parser quotes what it did not expect.
#[test]
fn an_error_is_one_short_line_whatever_the_line_says() {
    let long = "x".repeat(contract::MAX_LINE_BYTES / 2);
    for name in ["st\\rt", "\\u001b[2J", "a\\nb", long.as_str()] {
        let error = parse::<ToClient>(&format!("{{\"type\":\"{name}\"}}")).unwrap_err().to_string();
        assert!(error.len() < 1000 && !error.chars().any(char::is_control), "{error:?}");
        assert!(error.contains("unknown variant"), "{error}");
    }
}

#[test]
fn another_version_is_reported_first() {
    let line = r#"{"type":"hello","contract":1,"colour":"blue"}"#;
    let error = parse::<FromClient>(line).unwrap_err();
    assert!(matches!(error, LineError::Version { theirs: 1 }));
    assert_eq!(error.to_string(), "contract version 1, but this program speaks version 2");
}

#[test]
fn lines_are_bounded() {
    let mut endless = Lines::new(std::io::BufReader::new(std::io::repeat(b'x')));
    assert!(matches!(endless.next_text(), Err(LineError::TooLong)));
    let mut two = Lines::new("{\"type\":\"stop\"}\n{\"type\":\"stop\"}".as_bytes());
    assert_eq!(two.next_line().unwrap(), Some(ToClient::Stop(contract::Empty {})));
    assert_eq!(two.next_line().unwrap(), Some(ToClient::Stop(contract::Empty {})));
    assert_eq!(two.next_line::<ToClient>().unwrap(), None);
}

#[test]
fn a_full_samples_line_fits() {
    let row = [u64::MAX; 3];
    let samples =
        contract::Samples { connection: 9999, rows: vec![row; contract::SAMPLES_PER_LINE] };
    let mut line = Vec::new();
    write(&mut line, &FromClient::Samples(samples)).unwrap();
    let fresh = contract::Fresh { seqs: vec![u64::MAX; contract::SAMPLES_PER_LINE] };
    assert!(line.len() <= contract::MAX_LINE_BYTES);
    line.clear();
    write(&mut line, &FromServer::Fresh(fresh)).unwrap();
    assert!(line.len() <= contract::MAX_LINE_BYTES);
    let ranges = vec![[u64::MAX; 2]; contract::SAMPLES_PER_LINE];
    line.clear();
    write(&mut line, &FromServer::Dropped(contract::Dropped { connection: 9999, ranges })).unwrap();
    assert!(line.len() <= contract::MAX_LINE_BYTES);
}

#[test]
fn a_meter_shows_what_was_stored() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("client.meter");
    let outside = MeterFile::create(&path, 1).unwrap();
    let inside = Meter::open(&path, 1).unwrap();
    inside.set(Slot::RECEIVED, 7);
    inside.set(Slot::PROCESSED, 5);
    assert_eq!(outside.read(Slot::RECEIVED).unwrap(), 7);
    assert_eq!(outside.read(Slot::PROCESSED).unwrap(), 5);

    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    assert!(outside.read(Slot::RECEIVED).is_err());
    assert!(Meter::open(&path, 1).is_err());
}
