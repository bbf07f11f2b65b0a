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
    let read = read.with_context(name)?;
    if read.longest_gap.ns >= LONG_GAP_NS {
        news(&ReplayNews::LongGap { file: name(), gap: read.longest_gap });
    }
    Ok(Recording { path, tape: Arc::new(read.tape) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::workload::Workload;

    /// Before anything starts, by the file, the line that an editor shows, and the column.
    #[test]
    fn a_recording_that_is_none_is_refused_when_its_workload_is_loaded() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path();
        let toml = dir.join("w.toml");
        let text = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\nreplay='gaps.csv'\n";
        std::fs::write(&toml, text).unwrap();
        let name = toml.to_str().unwrap();
        let mut news = Vec::new();
        let mut load = |text: &[u8]| {
            std::fs::write(dir.join("gaps.csv"), text).unwrap();
            Workload::load_with_news(Path::new("/nowhere"), name, &mut |one| {
                news.push(one.to_string())
            })
        };
        for (text, expected) in [
            (
                b"gap_ns,price\n1,109.015625\n".as_slice(),
                "line 2: column price: found `109.015625`, expected at most two decimals",
            ),
            (
                b"gap_ns\n1700000000000000000\n1000\n",
                "first tick due in 53 years (line 2): are these absolute times?",
            ),
            (b"gap_ns\n\n\nx\n", "line 4: column gap_ns: found `x`, expected whole ns"),
            (b"34200.1,1,2\n34200.2,1,2\n", "line 1: no column `gap_ns` in `34200.1,1,2`"),
            (&[0x1f, 0x8b, 8, 0], "it is not CSV text, but compressed: unpack it with gunzip"),
        ] {
            let error = format!("{:#}", load(text).unwrap_err());
            let beginning = format!("workload {name}: replay: gaps.csv: {expected}");
            assert!(error.starts_with(&beginning), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        load(b"gap_ns\n1000\n7200000000000\n").unwrap();
        assert_eq!(
            news,
            [
                "gaps.csv: no tick for 2 hours before that of line 3: a round that reaches it has nothing to measure"
            ]
        );
        std::fs::remove_file(dir.join("gaps.csv")).unwrap();
        std::fs::create_dir(dir.join("gaps.csv")).unwrap();
        let error = format!("{:#}", Workload::load(Path::new("/nowhere"), name).unwrap_err());
        assert!(error.contains("gaps.csv: it is a directory"), "{error}");
    }
}
