//! A workload's policy for slow consumers: its key in a file, and how it is shown. Pure.

use crate::text::units;
use crate::text::units::Written;
use contract::{Policy, SlowConsumer};
use serde::{Deserialize, Deserializer, de::Error};

/// `slow_consumer` in a workload file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    policy: Policy,
    bytes: Option<Written>,
    ms: Option<Written>,
}

/// Reads the key, its limits as numbers or as text with a unit.
///
/// # Errors
/// When it is invalid.
pub fn from_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SlowConsumer>, D::Error> {
    let Some(shape) = Option::<Shape>::deserialize(from)? else { return Ok(None) };
    let limit = |key: &str, limit: Option<Written>, read: fn(&str) -> Result<u64, String>| {
        let number = limit.map(|written| written.number(read)).transpose();
        number.map_err(|error| D::Error::custom(format!("{key}: {error}")))
    };
    Ok(Some(SlowConsumer {
        policy: shape.policy,
        bytes: limit("bytes", shape.bytes, units::bytes)?,
        ms: limit("ms", shape.ms, units::whole_ms)?,
    }))
}

/// `drop-oldest beyond 64.0 KiB or 50 ms`.
#[must_use]
pub fn describe(slow: &SlowConsumer) -> String {
    let limits = [slow.bytes.map(units::shown_bytes), slow.ms.map(|ms| format!("{ms} ms"))];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    match limits.is_empty() {
        true => slow.policy.to_string(),
        false => format!("{} beyond {}", slow.policy, limits.join(" or ")),
    }
}
