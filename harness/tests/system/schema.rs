//! The committed schemas are those of the types, and describe the files that are written.

use crate::common::{self, Room};
use bench_archive::campaign::SCHEMA;
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
    let mut checked = 0;
    for dir in common::published() {
        let campaign = read(&dir.join("campaign.json"));
        if campaign["schema"] == SCHEMA {
            common::valid("campaign.schema.json", &campaign);
            checked += 1;
        }
    }
    assert!(checked >= 1, "no published campaign has schema {SCHEMA}");
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

    let floor =
        campaign["rows"].as_array().unwrap().iter().position(|row| row["client"] == "floor");
    let row = format!("/rows/{}", floor.unwrap());
    let cases: [(&str, Value); 14] = [
        ("/schema", json!(SCHEMA + 1)),
        ("/schema", json!(SCHEMA - 1)),
        ("/contract", json!(contract::VERSION + 1)),
        ("/started", json!("yesterday")),
        ("/colour", json!(1)),
        (&format!("{row}/colour"), json!(1)),
        (&format!("{row}/verdict"), json!("fine")),
        (&format!("{row}/verdicts/fine"), json!(1)),
        (&format!("{row}/intervals/processed_per_s"), json!([1.0])),
        (&format!("{row}/response_ns/p99"), json!({ "at_most": 5 })),
        (&format!("{row}/response_ns/p99"), json!(5.5)),
        (&format!("{row}/reasons"), json!([{ "code": "tired" }])),
        ("/machine/host", json!(null)),
        ("/workloads/0/rate_per_s", json!("fast")),
    ];
    for (place, value) in cases {
        common::invalid("campaign.schema.json", &campaign, place, &value);
    }
    common::invalid("report.schema.json", &compared.report, "/schema", &json!(SCHEMA + 1));
    let validator = common::validator("campaign.schema.json");
    for key in ["rows", "seed", "machine", "status"] {
        let mut changed = campaign.clone();
        changed.as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&changed), "without {key}");
    }
}
