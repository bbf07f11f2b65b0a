//! A recording in memory, ready to be replayed over and over.

use crate::tape::error::{LineError, MAX_TICKS};

/// A recording, ready to be replayed over and over.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// When each tick is due, in ns since the beginning of the recording.
    offsets_ns: Vec<u64>,
    /// From the beginning of the recording to the beginning of its next run.
    span_ns: u64,
    /// The symbol of each tick; empty without that column.
    symbols: Vec<u8>,
    /// The price of each tick, in cents; empty without that column.
    cents: Vec<u32>,
}

impl Tape {
    /// Adds a tick. The first gap is the one between the last tick and the next run.
    pub(super) fn push(
        &mut self,
        gap_ns: u64,
        symbol: Option<u8>,
        cents: Option<u32>,
    ) -> Result<(), LineError> {
        if self.offsets_ns.len() == MAX_TICKS {
            return Err(LineError::TooManyTicks);
        }
        let end = self.span_ns.checked_add(gap_ns).filter(|&ns| ns < 1 << 62);
        self.span_ns = end.ok_or(LineError::TooLong)?;
        self.offsets_ns.push(self.span_ns);
        self.symbols.extend(symbol);
        self.cents.extend(cents);
        Ok(())
    }

    /// Gives back the memory that no tick needs.
    pub(super) fn finish(&mut self) {
        self.offsets_ns.shrink_to_fit();
        self.symbols.shrink_to_fit();
        self.cents.shrink_to_fit();
    }

    /// Ticks of one run through the recording.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.offsets_ns.len() as u64
    }

    /// The length of one run through the recording, in ns.
    #[must_use]
    pub fn span_ns(&self) -> u64 {
        self.span_ns
    }

    /// Symbol and price of tick `seq`, as far as recorded.
    #[inline]
    #[must_use]
    pub fn quote(&self, seq: u64) -> (Option<u32>, Option<u64>) {
        let index = (seq % self.ticks()) as usize;
        let symbol = self.symbols.get(index).map(|&symbol| u32::from(symbol));
        (symbol, self.cents.get(index).map(|&cents| u64::from(cents)))
    }

    pub(crate) fn due_offset_ns(&self, seq: u64) -> u64 {
        let (run, index) = (seq / self.ticks(), (seq % self.ticks()) as usize);
        run * self.span_ns + self.offsets_ns[index]
    }

    pub(crate) fn due_count(&self, elapsed_ns: u64) -> u64 {
        let (run, within) = (elapsed_ns / self.span_ns, elapsed_ns % self.span_ns);
        let due = self.offsets_ns.partition_point(|&at| at <= within) as u64;
        run * self.ticks() + due
    }
}
