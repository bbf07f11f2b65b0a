//! Workloads: one TOML file each.

use crate::load::policy;
use crate::text::units;
use crate::text::units::{Written, file};
use anyhow::{Result, bail};
use contract::{Policy, SlowConsumer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use tick::{Format, Schedule, Tape, Timetable};

/// The workloads of `compare` when none is named, in this order.
pub const DEFAULT: [&str; 3] = ["steady", "overload-500k", "flood"];

/// One workload, as its file defines it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The name by which it is selected and shown in tables.
    pub name: String,
    /// Why anyone should run it, in one line.
    pub why: String,
    /// How to read its table.
    pub read: String,
    /// The name of its group: workloads that are run together and compared in one table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The workload whose rate was varied to get this one ([`Workload::at_rate`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The wire format of ticks.
    #[serde(default)]
    #[schemars(with = "String")]
    pub format: Format,
    /// The offered load: the base rate of bursts, the first rate of a ramp, the mean rate
    /// of random gaps; absent where a recording is replayed.
    pub rate_per_s: Option<Rate>,
    /// Bursts above that rate.
    pub burst: Option<BurstShape>,
    /// A rate that changes linearly, from that rate.
    pub ramp: Option<RampShape>,
    /// Whether the gaps are random (exponentially distributed, seeded).
    #[serde(default)]
    pub poisson: bool,
    /// A CSV file of gaps to replay, beside the workload's own file.
    pub replay: Option<String>,
    /// Connections that each client process opens.
    #[serde(default = "one")]
    pub connections: usize,
    /// Client processes that run at once.
    #[serde(default = "one")]
    pub clients: usize,
    /// Whether socket buffers are autotuned or have the same size for all clients.
    #[serde(default)]
    pub buffers: Buffers,
    /// The metric that its table is about and sorted by.
    pub rank_by: RankBy,
    /// Busy work per tick in the client, in ns.
    #[serde(default)]
    pub work_ns: u64,
    /// The bound of bounded client queues, in ticks.
    #[serde(default = "default_queue_bound")]
    pub queue_bound: u64,
    /// `SO_RCVBUF` of the client; absent: autotuning.
    #[serde(default, deserialize_with = "file::buffer")]
    pub receive_buffer_bytes: Option<u32>,
    /// `SO_SNDBUF` of the server; absent: autotuning.
    #[serde(default, deserialize_with = "file::buffer")]
    pub send_buffer_bytes: Option<u32>,
    /// `TCP_CONGESTION` of the server's end of each connection; null: the machine's default,
    /// `"inherit"` in a file, where an absent key means `cubic`.
    pub congestion: Option<String>,
    /// The resident memory at which a client with an unbounded queue stops, in bytes.
    #[serde(default = "default_memory_ceiling_bytes", deserialize_with = "file::size")]
    pub memory_ceiling_bytes: u64,
    /// A tick that is generated later than this after its due time is late, in ms; a round
    /// with more than 1 % of late ticks is invalid.
    #[serde(default = "default_on_time_ms", deserialize_with = "file::millis")]
    pub on_time_ms: u64,
    /// The size of the server's log at which a round ends, in bytes.
    #[serde(default = "default_log_ceiling_bytes", deserialize_with = "file::size")]
    pub log_ceiling_bytes: u64,
    /// What the server does about a consumer that falls behind; absent: everything waits
    /// for it, up to `log_ceiling_bytes`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "policy::from_file"
    )]
    pub slow_consumer: Option<SlowConsumer>,
    /// Threads over which the server spreads its connections.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub server_threads: usize,
    /// Whether the connections use TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
    /// One tick in this many is stamped, from the first on; absent: a prime that gives
    /// about as many samples as the campaign asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_stride: Option<u64>,
    /// The recording that it replays, once loaded.
    #[serde(skip)]
    pub tape: Option<Recording>,
}

/// A recording and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its file, which the server reads too.
    pub path: PathBuf,
    /// Its ticks, parsed.
    pub tape: Arc<Tape>,
}

