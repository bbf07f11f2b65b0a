//! The newest tick of each symbol: what conflation keeps of all that waits.

use crate::connection::stream::own_queue::CopiedTick;
use crate::log::segments::Frame;
use crate::log::symbols::Symbols;
use tick::SYMBOLS;

/// Copies of the newest frames.
#[derive(Debug)]
pub struct NewestTicks {
    /// The newest tick of each symbol, if one waits.
    ticks: Vec<Option<CopiedTick>>,
    /// The frames of these ticks.
    frames: Vec<Vec<u8>>,
    len: usize,
}

impl Default for NewestTicks {
    fn default() -> Self {
        let symbols = SYMBOLS as usize;
        Self { ticks: vec![None; symbols], frames: vec![Vec::new(); symbols], len: 0 }
    }
}

impl NewestTicks {
    /// How many symbols have a tick that waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the frames that wait.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let waiting = self.ticks.iter().zip(&self.frames).filter(|(tick, _)| tick.is_some());
        waiting.map(|(_, frame)| frame.len() as u64).sum()
    }

    /// Whether no tick waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The seqs that wait, ascending.
    #[must_use]
    pub fn seqs(&self) -> Vec<u64> {
        let mut seqs: Vec<u64> = self.ticks.iter().flatten().map(|tick| tick.seq).collect();
        seqs.sort_unstable();
        seqs
    }

    /// Adds ticks in the order of their seqs; gives how many ticks, of these and of those
    /// that waited, were replaced by a newer one of their symbol.
    pub fn insert<'a>(
        &mut self,
        frames: impl Iterator<Item = Frame<'a>>,
        copied: impl Fn(Frame<'a>) -> CopiedTick,
    ) -> u64 {
        let mut last: [Option<Frame<'a>>; SYMBOLS as usize] = [None; SYMBOLS as usize];
        let mut replaced = 0;
        for frame in frames {
            let place = &mut last[frame.symbol as usize];
            replaced += u64::from(place.is_some());
            *place = Some(frame);
        }
        // Only the frames that stay are copied.
        for (symbol, frame) in last.iter().enumerate() {
            let Some(frame) = frame else { continue };
            let former = self.ticks[symbol].replace(copied(*frame));
            replaced += u64::from(former.is_some());
            self.len += usize::from(former.is_none());
            self.frames[symbol].clear();
            self.frames[symbol].extend_from_slice(frame.bytes);
        }
        replaced
    }

    /// Removes the ticks of all other symbols.
    pub fn retain(&mut self, symbols: Symbols) {
        for (symbol, tick) in self.ticks.iter_mut().enumerate() {
            if !symbols.contains(symbol as u32) {
                *tick = None;
            }
        }
        self.len = self.ticks.iter().flatten().count();
    }

    /// Removes all ticks, by ascending seq. All seqs of a batch are above those of the batch
    /// before, so that seqs always ascend, and no symbol waits for longer than one batch.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8], CopiedTick)) {
        let mut order: Vec<usize> = (0..self.ticks.len()).collect();
        order.sort_unstable_by_key(|&symbol| self.ticks[symbol].map(|tick| tick.seq));
        for symbol in order {
            if let Some(tick) = self.ticks[symbol].take() {
                each(&self.frames[symbol], tick);
            }
        }
        self.len = 0;
    }
}
