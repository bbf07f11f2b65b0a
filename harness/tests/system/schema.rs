//! The committed schemas are those of the types, and describe the files that are written.

use crate::common::{self, Room};
use harness::schemas::{self, DEFINITIONS};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    for named in schemas::all() {
        assert!(
            common::schema(&named.file) == named.schema,
            "{} is outdated: run `cargo run -p harness --example schemas`",
            named.file
        );
        assert!(jsonschema::meta::is_valid(&named.schema), "{}", named.file);
    }
}

/// Every object lists all of its keys, and describes each of them.
#[test]
fn definitions_describe_every_key() {
    check(&common::schema(DEFINITIONS), "");
}

fn check(schema: &Value, place: &str) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let is_strict = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|key| schema.get(*key).is_some());
        assert!(is_strict, "{place}");
        for (key, property) in properties {
            let is_described = property.get("description").is_some()
                || property.get("$ref").is_some()
                || property.get("const").is_some();
            // The fields of a message are described by the message.
            let is_message = schema["properties"].get("code").is_some()
                || (properties.len() == 1 && schema.get("description").is_some());
            assert!(is_described || is_message, "{place}: {key} has no description");
        }
    }
    match schema {
        Value::Object(map) => map.iter().for_each(|(k, v)| check(v, &format!("{place}/{k}"))),
        Value::Array(all) => all.iter().for_each(|value| check(value, place)),
        _ => {}
    }
}

/// Older campaigns have older schemas.
#[test]
fn published_campaigns_of_this_schema_are_valid() {
    for dir in common::published() {
        let campaign = read(&dir.join("campaign.json"));
        if campaign["schema"] == bench_archive::campaign::SCHEMA {
            common::valid("campaign.schema.json", &campaign);
        }
    }
}

#[test]
fn a_new_campaign_and_its_report_are_valid_and_changed_ones_are_not() {
    let room = Room::new();
    let script = room.script("mute", "exit 3");
    let burst = room.workload(
        "burst",
        "rate_per_s = 3000\nburst = { to_per_s = 20000, every_ms = 100, for_ms = 20 }\nrank_by = \"response_p99\"",
    );
    let compared =
        room.compare(&["floor", "--client", &script, "--workload", &room.light(), &burst]);
    let campaign = read(&compared.campaign.join("campaign.json"));
    common::valid("campaign.schema.json", &campaign);
    assert_eq!(campaign["rows"].as_array().unwrap().len(), 4);
    common::valid("report.schema.json", &compared.report);

    let validator = common::validator("campaign.schema.json");
    let floor =
        campaign["rows"].as_array().unwrap().iter().position(|row| row["client"] == "floor");
    let row = format!("/rows/{}", floor.unwrap());
    let cases: [(&str, Value); 8] = [
        ("/colour", json!(1)),
        (&format!("{row}/colour"), json!(1)),
        (&format!("{row}/verdict"), json!("fine")),
        (&format!("{row}/response_ns/p99"), json!({ "at_most": 5 })),
        (&format!("{row}/response_ns/p99"), json!(5.5)),
        (&format!("{row}/reasons"), json!([{ "code": "tired" }])),
        ("/machine/host", json!(null)),
        ("/workloads/0/rate_per_s", json!("fast")),
    ];
    for (place, value) in cases {
        let mut changed = campaign.clone();
        let (parent, key) = place.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        assert!(!validator.is_valid(&changed), "{place}");
    }
    for key in ["rows", "seed", "machine", "status"] {
        let mut changed = campaign.clone();
        changed.as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&changed), "without {key}");
    }
}
