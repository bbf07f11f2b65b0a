//! Reads saved campaigns.

use crate::journey::Stamps;
use crate::rows::RoundResult;
use crate::store::{JOURNEY_COLUMNS, SCHEMA};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tick::{Sample, Schedule, Tape, Timetable};

/// A campaign's folder, as far as it is read here.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    /// The rounds, in the order in which they were run.
    pub rounds: Vec<Round>,
}

/// One line of `rounds.jsonl`.
#[derive(Debug, Clone, Deserialize)]
pub struct Round {
    /// How it came out.
    #[serde(flatten)]
    pub result: RoundResult,
    /// What it left, if it ran.
    #[serde(flatten)]
    pub books: Option<Books>,
}

/// What a round that ran left.
#[derive(Debug, Clone, Deserialize)]
pub struct Books {
    /// The offered load.
    pub schedule: Schedule,
    /// Which seqs were stamped.
    pub sample: Sample,
    /// From tick 0 to the window.
    pub warmup_ns: u64,
    /// The window.
    pub measure_ns: u64,
    /// When tick 0 was due.
    pub start_ns: u64,
    /// When the watching ended.
    pub ended_ns: u64,
    /// The file of its journeys.
    pub journeys: String,
}

#[derive(Deserialize)]
struct Head {
    schema: u32,
}

impl Archive {
    /// Opens a campaign's folder.
    ///
    /// # Errors
    /// When it is none, is damaged, or comes from another version.
    pub fn open(dir: &Path) -> Result<Self> {
        let shown = dir.display();
        let head = fs::read(dir.join("campaign.json"))
            .with_context(|| format!("{shown} is no campaign: it has no campaign.json"))?;
        let head: Head = serde_json::from_slice(&head)
            .with_context(|| format!("{shown}: campaign.json is damaged"))?;
        if head.schema != SCHEMA {
            bail!(
                "{shown} is a campaign of schema {}, and this program reads schema {SCHEMA}: use the commit that campaign.json names",
                head.schema
            );
        }
        let file = File::open(dir.join("rounds.jsonl"))
            .with_context(|| format!("{shown}: rounds.jsonl"))?;
        let mut rounds = Vec::new();
        for (number, line) in (1..).zip(BufReader::new(file).lines()) {
            let line = line.with_context(|| format!("{shown}: rounds.jsonl"))?;
            let round = serde_json::from_str(&line)
                .with_context(|| format!("{shown}: rounds.jsonl, line {number} is damaged"))?;
            rounds.push(round);
        }
        Ok(Self { dir: dir.to_owned(), rounds })
    }

    /// The stamps of all sampled ticks of a round, with the number of their
    /// connection. `tape` is the recording of a replay.
    ///
    /// # Errors
    /// When its file is missing or damaged.
    pub fn journeys(&self, books: &Books, tape: Option<Arc<Tape>>) -> Result<Vec<(usize, Stamps)>> {
        let name = &books.journeys;
        if name.contains("..") || name.starts_with('/') {
            bail!("{name} is no file of this campaign");
        }
        let file = File::open(self.dir.join(name)).with_context(|| name.clone())?;
        let mut csv = csv::Reader::from_reader(zstd::Decoder::new(file)?);
        if csv.headers().with_context(|| name.clone())? != JOURNEY_COLUMNS.as_slice() {
            bail!("{name}: other columns than this program writes");
        }
        // Without its recording a replay has no due times: shown from encoded on.
        let timetable = Timetable::new(books.schedule, tape).ok();
        let due_ns = |seq| {
            let offset_ns = timetable.as_ref()?.due_offset_ns(seq)?;
            Some(books.start_ns + offset_ns)
        };
        let mut all = Vec::new();
        let (mut link, mut seq, mut encoded) = (None, 0i64, 0i64);
        for row in csv.deserialize() {
            let row: (usize, i64, i64, i64, Option<i64>, Option<i64>) =
                row.with_context(|| format!("{name} is damaged"))?;
            if link != Some(row.0) {
                (link, seq, encoded) = (Some(row.0), 0, books.start_ns as i64);
            }
            seq += row.1;
            let due = due_ns(seq as u64);
            encoded = due.map_or(encoded, |ns| ns as i64) + row.2;
            let written = encoded + row.3;
            let received = row.4.map(|step| written + step);
            let processed = received.zip(row.5).map(|(at, step)| at + step);
            all.push((
                row.0,
                Stamps {
                    seq: seq as u64,
                    due_ns: due.unwrap_or(encoded as u64),
                    encoded_ns: Some(encoded as u64),
                    written_ns: Some(written as u64),
                    received_ns: received.map(|ns| ns as u64),
                    processed_ns: processed.map(|ns| ns as u64),
                },
            ));
        }
        Ok(all)
    }
}
