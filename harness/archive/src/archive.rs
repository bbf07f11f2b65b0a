//! Reads saved campaigns.

use crate::bounded::{Bounded, MAX_UNPACKED_BYTES};
use crate::campaign::{Campaign, Evidence, Kind, SCHEMA, SENTENCES, Status};
use crate::packed::{GridRow, JOURNEY_COLUMNS};
use crate::store::{GRID, JOURNEYS, PACKED_ROUNDS, RECORDINGS, ROUNDS};
use anyhow::{Context, Error, Result, anyhow, bail};
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::round::journey::Stamps;
use bench_core::analysis::rows::ranking;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::rows::summary::{self, Participants};
use bench_core::load::workload::Workload;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tick::{Schedule, Tape, Timetable};

const CONTRADICTION: &str = "the rows of campaign.json are not those that rounds.jsonl gives: one of the two was changed or truncated";

/// No round has more snapshots: nearly a day of them, 20 ms apart.
const MAX_SNAPSHOTS: usize = 1 << 22;
/// No round has more stamped ticks, over all of its connections.
const MAX_STAMPS: usize = 1 << 25;
/// No round takes longer: a month. Sums of due times stay exact.
const MAX_ROUND_NS: u64 = 30 * 86_400 * 1_000_000_000;
/// No round offers more ticks: this bounds the work to recompute a Poisson process.
const MAX_TICKS: u64 = 1 << 32;

