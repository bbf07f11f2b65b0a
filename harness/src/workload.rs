//! Workloads: one TOML file each, with its why.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tick::{Format, Schedule};

/// The workloads of `compare` when none is named, in this order.
pub const DEFAULT: [&str; 3] = ["steady", "overload-500k", "flood"];

/// One workload, as its file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// How it is selected, and shown in tables.
    pub name: String,
    /// Why anyone should run it, in one line.
    pub why: String,
    /// How to read its table.
    pub read: String,
    /// How ticks are spelled.
    #[serde(default)]
    pub format: Format,
    /// The offered load.
    pub rate_per_s: Rate,
    /// What its table is about, and is sorted by.
    pub rank_by: RankBy,
    /// Busy work per tick in the client, in ns.
    #[serde(default)]
    pub work_ns: u64,
    /// The bound of bounded client queues, in ticks.
    #[serde(default = "default_queue_bound")]
    pub queue_bound: u64,
    /// `SO_RCVBUF` of the client; absent: autotuning.
    pub receive_buffer_bytes: Option<u32>,
    /// `SO_SNDBUF` of the server; absent: autotuning.
    pub send_buffer_bytes: Option<u32>,
    /// `TCP_CONGESTION` of the server; absent: the machine's.
    pub congestion: Option<String>,
    /// Where an unbounded client queue ends, in bytes of resident memory.
    #[serde(default = "default_memory_ceiling_bytes")]
    pub memory_ceiling_bytes: u64,
    /// A tick made later than this after its due time counts as late; more than
    /// 1 % of them make a round invalid. In ms.
    #[serde(default = "default_on_time_ms")]
    pub on_time_ms: u64,
    /// Where the server's log ends, in bytes.
    #[serde(default = "default_log_ceiling_bytes")]
    pub log_ceiling_bytes: u64,
}

/// `rate_per_s` in a workload file: a number, or `"flood"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a whole number of ticks per second, or \"flood\"")]
pub enum Rate {
    /// Ticks per second.
    PerSecond(u64),
    /// As fast as the connection takes them.
    Flood(Flood),
}

/// The word `flood`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flood {
    /// As fast as the connection takes them.
    Flood,
}

/// What a workload's table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankBy {
    /// The p99 of the response time: least is best.
    ResponseP99,
    /// The growth of the backlog: least is best; then the response time.
    BacklogGrowth,
    /// The processed rate: most is best.
    Processed,
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
    /// Its schedule.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        match self.rate_per_s {
            Rate::PerSecond(rate_per_s) => Schedule::Rate { rate_per_s },
            Rate::Flood(_) => Schedule::Flood,
        }
    }

    /// Reads a workload by its name or by the path of its file.
    ///
    /// # Errors
    /// When there is none, or its file is not as it should be.
    pub fn load(root: &Path, name_or_file: &str) -> Result<Self> {
        let folder = root.join("harness/workloads");
        let is_path = name_or_file.ends_with(".toml");
        let path = match is_path {
            true => PathBuf::from(name_or_file),
            false => folder.join(format!("{name_or_file}.toml")),
        };
        let Ok(text) = std::fs::read_to_string(&path) else {
            if is_path {
                bail!("workload {name_or_file}: cannot read that file");
            }
            bail!("no workload `{name_or_file}`: choose {}, or give a TOML file", names(&folder));
        };
        Self::parse(&text).with_context(|| format!("workload {name_or_file}"))
    }

    fn parse(text: &str) -> Result<Self> {
        let workload: Self = toml::from_str(text)?;
        let simple = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if workload.name.is_empty() || !workload.name.chars().all(simple) {
            bail!("name: use letters, digits, `-`, `_` and `.` only");
        }
        if let Rate::PerSecond(rate) = workload.rate_per_s {
            if !(1..=100_000_000).contains(&rate) {
                bail!("rate_per_s: {rate} is not between 1 and 100000000");
            }
        } else if workload.rank_by != RankBy::Processed {
            bail!("rank_by: a flood has no due times, so only \"processed\" can rank it");
        }
        if workload.queue_bound == 0 {
            bail!("queue_bound: must be at least 1");
        }
        if workload.work_ns > 1_000_000_000 {
            bail!("work_ns: more than a second per tick");
        }
        Ok(workload)
    }
}

fn names(folder: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.sort();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn every_shipped_workload_is_sound_and_named_as_its_file() {
        for entry in root().join("harness/workloads").read_dir().unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let name = file.strip_suffix(".toml").unwrap();
            assert_eq!(Workload::load(&root(), name).unwrap().name, name);
        }
        for name in DEFAULT {
            Workload::load(&root(), name).unwrap();
        }
    }

    #[test]
    fn mistakes_are_named() {
        let sound = "name='x'\nwhy='w'\nread='r'\nrank_by='processed'\n";
        let cases = [
            ("rate_per_s='fast'", "expected a whole number of ticks per second, or \"flood\""),
            ("rate_per_s=0", "rate_per_s: 0 is not between"),
            ("rate_per_s=5\ncolour=1", "unknown field `colour`"),
            ("rate_per_s=5\nqueue_bound=0", "queue_bound: must be at least 1"),
            ("rate_per_s=5\nformat='xml'", "unknown variant `xml`"),
        ];
        for (line, expected) in cases {
            let error = Workload::parse(&format!("{sound}{line}")).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
        let ranked = sound.replace("processed", "response_p99") + "rate_per_s='flood'";
        assert!(Workload::parse(&ranked).unwrap_err().to_string().contains("rank_by"));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Workload::load(&root(), "nonsense").unwrap_err().to_string();
        assert!(error.contains("no workload `nonsense`") && error.contains("steady"), "{error}");
    }
}