/// `burst` in a workload file: each period begins with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurstShape {
    /// Ticks per second within the burst.
    #[serde(deserialize_with = "file::per_s")]
    pub to_per_s: u64,
    /// From the beginning of a burst to that of the next, in ms.
    #[serde(deserialize_with = "file::millis")]
    pub every_ms: u64,
    /// How long a burst lasts, in ms.
    #[serde(deserialize_with = "file::millis")]
    pub for_ms: u64,
}

/// `ramp` in a workload file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RampShape {
    /// Ticks per second at the end.
    #[serde(deserialize_with = "file::per_s")]
    pub to_per_s: u64,
    /// The time until that rate is reached, in ms.
    #[serde(deserialize_with = "file::millis")]
    pub over_ms: u64,
}

/// `buffers` in a workload file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Buffers {
    /// The kernel's autotuning, as most users have it.
    #[default]
    Default,
    /// The same `SO_SNDBUF` and `SO_RCVBUF` for all, which switches autotuning
    /// off: [`MATCHED_BYTES`] unless the workload gives other sizes.
    Matched,
}

/// A buffer size that any Linux grants without privileges (the defaults of
/// `net.core.rmem_max` and `wmem_max`).
pub const MATCHED_BYTES: u32 = 212_992;

fn one() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_one(count: &usize) -> bool {
    *count == 1
}

/// `rate_per_s` in a workload file: a number, a rate such as `"500k"`, or
/// `"flood"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(untagged, try_from = "Written")]
#[schemars(!try_from)]
pub enum Rate {
    /// Ticks per second.
    PerSecond(u64),
    /// As fast as the connection takes them.
    Flood(Flood),
}

/// The word `flood`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flood {
    /// As fast as the connection takes them.
    Flood,
}

impl TryFrom<Written> for Rate {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Text(text) if text == "flood" => Ok(Self::Flood(Flood::Flood)),
            written => written
                .number(units::rate)
                .map(Self::PerSecond)
                .map_err(|error| format!("{error}, nor \"flood\"")),
        }
    }
}

/// What a workload's table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankBy {
    /// The typical p99 of the response time: lowest is best.
    TypicalP99,
    /// The growth of the backlog: lowest is best; then the typical p99 of the response time.
    KeepingUp,
    /// The p99 of the response time over the whole window: lowest is best. Pauses of the machine
    /// decide it in short rounds.
    ResponseP99,
    /// The growth of the backlog: lowest is best; then the p99 of the response time.
    BacklogGrowth,
    /// The processed rate: highest is best.
    Processed,
    /// The p99 of the age of the newest value of each symbol: lowest is best.
    Staleness,
}

impl RankBy {
    /// Whether it ranks by who keeps up: all that do are equally good.
    #[must_use]
    pub fn is_keeping_up(self) -> bool {
        matches!(self, Self::KeepingUp | Self::BacklogGrowth)
    }
}

fn default_queue_bound() -> u64 {
    65_536
}

fn default_memory_ceiling_bytes() -> u64 {
    4 << 30
}

fn default_on_time_ms() -> u64 {
    5
}

fn default_log_ceiling_bytes() -> u64 {
    1 << 30
}

