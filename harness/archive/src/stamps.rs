//! The stamps and snapshots of a saved round, which a published campaign may lack.

use crate::archive::Archive;
use crate::bounded::unpacked;
use crate::campaign::Evidence;
use crate::packed::{GridRow, JOURNEY_COLUMNS};
use crate::rounds::Round;
use crate::store::{GRID, JOURNEYS};
use anyhow::{Context, Result, bail};
use bench_core::analysis::round::journey::Stamps;
use std::fs::File;
use std::io::Read;
use tick::{Schedule, Timetable};

/// No round has more snapshots: nearly a day of them, 20 ms apart.
const MAX_SNAPSHOTS: usize = 1 << 22;
/// No round has more stamped ticks, over all of its connections.
const MAX_STAMPS: usize = 1 << 25;
/// No round takes longer: a month. Sums of due times stay exact.
const MAX_ROUND_NS: u64 = 30 * 86_400 * 1_000_000_000;
/// No round offers more ticks: this bounds the work to recompute a Poisson process.
const MAX_TICKS: u64 = 1 << 32;

impl Archive {
    /// Whether it was published without its stamps and snapshots.
    #[must_use]
    pub fn lacks_stamps(&self) -> bool {
        let is_measured = self.rounds.iter().any(|round| round.evidence.is_some());
        is_measured && [JOURNEYS, GRID].iter().all(|name| !self.dir().join(name).exists())
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

    /// A compressed CSV file of this campaign.
    fn table(&self, name: &str) -> Result<csv::Reader<impl Read>> {
        if name.contains("..") || name.starts_with('/') {
            bail!("{name} is not a file of this campaign");
        }
        let file = File::open(self.dir().join(name)).with_context(|| name.to_owned())?;
        Ok(csv::Reader::from_reader(unpacked(file)?))
    }
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
