//! Reads saved campaigns.

use crate::bounded::unpacked;
use crate::campaign::{Campaign, Evidence, Kind, SCHEMA, SENTENCES, Status};
use crate::rounds::{Round, Rounds, read_rounds};
use crate::store::RECORDINGS;
use anyhow::{Context, Error, Result, anyhow, bail};
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::rows::counters::{self, CountersRound};
use bench_core::analysis::rows::ranks::ranking;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::rows::summary::{self, Participants};
use bench_core::load::workload::Workload;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tick::{Schedule, Tape, Timetable};

const CONTRADICTION: &str = "the rows of campaign.json are not those that rounds.jsonl gives: one of the two was changed or truncated";
/// How far two figures of one campaign may differ, relative to the greater: logarithms and
/// powers of another C library, or of `libm`, differ in their last digits.
const ROUNDING: f64 = 1e-9;

/// A saved campaign, read from its directory. Its rows are computed from its rounds, and
/// have the values of every round.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    /// The content of `campaign.json`, its rows computed again.
    pub campaign: Campaign,
    /// The rounds, in the order in which they were run, without those with counters.
    pub rounds: Vec<Round>,
    /// The rounds with counters, which are not timed.
    pub counted: Vec<CountersRound>,
    /// The recordings that were replayed, by the name of their workload.
    tapes: BTreeMap<String, Arc<Tape>>,
    first_ns: Option<u64>,
}

/// The part of `campaign.json` that is read first: its version, and its rows as they were
/// saved.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    #[serde(default)]
    rows: Vec<Value>,
}

/// A round behind the numbers of a row.
#[derive(Debug, Clone, Copy)]
pub struct Behind<'a> {
    /// The whole round.
    pub round: &'a Round,
    /// The evidence of that round, which ran.
    pub evidence: &'a Evidence,
}

/// The round in the middle; of an even number, the first of both.
#[must_use]
pub fn middle<'a>(all: &[Behind<'a>]) -> Option<Behind<'a>> {
    all.get(all.len().checked_sub(1)? / 2).copied()
}

impl Archive {
    /// Opens a campaign's directory.
    ///
    /// # Errors
    /// When it is not one, is damaged, is of a version that cannot be read, or contradicts
    /// itself.
    pub fn open(dir: &Path) -> Result<Self> {
        let shown = dir.display();
        let text = fs::read(dir.join("campaign.json"))
            .with_context(|| format!("{shown} is not a campaign: it has no campaign.json"))?;
        let damaged = || format!("{shown}: campaign.json is damaged, or not of this suite");
        let head: Head = serde_json::from_slice(&text).with_context(damaged)?;
        if !(SENTENCES..=SCHEMA).contains(&head.schema) {
            bail!(
                "{shown} is a campaign of schema {}, and this program reads schemas {SENTENCES} to {SCHEMA}: use the commit that campaign.json names",
                head.schema
            );
        }
        let campaign: Campaign = serde_json::from_slice(&text).with_context(damaged)?;
        check_names(&campaign).with_context(|| shown.to_string())?;
        let Rounds { timed: rounds, counted } =
            read_rounds(dir, campaign.status).with_context(|| shown.to_string())?;
        let tapes = read_tapes(dir, &campaign).with_context(|| shown.to_string())?;
        let first_ns = rounds.iter().find_map(|round| Some(round.evidence.as_ref()?.start_ns));
        let mut archive = Self { dir: dir.to_owned(), campaign, rounds, counted, tapes, first_ns };
        archive.sum_up(&head.rows).with_context(|| shown.to_string())?;
        Ok(archive)
    }

    /// When tick 0 of its first round was due.
    #[must_use]
    pub fn first_ns(&self) -> Option<u64> {
        self.first_ns
    }

    /// The directory that it was read from.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of its directory, without the path.
    #[must_use]
    pub fn name(&self) -> String {
        let dir = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        dir.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
    }

    /// Computes all rows again from the rounds, and compares them with those that were saved.
    /// Where the harness was killed, `campaign.json` may lack the last round: then the rounds
    /// decide.
    fn sum_up(&mut self, saved: &[Value]) -> Result<()> {
        let results: Vec<&RoundResult> = self.rounds.iter().map(|round| &round.result).collect();
        let campaign = &mut self.campaign;
        if campaign.kind == Kind::Capacity {
            let workload = campaign.workloads.first();
            let is_so =
                |found: &Capacity| workload.is_some_and(|workload| found.is_of(workload, &results));
            if campaign.status != Status::Running && !campaign.capacities.iter().all(is_so) {
                bail!(CONTRADICTION);
            }
            return Ok(());
        }
        let mut participants = Participants { rules: campaign.rules, ..Participants::default() };
        for row in &campaign.rows {
            let client = (row.client.clone(), row.class);
            if !participants.clients.contains(&client) {
                participants.clients.push(client);
            }
        }
        participants.clients.sort_by(|a, b| a.0.cmp(&b.0));
        let controls = self.rounds.iter().filter(|round| round.result.control);
        let controls: BTreeSet<&String> = controls.map(|round| &round.result.client).collect();
        participants.controls = controls.into_iter().cloned().collect();
        let has_row = |client: &str, workload: &str| {
            participants.clients.iter().any(|(known, _)| known == client)
                && campaign.workloads.iter().any(|known| known.name == workload)
        };
        let complete = results.iter().all(|round| has_row(&round.client, &round.workload))
            && self.counted.iter().all(|round| has_row(&round.client, &round.workload));
        let (mut rows, mut noise) = (Vec::new(), Vec::new());
        for workload in &campaign.workloads {
            let (more_rows, more_noise) = summary::of_workload(workload, &participants, &results);
            rows.extend(more_rows);
            noise.extend(more_noise);
        }
        self.counted.iter().for_each(|round| counters::add(&mut rows, round));
        let notes = counters::notes(&self.counted);
        let same_noise = alike(&json!(noise), &json!(campaign.noise));
        let agreed = complete
            && rows.len() == saved.len()
            && same_noise
            && notes == campaign.counters_notes
            && rows.iter().zip(saved).all(|(row, saved)| agrees(row, saved, campaign.schema));
        if !agreed && campaign.status != Status::Running {
            bail!(CONTRADICTION);
        }
        if campaign.schema == SENTENCES && agreed && campaign.status != Status::Running {
            // Its sentences are shown as they are.
            for (row, saved) in rows.iter_mut().zip(&campaign.rows) {
                row.reasons.clone_from(&saved.reasons);
                row.remarks.clone_from(&saved.remarks);
            }
        }
        (campaign.rows, campaign.noise) = (rows, noise);
        campaign.counters_notes = notes;
        Ok(())
    }

