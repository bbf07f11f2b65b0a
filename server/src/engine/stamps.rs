//! When the sampled ticks were made and written.

use contract::SampleRow;
use std::ops::Range;
use tick::Sample;

/// The time stamps of the sampled ticks.
#[derive(Debug)]
pub struct Stamps {
    sample: Sample,
    /// `(seq, made_ns)`, the same for all connections.
    made: Vec<(u64, u64)>,
    /// For each connection `(index, written_ns)` of the ticks that were written to it; the
    /// index is the one of `made`.
    written: Vec<Vec<(u32, u64)>>,
}

/// Rows for which memory is reserved; untouched memory costs nothing.
const MOST_ROWS: u64 = 1 << 20;

impl Stamps {
    /// Stamps for a run of about `ticks` ticks, if that is known, and so many connections.
    #[must_use]
    pub fn new(sample: Sample, ticks: Option<u64>, connections: usize) -> Self {
        let rows = ticks.map_or(MOST_ROWS, |n| sample.count_below(n).min(MOST_ROWS)) as usize;
        let written = (0..connections).map(|_| Vec::with_capacity(rows)).collect();
        Self { sample, made: Vec::with_capacity(rows), written }
    }

    /// These ticks were made at `at_ns`.
    #[inline]
    pub fn generated(&mut self, seqs: Range<u64>, at_ns: u64) {
        let mut seq = self.sample.at_or_after(seqs.start);
        while seq < seqs.end {
            self.made.push((seq, at_ns));
            seq += self.sample.stride;
        }
    }

    /// These ticks were written to a connection by a call that began at `at_ns`.
    #[inline]
    pub fn written(&mut self, connection: usize, seqs: Range<u64>, at_ns: u64) {
        let Some(written) = self.written.get_mut(connection) else { return };
        let mut index = self.sample.count_below(seqs.start);
        while self.sample.nth(index) < seqs.end {
            written.push((index as u32, at_ns));
            index += 1;
        }
    }

    /// The rows of all sampled ticks that were written to a connection.
    pub fn rows(&self, connection: usize) -> impl Iterator<Item = SampleRow> {
        let written = self.written.get(connection).map_or(&[][..], Vec::as_slice);
        written.iter().filter_map(|&(index, written_ns)| {
            let (seq, made_ns) = *self.made.get(index as usize)?;
            Some([seq, made_ns, written_ns])
        })
    }
}
