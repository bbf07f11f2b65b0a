//! The newest tick of each symbol: what conflation leaves of all that waits.

use crate::connection::stream::own_queue::Copied;
use crate::log::segments::Frame;
use crate::log::symbols::Symbols;
use tick::SYMBOLS;

/// Copies of the newest frames.
#[derive(Debug)]
pub struct Newest {
    ticks: Vec<Option<Copied>>,
    frames: Vec<Vec<u8>>,
    len: usize,
}

impl Default for Newest {
    fn default() -> Self {
        let symbols = SYMBOLS as usize;
        Self { ticks: vec![None; symbols], frames: vec![Vec::new(); symbols], len: 0 }
    }
}

impl Newest {
    /// How many symbols have a tick that waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of their frames.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let waits = self.ticks.iter().zip(&self.frames).filter(|(tick, _)| tick.is_some());
        waits.map(|(_, frame)| frame.len() as u64).sum()
    }

    /// Whether none has.
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

    /// Takes ticks in, in the order of their seqs; gives how many were replaced by a
    /// newer one of their symbol, of these and of those that waited.
    pub fn take<'a>(
        &mut self,
        frames: impl Iterator<Item = Frame<'a>>,
        copied: impl Fn(Frame<'a>) -> Copied,
    ) -> u64 {
        let mut last: [Option<Frame<'a>>; SYMBOLS as usize] = [None; SYMBOLS as usize];
        let mut replaced = 0;
        for frame in frames {
            let place = &mut last[frame.symbol as usize];
            replaced += u64::from(place.is_some());
            *place = Some(frame);
        }
        // Only what stays is copied.
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

    /// Forgets the ticks of all other symbols.
    pub fn retain(&mut self, symbols: Symbols) {
        for (symbol, tick) in self.ticks.iter_mut().enumerate() {
            if !symbols.contains(symbol as u32) {
                *tick = None;
            }
        }
        self.len = self.ticks.iter().flatten().count();
    }

    /// Hands out all that wait, by ascending seq: each batch lies wholly behind the one
    /// before it, so that seqs ascend for ever, and no symbol waits for longer than one
    /// batch.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8], Copied)) {
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