impl Workload {
    /// Its schedule; `seed` is that of random gaps.
    ///
    /// # Errors
    /// When keys contradict each other.
    pub fn schedule(&self, seed: u64) -> Result<Schedule> {
        let shapes =
            [self.burst.is_some(), self.ramp.is_some(), self.poisson, self.replay.is_some()];
        if shapes.iter().filter(|&&is| is).count() > 1 {
            bail!("burst, ramp, poisson, replay: choose one of them");
        }
        if let Some(recording) = &self.tape {
            let tape = &recording.tape;
            return Ok(Schedule::Replay { ticks: tape.ticks(), span_ns: tape.span_ns() });
        }
        let rate_per_s = match self.rate_per_s {
            Some(Rate::PerSecond(rate_per_s)) => rate_per_s,
            Some(Rate::Flood(_)) if shapes == [false; 4] => return Ok(Schedule::Flood),
            Some(Rate::Flood(_)) => bail!("rate_per_s: a flood has no shape"),
            None => bail!("rate_per_s: give ticks per second, \"flood\", or a file to replay"),
        };
        let ns = |ms: u64| ms.saturating_mul(1_000_000);
        Ok(match (self.burst, self.ramp) {
            (Some(burst), _) => Schedule::Burst {
                base_per_s: rate_per_s,
                burst_per_s: burst.to_per_s,
                period_ns: ns(burst.every_ms),
                length_ns: ns(burst.for_ms),
            },
            (_, Some(ramp)) => Schedule::Ramp {
                from_per_s: rate_per_s,
                to_per_s: ramp.to_per_s,
                over_ns: ns(ramp.over_ms),
            },
            _ if self.poisson => Schedule::Poisson { rate_per_s, seed },
            _ => Schedule::Rate { rate_per_s },
        })
    }

    /// When each tick is due.
    ///
    /// # Errors
    /// When keys contradict each other, or a rate or time is out of range.
    pub fn timetable(&self, seed: u64) -> Result<Timetable> {
        let tape = self.tape.as_ref().map(|recording| Arc::clone(&recording.tape));
        Timetable::new(self.schedule(seed)?, tape).map_err(anyhow::Error::msg)
    }

    /// Whether it is a flood, whose ticks have no due times.
    #[must_use]
    pub fn is_flood(&self) -> bool {
        matches!(self.rate_per_s, Some(Rate::Flood(_)))
    }

    /// What the server does about a consumer that falls behind.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.slow_consumer.map_or(Policy::Queue, |slow| slow.policy)
    }

    /// The rate for which this is `original` [at another rate](Self::at_rate); `None`: it is not.
    #[must_use]
    pub fn rate_varied_from(&self, original: &Self) -> Option<u64> {
        let Some(Rate::PerSecond(rate)) = self.rate_per_s else { return None };
        let is_so = match &self.base {
            Some(base) => *base == original.name,
            // Sweeps of schema 2 have names only.
            None => self.name == original.at_rate(rate).name,
        };
        is_so.then_some(rate)
    }

    /// The same workload at another fixed rate, with `@rate` after its name.
    #[must_use]
    pub fn at_rate(&self, rate_per_s: u64) -> Self {
        Self {
            name: format!("{}@{rate_per_s}", self.name),
            base: Some(self.name.clone()),
            rate_per_s: Some(Rate::PerSecond(rate_per_s)),
            burst: None,
            ramp: None,
            poisson: self.poisson,
            replay: None,
            tape: None,
            ..self.clone()
        }
    }

    /// `SO_RCVBUF` of the client, if set.
    #[must_use]
    pub fn receive_buffer(&self) -> Option<u32> {
        self.receive_buffer_bytes.or(self.matched())
    }

    /// `SO_SNDBUF` of the server, if set.
    #[must_use]
    pub fn send_buffer(&self) -> Option<u32> {
        self.send_buffer_bytes.or(self.matched())
    }

    fn matched(&self) -> Option<u32> {
        (self.buffers == Buffers::Matched).then_some(MATCHED_BYTES)
    }
}

/// The keys in which two definitions differ, with both values, such as `work_ns 0 and 7`;
/// descriptive texts are not compared.
#[must_use]
pub fn differing_keys(a: &Workload, b: &Workload) -> Vec<String> {
    let object = |workload: &Workload| match serde_json::to_value(workload) {
        Ok(Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (a, b) = (object(a), object(b));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differs = |key: &&String| a.get(*key) != b.get(*key);
    let is_text = |key: &str| ["why", "read", "base"].contains(&key);
    let show = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    keys.into_iter()
        .filter(|key| !is_text(key))
        .filter(differs)
        .map(|key| format!("{key} {} and {}", show(a.get(key)), show(b.get(key))))
        .collect()
}
