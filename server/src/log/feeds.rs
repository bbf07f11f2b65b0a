//! The logs that connections write from: one with every tick, and one for each set of
//! symbols that a connection has subscribed to. A tick is encoded once; a smaller log gets
//! a copy of its frame.

use crate::log::segments::Log;
use crate::log::symbols::Symbols;

/// The feed with every tick.
pub const ALL_SYMBOLS: usize = 0;
/// Bytes of a segment of a smaller log: there may be thousands of such logs.
const SEGMENT_BYTES: usize = 16 * 1024;

#[derive(Debug)]
struct Feed {
    symbols: Symbols,
    log: Log,
    /// How many connections write from it.
    connections: usize,
    /// The first byte that one of its connections still needs.
    needed_from: u64,
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
        let all = Feed { symbols: Symbols::all(), log, connections: 0, needed_from: 0 };
        Self { feeds: vec![all] }
    }

    /// The log with every tick.
    #[must_use]
    pub fn all_symbols(&self) -> &Log {
        &self.feeds[ALL_SYMBOLS].log
    }

    /// The log with every tick, for appending.
    pub fn all_symbols_mut(&mut self) -> &mut Log {
        &mut self.feeds[ALL_SYMBOLS].log
    }

    /// The log of a feed.
    #[must_use]
    pub fn log(&self, feed: usize) -> &Log {
        &self.feeds[feed].log
    }

    /// The symbols of a feed.
    #[must_use]
    pub fn symbols(&self, feed: usize) -> Symbols {
        self.feeds[feed].symbols
    }

    /// Adds a connection to the feed with these symbols, which is made if needed; gives
    /// the feed.
    pub fn join(&mut self, symbols: Symbols) -> usize {
        let same = self.feeds.iter().position(|feed| feed.symbols == symbols);
        let feed = same.unwrap_or_else(|| self.create(symbols));
        self.feeds[feed].connections += 1;
        feed
    }

    fn create(&mut self, symbols: Symbols) -> usize {
        let log = self.all_symbols().empty(SEGMENT_BYTES);
        let feed = Feed { symbols, log, connections: 0, needed_from: 0 };
        // A feed without connections is replaced.
        let unused = self.feeds[1..].iter().position(|feed| feed.connections == 0);
        match unused {
            Some(place) => {
                self.feeds[place + 1] = feed;
                place + 1
            }
            None => {
                self.feeds.push(feed);
                self.feeds.len() - 1
            }
        }
    }

    /// Removes a connection from a feed.
    pub fn leave(&mut self, feed: usize) {
        self.feeds[feed].connections -= 1;
    }

    /// The ticks from `first` on were made at `now`: the smaller logs get copies of theirs.
    pub fn copy_made(&mut self, first: u64, now: u64) {
        let Some((all, others)) = self.feeds.split_first_mut() else { return };
        all.log.note_made(now);
        let from = all.log.offset_of(first);
        for feed in others.iter_mut().filter(|feed| feed.connections > 0) {
            for frame in all.log.frames(from) {
                if feed.symbols.contains(frame.symbol) {
                    feed.log.append_copy(frame);
                }
            }
            feed.log.note_made(now);
        }
    }

    /// Forgets what connections need, before each of them reports it by [`Self::need`].
    pub fn reset_needs(&mut self) {
        self.feeds.iter_mut().for_each(|feed| feed.needed_from = feed.log.end());
    }

    /// A connection needs the log of its feed from there on.
    pub fn need(&mut self, feed: usize, from: u64) {
        let needed_from = &mut self.feeds[feed].needed_from;
        *needed_from = (*needed_from).min(from);
    }

    /// Frees what no connection needs, after each has reported its need.
    pub fn free_unneeded(&mut self) {
        self.feeds.iter_mut().for_each(|feed| feed.log.free_before(feed.needed_from));
    }

    /// Bytes that a connection needs, and bytes that were made since the needs were reset.
    #[must_use]
    pub fn needed_bytes(&self) -> u64 {
        self.feeds.iter().map(|feed| feed.log.end() - feed.needed_from).sum()
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
    use crate::log::segments::Metadata;
    use tick::{Format, Framer, Market};

    fn feeds(format: Format, times: bool) -> Feeds {
        let log = Log::new(Framer::new(format, Market::new(5), 0));
        Feeds::new(log.with_metadata(Metadata { symbols: true, times }))
    }

    fn two(a: u32, b: u32) -> Symbols {
        Symbols::one(a).union(Symbols::one(b))
    }

    #[test]
    fn a_smaller_log_has_the_same_frames_of_its_symbols() {
        for format in [Format::Binary, Format::Json] {
            let mut feeds = feeds(format, true);
            let both = feeds.join(two(3, 9));
            assert_eq!(feeds.join(two(9, 3)), both, "the same set");
            for round in 0..40 {
                let first = feeds.all_symbols().ticks();
                feeds.all_symbols_mut().append(700, |seq| seq);
                feeds.copy_made(first, round);
            }
            let frames = |log: &Log| -> Vec<Vec<u8>> {
                log.frames(0).map(|frame| frame.bytes.to_vec()).collect()
            };
            let wanted: Vec<Vec<u8>> = feeds
                .all_symbols()
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
    fn a_feed_without_connections_gets_no_ticks_and_is_replaced() {
        let mut feeds = feeds(Format::Binary, false);
        let first = feeds.join(Symbols::one(3));
        feeds.leave(first);
        feeds.all_symbols_mut().append(1000, |seq| seq);
        feeds.copy_made(0, 1);
        assert_eq!(feeds.log(first).ticks(), 0);
        assert_eq!(feeds.join(Symbols::one(4)), first);
        feeds.reset_needs();
        feeds.need(ALL_SYMBOLS, 600);
        feeds.free_unneeded();
        assert!(feeds.held_bytes() > 0);
        assert_eq!(feeds.join(Symbols::all()), ALL_SYMBOLS);
    }
}
