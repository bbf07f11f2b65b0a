//! The schemas that are shipped describe the files that are written, and nothing else.

mod common;

use common::Room;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_schemas_are_schemas() {
    for name in
        ["campaign.schema.json", "report.schema.json", "check.schema.json", "classic.schema.json"]
    {
        let schema = common::schema(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        strict(&schema, name);
    }
}

/// Every object names all of its keys, and says what each of them is.
fn strict(schema: &Value, place: &str) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        assert_eq!(schema["additionalProperties"], false, "{place}");
        for (key, property) in properties {
            let told = property.get("description").is_some() || property.get("$ref").is_some();
            assert!(told, "{place}: {key} has no description");
        }
    }
    match schema {
        Value::Object(map) => map.iter().for_each(|(k, v)| strict(v, &format!("{place}/{k}"))),
        Value::Array(all) => all.iter().for_each(|value| strict(value, place)),
        _ => {}
    }
}

#[test]
fn every_published_campaign_is_valid() {
    for dir in common::published() {
        common::valid("campaign.schema.json", &read(&dir.join("campaign.json")));
    }
}

#[test]
fn a_fresh_campaign_and_its_report_are_valid() {
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
}

#[test]
fn reports_of_searches_are_valid() {
    let campaign = read(&common::published_of("capacity").join("campaign.json"));
    let report = json!({ "schema": 2, "rows": campaign["capacities"] });
    common::valid("report.schema.json", &report);
}

#[test]
fn what_drifts_is_found() {
    let validator = common::validator("campaign.schema.json");
    let compare = read(&common::published_of("compare").join("campaign.json"));
    let capacity = read(&common::published_of("capacity").join("campaign.json"));
    let cases: [(&Value, &str, Value); 12] = [
        (&compare, "/rows/0/colour", json!(1)),
        (&compare, "/colour", json!(1)),
        (&compare, "/rows/0/verdict", json!("fine")),
        (&compare, "/rows/0/response_ns/p99", json!({ "at_most": 5 })),
        (&compare, "/rows/0/response_ns/p99", json!(5.5)),
        (&compare, "/rows/0/intervals/processed_per_s", json!([1.0])),
        (&compare, "/rows/0/verdicts/fine", json!(1)),
        (&compare, "/schema", json!(3)),
        (&compare, "/machine/host", json!(null)),
        (&compare, "/started", json!("yesterday")),
        (&compare, "/workloads/0/rate_per_s", json!("fast")),
        (&capacity, "/capacities/0/probes/0/phase", json!("guess")),
    ];
    for (sound, place, value) in cases {
        let mut changed = sound.clone();
        let (parent, key) = place.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        assert!(validator.is_valid(sound) && !validator.is_valid(&changed), "{place}");
    }
    for key in ["rows", "seed", "machine", "status"] {
        let mut changed = compare.clone();
        changed.as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&changed), "without {key}");
    }
}