    /// How many connections a round of this workload had. A search varies the rate of its
    /// only workload.
    #[must_use]
    pub fn connections(&self, workload: &str) -> usize {
        let all = &self.campaign.workloads;
        let found = match self.campaign.kind {
            Kind::Capacity => all.first(),
            Kind::Compare | Kind::Sweep => all.iter().find(|w| w.name == workload),
        };
        found.map_or(1, |w| w.connections.saturating_mul(w.clients))
    }

    /// The recording that a workload replays, if it was kept.
    #[must_use]
    pub fn tape(&self, workload: &str) -> Option<Arc<Tape>> {
        self.tapes.get(workload).cloned()
    }

    /// When the ticks of a round were due: never, as under flood, where its server had its
    /// own pacing.
    ///
    /// # Errors
    /// When the recording that it replayed is missing, or is another one.
    pub fn timetable(&self, round: &Round, evidence: &Evidence) -> Result<Timetable> {
        let workload = &round.result.workload;
        if !self.campaign.server.keeps_due_times() {
            return Timetable::new(Schedule::Flood, None).map_err(Error::msg);
        }
        Timetable::new(evidence.schedule, self.tape(workload)).map_err(|error| {
            anyhow!("{workload}: its recording in {RECORDINGS}/ is missing or differs: {error}")
        })
    }

    /// Whether a round is behind the numbers of its row; of a search, whether it has
    /// numbers.
    #[must_use]
    pub fn counts(&self, round: &Round) -> bool {
        let result = &round.result;
        if self.campaign.kind == Kind::Capacity {
            return result.verdict.is_measured();
        }
        let is_row = |row: &&Row| row.workload == result.workload && row.client == result.client;
        let row = self.campaign.rows.iter().find(is_row);
        !result.control && row.is_some_and(|row| self.campaign.rules.counts(row.verdict, result))
    }

    /// The rounds behind the numbers of a row, sorted by the metric that it is ranked by.
    /// Where one round is shown for all, it is the middle one ([`middle`]).
    #[must_use]
    pub fn behind(&self, workload: &Workload, row: &Row) -> Vec<Behind<'_>> {
        let metric = ranking::metric(workload.rank_by, row.verdict);
        let of_row = self.rounds.iter().filter(|round| {
            let result = &round.result;
            result.workload == row.workload && result.client == row.client && self.counts(round)
        });
        let whole = of_row.filter_map(|round| {
            let value = metric.of(round.result.measurement.as_ref()?)?;
            Some((value, Behind { round, evidence: round.evidence.as_ref()? }))
        });
        let mut all: Vec<(f64, Behind<'_>)> = whole.collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.into_iter().map(|(_, behind)| behind).collect()
    }
}

/// Whether a computed row has all values of the saved one, which lacks columns that are newer
/// than the campaign. The sentences of schema 2 cannot be computed again.
fn agrees(computed: &Row, saved: &Value, schema: u32) -> bool {
    let is_sentence = |key: &str| schema == SENTENCES && (key == "reason" || key == "remarks");
    let (Ok(computed), Some(saved)) = (serde_json::to_value(computed), saved.as_object()) else {
        return false;
    };
    saved
        .iter()
        .filter(|(key, _)| !is_sentence(key))
        .all(|(key, value)| computed.get(key).is_some_and(|computed| alike(computed, value)))
}

/// Whether two values are the same, numbers within [`ROUNDING`].
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return false };
            (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Names become parts of paths, so they must not lead elsewhere.
fn check_names(campaign: &Campaign) -> Result<()> {
    let of = |workload: &Workload| [Some(workload.name.clone()), workload.replay.clone()];
    for name in campaign.workloads.iter().flat_map(of).flatten() {
        if name.is_empty() || name.contains(['/', '\\']) || name.contains("..") {
            bail!("campaign.json: {name:?} is not a name of a workload or of its recording");
        }
    }
    Ok(())
}

fn read_tapes(dir: &Path, campaign: &Campaign) -> Result<BTreeMap<String, Arc<Tape>>> {
    let mut tapes = BTreeMap::new();
    for workload in &campaign.workloads {
        let Some(name) = &workload.replay else { continue };
        let path = dir.join(RECORDINGS).join(format!("{name}.zst"));
        let Ok(packed) = File::open(&path) else { continue };
        let recording = unpacked(BufReader::new(packed)).with_context(|| name.clone())?;
        let tape = Tape::read_played(BufReader::new(recording)).with_context(|| name.clone())?;
        tapes.insert(workload.name.clone(), Arc::new(tape));
    }
    Ok(tapes)
}
