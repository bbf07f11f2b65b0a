//! Reads workload files, and refuses keys that contradict each other.

use crate::load::congestion;
use crate::load::replay::{self, ReplayNews};
use crate::load::workload::{RankBy, Workload};
use crate::text::nearest;
use anyhow::{Context, Result, bail};
use contract::Policy;
use std::path::{Path, PathBuf};
use tick::Format;

/// The highest number of threads of a server.
const MOST_THREADS: usize = 64;

impl Workload {
    /// Loads a workload by its name or by the path of its file.
    ///
    /// # Errors
    /// When the name is unknown, or the file is invalid.
    pub fn load(root: &Path, name_or_file: &str) -> Result<Self> {
        Self::load_with_news(root, name_or_file, &mut |_| {})
    }

    /// The same; `news` gets what is to be said while a recording is read.
    ///
    /// # Errors
    /// As [`Workload::load`].
    pub fn load_with_news(
        root: &Path,
        name_or_file: &str,
        news: &mut dyn FnMut(&ReplayNews),
    ) -> Result<Self> {
        let (mut workload, path) = Self::without_recording(root, name_or_file)?;
        let context = || format!("workload {name_or_file}");
        if let Some(file) = &workload.replay {
            let recording = replay::read(&path, file, news);
            workload.tape = Some(recording.context("replay").with_context(context)?);
        }
        workload.timetable(0).with_context(context)?;
        Ok(workload)
    }

    /// What its file says, and the path of that, without its recording, which may be large.
    pub(crate) fn without_recording(root: &Path, name_or_file: &str) -> Result<(Self, PathBuf)> {
        let dir = root.join("harness/workloads");
        let is_path = name_or_file.ends_with(".toml");
        let path = match is_path {
            true => PathBuf::from(name_or_file),
            false => dir.join(format!("{name_or_file}.toml")),
        };
        let Ok(text) = std::fs::read_to_string(&path) else {
            if is_path {
                bail!("workload {name_or_file}: cannot read that file");
            }
            let unknown = nearest::unknown("workload", name_or_file, &names(&dir));
            bail!("{unknown}, or give a TOML file");
        };
        let workload = Self::parse(&text).with_context(|| format!("workload {name_or_file}"))?;
        Ok((workload, path))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut workload: Self = toml::from_str(text)?;
        workload.congestion = congestion::of_file(workload.congestion)?;
        let simple = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if workload.name.is_empty() || !workload.name.chars().all(simple) {
            bail!("name: use letters, digits, `-`, `_` and `.` only");
        }
        if workload.group.as_ref() == Some(&workload.name) {
            bail!("group: a workload cannot have the name of its group");
        }
        match &workload.replay {
            None => {
                workload.timetable(0)?;
            }
            Some(file) if file.contains(['/', '\\']) => {
                bail!("replay: {file} has to be in the directory of the workload's file");
            }
            Some(_) if workload.rate_per_s.is_some() => {
                bail!("replay: a recording has its own rate: omit rate_per_s");
            }
            Some(_) => {}
        }
        if workload.is_flood() && workload.rank_by != RankBy::Processed {
            bail!("rank_by: a flood has no due times, so only \"processed\" can rank it");
        }
        check_connections(&workload)?;
        check_policy(&workload)?;
        if workload.sample_stride == Some(0) {
            bail!("sample_stride: must be at least 1");
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

fn check_connections(workload: &Workload) -> Result<()> {
    for (key, count) in [("connections", workload.connections), ("clients", workload.clients)] {
        if !(1..=1000).contains(&count) {
            bail!("{key}: {count} is not between 1 and 1000");
        }
    }
    if workload.connections * workload.clients > 1000 {
        bail!("connections and clients: more than 1000 connections in all");
    }
    Ok(())
}

/// Checks that a workload's policy and threads are compatible with its load.
///
/// # Errors
/// What is not, and how to fix it, in one line.
fn check_policy(workload: &Workload) -> Result<()> {
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

/// The names of all workloads in a directory, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
