//! The logs that connections write from: one with every tick, and one for each set of
//! symbols that somebody has subscribed to. A tick is encoded once; a smaller log gets a
//! copy of its frame.

use crate::log::segments::Log;
use crate::log::symbols::Symbols;

/// The log with every tick.
pub const WHOLE: usize = 0;
/// Bytes of a segment of a smaller log: there may be thousands of them.
const SEGMENT_BYTES: usize = 16 * 1024;

#[derive(Debug)]
struct Feed {
    symbols: Symbols,
    log: Log,
    /// Connections that write from it.
    listeners: usize,
    /// From where on the slowest of them needs it.
    needed: u64,
}

/// All logs of an engine.
#[derive(Debug)]
pub struct Feeds {
    feeds: Vec<Feed>,
}

impl Feeds {
    /// Only the log with every tick.
    #[must_use]
    pub fn new(log: Log) -> Self {
        let whole = Feed { symbols: Symbols::all(), log, listeners: 0, needed: 0 };
        Self { feeds: vec![whole] }
    }

    /// The log with every tick.
    #[must_use]
    pub fn whole(&self) -> &Log {
        &self.feeds[WHOLE].log
    }

    /// The same, to append to.
    pub fn whole_mut(&mut self) -> &mut Log {
        &mut self.feeds[WHOLE].log
    }

    /// The log of a feed.
    #[must_use]
    pub fn log(&self, feed: usize) -> &Log {
        &self.feeds[feed].log
    }

    /// A feed of those symbols, for one more connection.
    pub fn join(&mut self, symbols: Symbols) -> usize {
        let same = self.feeds.iter().position(|feed| feed.symbols == symbols);
        let feed = same.unwrap_or_else(|| {
            let log = self.whole().empty(SEGMENT_BYTES);
            let feed = Feed { symbols, log, listeners: 0, needed: 0 };
            // One that nobody listens to has a place to give.
            let idle = self.feeds[1..].iter().position(|feed| feed.listeners == 0);
            match idle {
                Some(place) => {
                    self.feeds[place + 1] = feed;
                    place + 1
                }
                None => {
                    self.feeds.push(feed);
                    self.feeds.len() - 1
                }
            }
        });
        self.feeds[feed].listeners += 1;
        feed
    }

    /// A connection leaves a feed.
    pub fn leave(&mut self, feed: usize) {
        self.feeds[feed].listeners -= 1;
    }

    /// The symbols of a feed.
    #[must_use]
    pub fn symbols(&self, feed: usize) -> Symbols {
        self.feeds[feed].symbols
    }

    /// The ticks from `first` on are made, at `now`: the smaller logs get theirs.
    pub fn made(&mut self, first: u64, now: u64) {
        let Some((whole, others)) = self.feeds.split_first_mut() else { return };
        whole.log.stamp(now);
        let from = whole.log.offset_of(first);
        for feed in others.iter_mut().filter(|feed| feed.listeners > 0) {
            for frame in whole.log.frames(from) {
                if feed.symbols.contains(frame.symbol) {
                    feed.log.append_copy(frame);
                }
            }
            feed.log.stamp(now);
        }
    }

    /// Begins to ask every connection from where on it needs its log.
    pub fn ask(&mut self) {
        self.feeds.iter_mut().for_each(|feed| feed.needed = feed.log.end());
    }

    /// A connection needs its log from there on.
    pub fn need(&mut self, feed: usize, from: u64) {
        let needed = &mut self.feeds[feed].needed;
        *needed = (*needed).min(from);
    }

    /// Frees what nobody needs, after every connection was asked.
    pub fn free(&mut self) {
        self.feeds.iter_mut().for_each(|feed| feed.log.free(feed.needed));
    }

    /// Bytes that somebody needs, after every connection was asked, and what was made since.
    #[must_use]
    pub fn needed_bytes(&self) -> u64 {
        self.feeds.iter().map(|feed| feed.log.end() - feed.needed).sum()
    }

    /// Bytes that all logs hold.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.feeds.iter().map(|feed| feed.log.held_bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::segments::Memory;
    use tick::{Format, Framer, Market};

    fn two(a: u32, b: u32) -> Symbols {
        Symbols::one(a).union(Symbols::one(b))
    }

    #[test]
    fn a_smaller_log_has_the_same_frames_of_its_symbols() {
        for format in [Format::Binary, Format::Json] {
            let memory = Memory { symbols: true, times: true };
            let log = Log::new(Framer::new(format, Market::new(5), 0)).remembering(memory);
            let mut feeds = Feeds::new(log);
            let both = feeds.join(two(3, 9));
            assert_eq!(feeds.join(two(9, 3)), both, "the same set");
            for round in 0..40 {
                let first = feeds.whole().ticks();
                feeds.whole_mut().append(700, |seq| seq);
                feeds.made(first, round);
            }
            let frames = |log: &Log| -> Vec<Vec<u8>> {
                log.frames(0).map(|frame| frame.bytes.to_vec()).collect()
            };
            let wanted: Vec<Vec<u8>> = feeds
                .whole()
                .frames(0)
                .filter(|frame| [3, 9].contains(&frame.symbol))
                .map(|frame| frame.bytes.to_vec())
                .collect();
            assert!(wanted.len() > 500);
            assert_eq!(frames(feeds.log(both)), wanted);
            assert_eq!(feeds.log(both).ticks(), wanted.len() as u64);
        }
    }

    #[test]
    fn a_feed_that_nobody_hears_takes_nothing_in_and_gives_its_place() {
        let memory = Memory { symbols: true, times: false };
        let log = Log::new(Framer::new(Format::Binary, Market::new(5), 0)).remembering(memory);
        let mut feeds = Feeds::new(log);
        let first = feeds.join(Symbols::one(3));
        feeds.leave(first);
        feeds.whole_mut().append(1000, |seq| seq);
        feeds.made(0, 1);
        assert_eq!(feeds.log(first).ticks(), 0);
        assert_eq!(feeds.join(Symbols::one(4)), first);
        feeds.ask();
        feeds.need(WHOLE, 600);
        feeds.free();
        assert!(feeds.held_bytes() > 0);
        assert_eq!(feeds.join(Symbols::all()), WHOLE);
    }
}