/// A saved campaign, read from its directory. Its rows are computed from its rounds, and
/// have the values of every round.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    /// The content of `campaign.json`, its rows computed again.
    pub campaign: Campaign,
    /// The rounds, in the order in which they were run.
    pub rounds: Vec<Round>,
    /// The recordings that were replayed, by the name of their workload.
    tapes: BTreeMap<String, Arc<Tape>>,
    first_ns: Option<u64>,
}

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
        let rounds = read_rounds(dir, campaign.status).with_context(|| shown.to_string())?;
        let tapes = read_tapes(dir, &campaign).with_context(|| shown.to_string())?;
        let first_ns = rounds.iter().find_map(|round| Some(round.evidence.as_ref()?.start_ns));
        let mut archive = Self { dir: dir.to_owned(), campaign, rounds, tapes, first_ns };
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

    /// Whether it was published without its stamps and snapshots.
    #[must_use]
    pub fn lacks_stamps(&self) -> bool {
        let is_measured = self.rounds.iter().any(|round| round.evidence.is_some());
        is_measured && [JOURNEYS, GRID].iter().all(|name| !self.dir.join(name).exists())
    }

    /// Checks that it has its stamps and snapshots.
    ///
    /// # Errors
    /// When it was published without them.
    pub fn needs_stamps(&self) -> Result<()> {
        if self.lacks_stamps() {
            bail!(
                "{} was published without its stamps ({JOURNEYS}/ and {GRID}/): run its command to get your own",
                self.name()
            );
        }
        Ok(())
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
        let mut participants = Participants { clients: Vec::new(), control: None };
        for row in &campaign.rows {
            let client = (row.client.clone(), row.class);
            if !participants.clients.contains(&client) {
                participants.clients.push(client);
            }
        }
        participants.clients.sort_by(|a, b| a.0.cmp(&b.0));
        let control = self.rounds.iter().find(|round| round.result.control);
        participants.control = control.map(|round| round.result.client.clone());
        let has_row = |result: &&RoundResult| {
            participants.clients.iter().any(|(client, _)| *client == result.client)
                && campaign.workloads.iter().any(|workload| workload.name == result.workload)
        };
        let complete = results.iter().all(has_row);
        let (mut rows, mut noise) = (Vec::new(), Vec::new());
        for workload in &campaign.workloads {
            let (more_rows, more_noise) = summary::of_workload(workload, &participants, &results);
            rows.extend(more_rows);
            noise.extend(more_noise);
        }
        let alike = complete
            && rows.len() == saved.len()
            && noise == campaign.noise
            && rows.iter().zip(saved).all(|(row, saved)| agrees(row, saved, campaign.schema));
        if !alike && campaign.status != Status::Running {
            bail!(CONTRADICTION);
        }
        if campaign.schema == SENTENCES && alike && campaign.status != Status::Running {
            // Its sentences are shown as they are.
            for (row, saved) in rows.iter_mut().zip(&campaign.rows) {
                row.reasons.clone_from(&saved.reasons);
                row.remarks.clone_from(&saved.remarks);
            }
        }
        (campaign.rows, campaign.noise) = (rows, noise);
        Ok(())
    }

    /// The snapshots of a round, in order.
    ///
    /// # Errors
    /// When its file is missing or damaged.
    pub fn grid(&self, evidence: &Evidence) -> Result<Vec<GridRow>> {
        let name = &evidence.grid;
        let mut csv = self.table(name)?;
        let mut snapshots = Vec::new();
        for snapshot in csv.deserialize() {
            snapshots.push(snapshot.with_context(|| format!("{name} is damaged"))?);
            if snapshots.len() > MAX_SNAPSHOTS {
                bail!("{name} is damaged: more than {MAX_SNAPSHOTS} snapshots");
            }
        }
        Ok(snapshots)
    }

    /// A compressed CSV file of this campaign.
    fn table(&self, name: &str) -> Result<csv::Reader<impl Read>> {
        if name.contains("..") || name.starts_with('/') {
            bail!("{name} is not a file of this campaign");
        }
        let file = File::open(self.dir.join(name)).with_context(|| name.to_owned())?;
        Ok(csv::Reader::from_reader(Bounded::new(zstd::Decoder::new(file)?, MAX_UNPACKED_BYTES)))
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
        !result.control && row.is_some_and(|row| row::counts(row.verdict, result))
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

    /// The stamps of all sampled ticks of a round, with the number of their connection;
    /// dropped ticks have none. Without due times, a tick counts as due when it was generated.
    ///
    /// # Errors
    /// When its file is missing or damaged.
    pub fn journeys(&self, round: &Round, evidence: &Evidence) -> Result<Vec<(usize, Stamps)>> {
        let name = &evidence.journeys;
        let mut csv = self.table(name)?;
        if csv.headers().with_context(|| name.clone())? != JOURNEY_COLUMNS.as_slice() {
            bail!("{name}: other columns than this program writes");
        }
        let timetable = self.timetable(round, evidence)?;
        let ticks = most_ticks(&timetable, evidence).with_context(|| name.clone())?;
        let due_ns = |seq| Some(evidence.start_ns + timetable.due_offset_ns(seq)?);
        let mut all = Vec::new();
        let (mut connection, mut seq, mut encoded) = (None, 0, 0);
        for row in csv.deserialize() {
            let row: JourneyRow = row.with_context(|| format!("{name} is damaged"))?;
            if connection != Some(row.0) {
                (connection, seq, encoded) = (Some(row.0), 0, evidence.start_ns);
            }
            let stamps = follow(row, (seq, encoded), ticks, due_ns);
            let stamps = stamps.filter(|_| all.len() < MAX_STAMPS).with_context(|| {
                format!("{name} is damaged: row {} is out of range", all.len() + 1)
            })?;
            (seq, encoded) = (stamps.seq, stamps.encoded_ns.unwrap_or(encoded));
            all.push((row.0, stamps));
        }
        Ok(all)
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
        .all(|(key, value)| computed.get(key) == Some(value))
}

/// A row of a journeys file: the connection, and the differences of [`JOURNEY_COLUMNS`].
/// A dropped tick has no more than its seq.
type JourneyRow = (usize, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// The stamps of a row, from the seq and the encoding time of the row above; `None` if its
/// seq is not below `ticks`, or a time overflows.
fn follow(
    (_, seq_step, encoded_step, written_step, received_step, processed_step): JourneyRow,
    (seq, encoded): (u64, u64),
    ticks: u64,
    due_ns: impl Fn(u64) -> Option<u64>,
) -> Option<Stamps> {
    let seq = seq.checked_add_signed(seq_step).filter(|&seq| seq < ticks)?;
    let due = due_ns(seq);
    let (Some(encoded_step), Some(written_step)) = (encoded_step, written_step) else {
        return Some(Stamps { seq, due_ns: due.unwrap_or(0), ..Stamps::default() });
    };
    let encoded = due.unwrap_or(encoded).checked_add_signed(encoded_step)?;
    let written = encoded.checked_add_signed(written_step)?;
    let after = |at: Option<u64>, step: Option<i64>| match at.zip(step) {
        Some((at, step)) => at.checked_add_signed(step).map(Some),
        None => Some(None),
    };
    let received = after(Some(written), received_step)?;
    let processed = after(received, processed_step)?;
    Some(Stamps {
        seq,
        due_ns: due.unwrap_or(encoded),
        encoded_ns: Some(encoded),
        written_ns: Some(written),
        received_ns: received,
        processed_ns: processed,
    })
}

/// More ticks than a round can have generated by its end, and few enough that no due time
/// overflows 64 bits; under flood any number.
fn most_ticks(timetable: &Timetable, evidence: &Evidence) -> Result<u64> {
    let took_ns = evidence.ended_ns.checked_sub(evidence.start_ns).filter(|&ns| ns <= MAX_ROUND_NS);
    let took_ns = took_ns.filter(|_| i64::try_from(evidence.ended_ns).is_ok());
    let took_ns = took_ns.context("its round ended before it began, or took months")?;
    let schedule = timetable.schedule();
    match (schedule.about_ticks(took_ns), schedule) {
        (None, _) => Ok(u64::MAX),
        (Some(about), _) if about > MAX_TICKS => bail!("its round would have had {about} ticks"),
        // Already rounded up to whole passes over the recording.
        (Some(about), Schedule::Replay { .. }) => Ok(about),
        (Some(about), _) => Ok(2 * about + 1000),
    }
}

fn read_rounds(dir: &Path, status: Status) -> Result<Vec<Round>> {
    let mut bytes = rounds_file(dir)?;
    let mut rounds = Vec::new();
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
        let round = serde_json::from_str(line)
            .with_context(|| format!("rounds.jsonl, line {number} is damaged"))?;
        rounds.push(round);
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
    zstd::Decoder::new(File::open(packed).context(PACKED_ROUNDS)?)
        .and_then(|unpacked| Bounded::new(unpacked, MAX_UNPACKED_BYTES).read_to_end(&mut bytes))
        .with_context(|| format!("{PACKED_ROUNDS} is damaged"))?;
    Ok(bytes)
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
        let Ok(packed) = fs::read(&path) else { continue };
        let mut text = String::new();
        zstd::Decoder::new(packed.as_slice())
            .and_then(|unpacked| {
                Bounded::new(unpacked, MAX_UNPACKED_BYTES).read_to_string(&mut text)
            })
            .with_context(|| name.clone())?;
        let tape = Tape::parse(&text).map_err(|error| anyhow!("{name}: {error}"))?;
        tapes.insert(workload.name.clone(), Arc::new(tape));
    }
    Ok(tapes)
}
