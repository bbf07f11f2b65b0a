//! A workload's policy for slow consumers, and which keys it contradicts. Pure.

use crate::load::workload::Workload;
use crate::text::units;
use crate::text::units::Written;
use anyhow::{Result, bail};
use contract::{Policy, SlowConsumer};
use serde::{Deserialize, Deserializer, de::Error};
use tick::Format;

/// The highest number of threads of a server.
const MOST_THREADS: usize = 64;

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

/// Checks that a workload's policy and threads are compatible with its load.
///
/// # Errors
/// What is not, and how to fix it, in one line.
pub fn check(workload: &Workload) -> Result<()> {
    threads(workload)?;
    let Some(slow) = &workload.slow_consumer else { return Ok(()) };
    let policy = slow.policy;
    let has_limit = slow.bytes.is_some() || slow.ms.is_some();
    if slow.bytes == Some(0) || slow.ms == Some(0) {
        bail!("slow_consumer: with a limit of 0 every consumer is behind: give at least 1");
    }
    if matches!(policy, Policy::Queue | Policy::Block) {
        if has_limit {
            bail!("slow_consumer: {policy} has no limit: omit bytes and ms");
        }
    } else if !has_limit {
        bail!("slow_consumer: {policy} needs a limit: give bytes or ms, or both");
    }
    if policy != Policy::Queue && workload.is_flood() {
        bail!("slow_consumer: under a flood no consumer is behind: give a rate, or omit {policy}");
    }
    if policy.is_lossy() && matches!(workload.format, Format::ClassicBinary | Format::ClassicJson) {
        bail!(
            "slow_consumer: ticks of format {} have no seq, so what {policy} dropped could not be identified: choose binary or json",
            workload.format
        );
    }
    if policy == Policy::Block && workload.connections * workload.clients > 1 {
        bail!(
            "slow_consumer: with block a consumer sets the pace, so there can be only one: set connections and clients to 1"
        );
    }
    Ok(())
}

fn threads(workload: &Workload) -> Result<()> {
    let threads = workload.server_threads;
    if !(1..=MOST_THREADS).contains(&threads) {
        bail!("server_threads: {threads} is not between 1 and {MOST_THREADS}");
    }
    if threads > 1 && workload.is_flood() {
        bail!("server_threads: each thread would flood at its own pace: omit it, or give a rate");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<Workload> {
        let head = "name='x'\nwhy='w'\nread='r'\nrank_by='processed'\n";
        let workload: Workload = toml::from_str(&format!("{head}{lines}"))?;
        check(&workload)?;
        Ok(workload)
    }

    #[test]
    fn limits_have_units_and_are_numbers_in_json() {
        let lines = |slow: &str| format!("rate_per_s=5\nslow_consumer={slow}");
        let written = parse(&lines("{policy='drop-oldest',bytes='64KiB',ms='50ms'}")).unwrap();
        let plain = parse(&lines("{policy='drop-oldest',bytes=65536,ms=50}")).unwrap();
        assert_eq!(written, plain);
        assert_eq!(describe(&plain.slow_consumer.unwrap()), "drop-oldest beyond 64.0 KiB or 50 ms");
        let json = serde_json::to_value(&written).unwrap();
        assert_eq!(json["slow_consumer"]["bytes"], 65_536);
        assert_eq!(serde_json::from_value::<Workload>(json).unwrap(), written);
        for policy in ["queue", "block"] {
            let slow = parse(&lines(&format!("{{policy='{policy}'}}"))).unwrap().slow_consumer;
            assert_eq!(describe(&slow.unwrap()), policy);
        }
    }

    /// Workloads saved before there were policies stay equal to those of today.
    #[test]
    fn a_workload_without_a_policy_is_saved_without_its_keys() {
        let json = serde_json::to_value(parse("rate_per_s=5").unwrap()).unwrap();
        let keys = json.as_object().unwrap();
        assert!(!keys.contains_key("slow_consumer") && !keys.contains_key("server_threads"));
    }

    #[test]
    fn contradictory_keys_are_refused_in_one_line() {
        let rate = "rate_per_s=5\nslow_consumer=";
        for (lines, expected) in [
            (format!("{rate}{{policy='conflate'}}"), "conflate needs a limit"),
            (format!("{rate}{{policy='disconnect'}}"), "disconnect needs a limit"),
            (format!("{rate}{{policy='queue',ms=5}}"), "queue has no limit"),
            (format!("{rate}{{policy='block',bytes=5}}"), "block has no limit"),
            (format!("{rate}{{policy='drop-newest',ms=0}}"), "a limit of 0"),
            (format!("{rate}{{policy='drop-newest',ms='5us'}}"), "ms: `5us` is not a whole number"),
            (format!("{rate}{{policy='drop-newest',bytes='lots'}}"), "bytes: `lots` is not a size"),
            (format!("{rate}{{policy='drop-all',ms=5}}"), "unknown variant `drop-all`"),
            (format!("{rate}{{policy='block',colour=5}}"), "unknown field `colour`"),
            (
                "rate_per_s=5\nconnections=2\nslow_consumer={policy='block'}".into(),
                "only one: set connections and clients to 1",
            ),
            (
                "rate_per_s=5\nclients=2\nslow_consumer={policy='block'}".into(),
                "only one: set connections and clients to 1",
            ),
            (
                "rate_per_s='flood'\nslow_consumer={policy='drop-oldest',ms=5}".into(),
                "under a flood no consumer is behind",
            ),
            ("rate_per_s='flood'\nslow_consumer={policy='block'}".into(), "under a flood"),
            (
                "rate_per_s='flood'\nslow_consumer={policy='disconnect',ms=5}".into(),
                "under a flood",
            ),
            (
                "rate_per_s=5\nformat='classic-json'\nslow_consumer={policy='drop-oldest',ms=5}"
                    .into(),
                "format classic-json have no seq",
            ),
            ("rate_per_s=5\nserver_threads=0".into(), "server_threads: 0 is not between 1 and 64"),
            ("rate_per_s=5\nserver_threads=65".into(), "65 is not between"),
            ("rate_per_s='flood'\nserver_threads=2".into(), "flood at its own pace"),
        ] {
            let error = format!("{:#}", parse(&lines).unwrap_err());
            assert!(error.contains(expected), "{lines}: {error}");
        }
        parse("rate_per_s=5\nformat='classic-json'\nslow_consumer={policy='disconnect',ms=5}")
            .unwrap();
        parse("rate_per_s='flood'\nslow_consumer={policy='queue'}").unwrap();
        parse("rate_per_s=5\nserver_threads=64").unwrap();
    }
}
