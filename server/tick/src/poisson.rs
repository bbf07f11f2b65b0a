//! A Poisson process that both sides recompute from its seed: gap n is the
//! hash of n, turned into an exponentially distributed time by the inverse of
//! its distribution function (L. Devroye, Non-Uniform Random Variate
//! Generation, 1986, section II.2). Times are summed up block by block, and the beginnings
//! of the blocks are kept, so that any seq is found quickly.

use crate::market::mix;
use std::cell::RefCell;
use std::sync::Arc;

/// Ticks of a block: a few µs to compute, which the server does between ticks.
const BLOCK: usize = 512;

/// The arrivals of one process, for one thread.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    mean_gap_ns: f64,
    seed: u64,
    /// When each block begins, as far as computed, in ns.
    begins: RefCell<Vec<f64>>,
    /// The two blocks that were computed last, the newest first.
    recent: RefCell<[Option<Numbered>; 2]>,
}

type Block = [u64; BLOCK];
/// A block with its number.
type Numbered = (usize, Arc<Block>);

impl Arrivals {
    pub(crate) fn new(rate_per_s: u64, seed: u64) -> Self {
        Self {
            mean_gap_ns: 1e9 / rate_per_s as f64,
            seed: mix(seed ^ 0x51ed_2701_93af_c6d5),
            begins: RefCell::new(vec![0.0]),
            recent: RefCell::default(),
        }
    }

    /// The gap before tick `seq`, in ns.
    fn gap_ns(&self, seq: u64) -> f64 {
        let hash = mix(seq ^ self.seed);
        // Between 0 and 1, both excluded.
        let uniform = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -uniform.ln() * self.mean_gap_ns
    }

    /// The due offsets of a block's ticks.
    fn block(&self, index: usize) -> Arc<Block> {
        let known = self.recent.borrow().iter().flatten().find(|(i, _)| *i == index).cloned();
        if let Some((_, block)) = known {
            return block;
        }
        let known = self.begins.borrow().len();
        for before in known..=index {
            self.block(before - 1);
        }
        let mut at = self.begins.borrow()[index];
        let mut block = [0; BLOCK];
        for (seq, due) in ((index * BLOCK) as u64..).zip(&mut block) {
            at += self.gap_ns(seq);
            *due = at as u64;
        }
        if self.begins.borrow().len() == index + 1 {
            self.begins.borrow_mut().push(at);
        }
        let block = Arc::new(block);
        let mut recent = self.recent.borrow_mut();
        recent.swap(0, 1);
        recent[0] = Some((index, Arc::clone(&block)));
        block
    }

    pub(crate) fn due_offset_ns(&self, seq: u64) -> u64 {
        self.block(seq as usize / BLOCK)[seq as usize % BLOCK]
    }

    pub(crate) fn due_count(&self, elapsed_ns: u64) -> u64 {
        loop {
            let (known, last) = {
                let begins = self.begins.borrow();
                (begins.len(), begins.last().copied().unwrap_or(0.0))
            };
            if last > elapsed_ns as f64 {
                break;
            }
            self.block(known - 1);
        }
        // The last block that has begun by then.
        let edge = elapsed_ns as f64;
        let index = self.begins.borrow().partition_point(|&at| at <= edge) - 1;
        let within = self.block(index).partition_point(|&due| due <= elapsed_ns);
        (index * BLOCK + within) as u64
    }
}
