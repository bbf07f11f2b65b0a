//! The stamps of the sampled ticks.

use contract::SampleRow;
use tick::{Sample, Schedule};

/// The room set aside under flood, where the number of ticks is not known beforehand.
const FLOOD_ROWS: u64 = 1 << 17;
/// No plan needs more rows; too small a stride would fill the memory.
const MAX_ROWS: usize = 1 << 22;

/// Collects `[seq, received_ns, processed_ns]`.
#[derive(Debug)]
pub(crate) struct SampleRows {
    rows: Vec<SampleRow>,
    dropped: u64,
}

impl SampleRows {
    /// With room for the rows of a run, so that they are not moved while it is measured.
    pub(crate) fn for_run(sample: Sample, schedule: Schedule, duration_ns: u64) -> Self {
        let ticks = schedule.about_ticks(duration_ns);
        let wanted = ticks.map_or(FLOOD_ROWS, |ticks| sample.count_below(ticks));
        let room = usize::try_from(wanted).unwrap_or(MAX_ROWS).min(MAX_ROWS);
        Self { rows: Vec::with_capacity(room), dropped: 0 }
    }

    /// Rows that were collected elsewhere.
    pub(crate) fn collected(rows: Vec<SampleRow>) -> Self {
        Self { rows, dropped: 0 }
    }

    pub(crate) fn push(&mut self, row: SampleRow) {
        match self.rows.len() < MAX_ROWS {
            true => self.rows.push(row),
            false => self.dropped += 1,
        }
    }

    /// The rows with ascending seqs; an error is the number of rows that found no room.
    pub(crate) fn sorted(mut self) -> Result<Vec<SampleRow>, u64> {
        match self.dropped {
            0 => {
                // Nearly always sorted already: only late ticks are out of place.
                self.rows.sort_unstable_by_key(|row| row[0]);
                Ok(self.rows)
            }
            dropped => Err(dropped),
        }
    }
}
