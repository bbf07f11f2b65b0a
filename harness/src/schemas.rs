//! JSON Schemas of the objects that other programs read, generated from their types. The
//! committed files in `harness/schema` are compared with them; `cargo run --example schemas`
//! writes them.

use crate::cmd::check;
use bench_archive::campaign::Campaign;
use bench_publish::compare::diff::Diff;
use bench_publish::json::{CapacityReport, Report};
use bench_publish::report::data::Charts;
use classic::Findings;
use schemars::Schema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

/// The base of the schemas' identifiers; nothing is fetched from there.
const BASE: &str = "https://tick-bench.invalid/schema/";
const META: &str = "https://json-schema.org/draft/2020-12/schema";
/// The file with the definitions that the others refer to.
pub const DEFINITIONS: &str = "definitions.schema.json";

/// A schema with its file name.
#[derive(Debug)]
pub struct Named {
    /// The file in `harness/schema`.
    pub file: String,
    /// Its content.
    pub schema: Value,
}

/// All schemas, the definitions last.
#[must_use]
pub fn all() -> Vec<Named> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    let of = [
        ("campaign", "campaign.json", generator.subschema_for::<Campaign>()),
        ("report", "compare --json and sweep --json", generator.subschema_for::<Report<'_>>()),
        ("capacity", "capacity --json", generator.subschema_for::<CapacityReport<'_>>()),
        ("check", "check --json", generator.subschema_for::<check::Report>()),
        ("charts", "charts.json", generator.subschema_for::<Charts>()),
        ("classic", "classic.json", generator.subschema_for::<Findings>()),
        ("diff", "diff --format json", generator.subschema_for::<Diff>()),
    ];
    let mut all: Vec<Named> =
        of.into_iter().map(|(name, title, schema)| root(name, title, &schema)).collect();
    all.push(definitions(&mut generator));
    all
}

/// A file that refers to one definition.
fn root(name: &str, title: &str, schema: &Schema) -> Named {
    let file = format!("{name}.schema.json");
    let reference = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let schema = json!({
        "$schema": META,
        "$id": format!("{BASE}{file}"),
        "title": format!("The object of Tick Bench's {title}"),
        "$ref": format!("{DEFINITIONS}{reference}"),
    });
    Named { file, schema }
}

fn definitions(generator: &mut SchemaGenerator) -> Named {
    let strict = |(name, mut schema): (String, Value)| {
        if let Ok(schema) = <&mut Schema>::try_from(&mut schema) {
            RecursiveTransform(only_known_keys).transform(schema);
        }
        (name, schema)
    };
    let all: Map<String, Value> =
        generator.take_definitions(true).into_iter().map(strict).collect();
    let schema = json!({ "$schema": META, "$id": format!("{BASE}{DEFINITIONS}"), "$defs": all });
    Named { file: DEFINITIONS.to_owned(), schema }
}

/// Every object has only the keys that are listed, so that a new key changes its schema.
fn only_known_keys(schema: &mut Schema) {
    let composed = ["oneOf", "anyOf", "allOf", "$ref"].iter().any(|key| schema.get(*key).is_some());
    if schema.get("properties").is_none() || schema.get("additionalProperties").is_some() {
        return;
    }
    let key = if composed { "unevaluatedProperties" } else { "additionalProperties" };
    schema.insert(key.into(), Value::Bool(false));
}
