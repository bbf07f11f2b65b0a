//! The saved rounds of a campaign.

use crate::bounded::unpacked;
use crate::campaign::{Evidence, Status};
use crate::store::{PACKED_ROUNDS, ROUNDS};
use anyhow::{Context, Result, anyhow};
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::result::RoundResult;
use serde::Deserialize;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// One line of `rounds.jsonl`.
#[derive(Debug, Clone, Deserialize)]
pub struct Round {
    /// Its verdict and its numbers.
    #[serde(flatten)]
    pub result: RoundResult,
    /// What it observed and reported, if it ran.
    #[serde(flatten)]
    pub evidence: Option<Evidence>,
}

/// What marks the line of a round with counters.
#[derive(Deserialize)]
struct Mark {
    #[serde(default)]
    counters: bool,
}

/// All rounds, each kind in the order in which they were run.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// The rounds that everything is computed from, apart from counters.
    pub timed: Vec<Round>,
    /// The rounds with counters.
    pub counted: Vec<CountersRound>,
}

impl Rounds {
    fn add(&mut self, line: &str) -> serde_json::Result<()> {
        match serde_json::from_str::<Mark>(line)?.counters {
            true => self.counted.push(serde_json::from_str(line)?),
            false => self.timed.push(serde_json::from_str(line)?),
        }
        Ok(())
    }
}

/// Reads all rounds.
///
/// # Errors
/// When a line is damaged. Where the harness was killed, the last one may be.
pub(crate) fn read_rounds(dir: &Path, status: Status) -> Result<Rounds> {
    let mut bytes = rounds_file(dir)?;
    let mut rounds = Rounds::default();
    // Where the harness was killed, its last line may be incomplete: that round was not
    // finished, and those before it are complete.
    if status == Status::Running {
        bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
    }
    let text = String::from_utf8(bytes).context("rounds.jsonl is damaged")?;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let line = line.strip_suffix('\n').ok_or_else(|| {
            anyhow!("rounds.jsonl, line {number} is cut off: restore the whole file")
        })?;
        let damaged = || format!("rounds.jsonl, line {number} is damaged");
        rounds.add(line).with_context(damaged)?;
    }
    Ok(rounds)
}

/// `rounds.jsonl`, or its compressed form.
pub(crate) fn rounds_file(dir: &Path) -> Result<Vec<u8>> {
    let packed = dir.join(PACKED_ROUNDS);
    if !packed.exists() {
        return fs::read(dir.join(ROUNDS)).context(ROUNDS);
    }
    let mut bytes = Vec::new();
    unpacked(File::open(packed).context(PACKED_ROUNDS)?)
        .and_then(|mut rounds| rounds.read_to_end(&mut bytes))
        .with_context(|| format!("{PACKED_ROUNDS} is damaged"))?;
    Ok(bytes)
}
