//! Recordings that workloads replay: how they are read, and what is said meanwhile.

use crate::load::workload::Recording;
use anyhow::{Context, Result};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use tick::{LongestGap, Span};

/// A gap from here on is worth a remark, in ns: most rounds are shorter.
const LONG_GAP_NS: u64 = 60_000_000_000;

/// What is said while a recording is read, and afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayNews {
    /// A part of it is read.
    Reading {
        /// The name of its file.
        file: String,
        /// Bytes so far.
        bytes: u64,
        /// Bytes of the file.
        of_bytes: u64,
    },
    /// It has a long time without a tick.
    LongGap {
        /// The name of its file.
        file: String,
        /// Where and how long.
        gap: LongestGap,
    },
}

impl fmt::Display for ReplayNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { file, bytes, of_bytes } => {
                let mib = |bytes: u64| bytes >> 20;
                write!(f, "reading {file}: {} of {} MiB", mib(*bytes), mib(*of_bytes))
            }
            Self::LongGap { file, gap } => write!(
                f,
                "{file}: no tick for {} before that of line {}: a round that reaches it has nothing to measure",
                Span(gap.ns),
                gap.line
            ),
        }
    }
}

/// Reads a recording from a file beside a workload's own. `news` gets what is to be said.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read(workload: &Path, file: &str, news: &mut dyn FnMut(&ReplayNews)) -> Result<Recording> {
    let path = std::path::absolute(workload.with_file_name(file))?;
    let name = || file.to_owned();
    let read = contract::recording::read(&path, |bytes, of_bytes| {
        news(&ReplayNews::Reading { file: name(), bytes, of_bytes });
    });
    let read = read.with_context(|| name())?;
    if read.longest_gap.ns >= LONG_GAP_NS {
        news(&ReplayNews::LongGap { file: name(), gap: read.longest_gap });
    }
    Ok(Recording { path, tape: Arc::new(read.tape) })
}
