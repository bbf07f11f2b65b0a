//! Published findings, computed again from their rounds.

use crate::data::Data;
use crate::files::{DATA, OBJECT, RUN, SCHEMA};
use crate::findings::{self, Findings, Run};
use crate::{read, saved};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The newest run that was published without its stamps.
fn published() -> PathBuf {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
    let dirs = results.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let lacks_stamps = |dir: &PathBuf| {
        let mut experiments = dir.read_dir().unwrap().map(|entry| entry.unwrap().path());
        !experiments.any(|experiment| experiment.join("journeys").exists())
    };
    let runs = dirs.filter(|dir| dir.join(OBJECT).exists());
    runs.filter(lacks_stamps).max().unwrap()
}

fn object(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join(OBJECT)).unwrap()).unwrap()
}

/// Its data, and its findings without what needs stamps.
fn computed(dir: &Path) -> (Data, Findings) {
    let data = Data::parse(&fs::read_to_string(dir.join(DATA)).unwrap()).unwrap();
    let run: Run = serde_json::from_slice(&fs::read(dir.join(RUN)).unwrap()).unwrap();
    let (experiments, lack_stamps) = read::experiments(dir, &data, &run).unwrap();
    assert!(lack_stamps);
    let found = findings::of(&data, &run, &experiments);
    (data, found)
}

/// The places of all values that are neither objects nor lists.
fn leaves(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| leaves(value, &format!("{place}/{key}"))).collect()
        }
        Value::Array(all) => {
            let each = all.iter().enumerate();
            each.flat_map(|(index, value)| leaves(value, &format!("{place}/{index}"))).collect()
        }
        _ => vec![place.to_owned()],
    }
}

/// Another value, of the same kind.
fn altered(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!(number.as_f64().unwrap() * 1.001 + 1e-3),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::Bool(is) => json!(!is),
        Value::String(text) => json!(match text.as_str() {
            "ok" => "overloaded",
            "overloaded" => "ok",
            "holds" => "does-not-hold",
            "does-not-hold" => "cannot-tell",
            "cannot-tell" => "holds",
            // A figure in a sentence.
            text if text.contains(" k/s") => return json!(text.replacen(" k/s", "1 k/s", 1)),
            text => return json!(format!("{text}.")),
        }),
        _ => json!(1),
    }
}

/// Whether a value of `classic.json` cannot be computed without stamps.
fn needs_stamps(data: &Data, place: &str) -> bool {
    let mut parts = place.split('/').skip(1);
    let number = |part: Option<&str>| part.unwrap().parse::<usize>().unwrap();
    match parts.next() {
        Some("claims") => {
            let claim = &data.claims[number(parts.next())];
            parts.next() == Some("findings") && claim.checks[number(parts.next())].needs_stamps()
        }
        _ => place.ends_with("/older/latency_ms"),
    }
}

#[test]
fn every_saved_value_that_needs_no_stamps_is_computed_again() {
    let dir = published();
    let (data, found) = computed(&dir);
    let sound = object(&dir);
    let settled = saved::settle(&data, found.clone(), &sound).unwrap();
    assert_eq!(serde_json::to_value(&settled).unwrap(), sound);
    let (mut refused, mut kept) = (0, 0);
    for place in leaves(&sound, "") {
        let mut changed = sound.clone();
        let value = changed.pointer_mut(&place).unwrap();
        *value = altered(value);
        let result = saved::settle(&data, found.clone(), &changed);
        match needs_stamps(&data, &place) {
            true => kept += 1,
            false => {
                assert!(result.is_err(), "{place}: {}", changed.pointer(&place).unwrap());
                refused += 1;
            }
        }
    }
    assert!(refused > 10 * kept && kept > 0, "{refused} and {kept}");
    for list in ["/claims", "/experiments", "/experiments/0/rows", "/claims/0/findings"] {
        let mut changed = sound.clone();
        changed.pointer_mut(list).unwrap().as_array_mut().unwrap().pop().unwrap();
        let why = saved::settle(&data, found.clone(), &changed).unwrap_err();
        assert!(why.contains(list), "{why}");
    }
}

#[test]
fn an_altered_figure_in_a_run_without_stamps_is_found() {
    let (from, room) = (published(), tempfile::tempdir().unwrap());
    for item in from.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        let to = room.path().join(item.file_name().unwrap());
        if item.is_file() {
            fs::copy(&item, to).unwrap();
            continue;
        }
        fs::create_dir(&to).unwrap();
        for name in ["campaign.json", "rounds.jsonl"] {
            fs::copy(item.join(name), to.join(name)).unwrap();
        }
    }
    let sound = fs::read_to_string(room.path().join(OBJECT)).unwrap();
    let found = read(room.path()).unwrap();
    assert_eq!(serde_json::to_string_pretty(&found).unwrap() + "\n", sound);
    let refused = |place: &str, value: Value| {
        let mut changed = object(&from);
        *changed.pointer_mut(place).unwrap() = value;
        fs::write(room.path().join(OBJECT), changed.to_string()).unwrap();
        format!("{:#}", read(room.path()).unwrap_err())
    };
    let place = "/experiments/0/rows/0/ours/processed_per_s";
    let error = refused(place, json!(500_000.0));
    assert!(error.contains(OBJECT) && error.contains(&format!("give at {place}: ")), "{error}");
    let error = refused("/schema", json!(SCHEMA + 1));
    assert!(error.contains(&format!("has schema {}", SCHEMA + 1)), "{error}");
    let error = refused("/claims", json!("none"));
    assert!(error.contains("is damaged"), "{error}");
    fs::write(room.path().join(OBJECT), &sound[..sound.len() / 2]).unwrap();
    let error = format!("{:#}", read(room.path()).unwrap_err());
    assert!(error.contains("is damaged"), "{error}");
}
