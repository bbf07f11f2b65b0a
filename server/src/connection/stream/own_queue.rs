//! Frames of one connection alone: control frames, and ticks that were copied from the
//! log. They are sent before the stream continues from the log.

use std::collections::VecDeque;
use std::io::IoSlice;

/// A tick that waits as a copy of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedTick {
    /// Its seq.
    pub seq: u64,
    /// When it was made, in ns of the monotonic clock.
    pub made_ns: u64,
    /// Its symbol.
    pub symbol: u32,
}

/// A frame that waits, or the rest of one.
#[derive(Debug, Clone, Copy)]
struct Entry {
    len: usize,
    kind: Kind,
}

/// What an entry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Control frames.
    Control,
    /// A ping, which carries the count of the ticks before it.
    Ping,
    /// The whole frame of a tick.
    Frame(CopiedTick),
    /// The rest of a tick's frame whose beginning was sent from the log.
    Rest(CopiedTick),
}

impl Kind {
    fn is_control(self) -> bool {
        matches!(self, Self::Control | Self::Ping)
    }
}

/// Bytes of one entry that were sent by one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// How many they are.
    pub bytes: usize,
    /// What they belong to.
    pub kind: Kind,
    /// Whether they begin with its first byte.
    pub begins: bool,
    /// Whether they end with its last byte.
    pub ends: bool,
}

/// A queue of frames.
#[derive(Debug, Default)]
pub struct OwnQueue {
    bytes: VecDeque<u8>,
    entries: VecDeque<Entry>,
    /// Bytes of the first entry that were sent.
    sent_of_first: usize,
    control_bytes: usize,
    ticks: u64,
}

impl OwnQueue {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of control frames that wait.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.control_bytes
    }

    /// Ticks that wait.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// The ticks that wait, in their order.
    pub fn copies(&self) -> impl Iterator<Item = CopiedTick> {
        self.entries.iter().filter_map(|entry| match entry.kind {
            Kind::Control | Kind::Ping => None,
            Kind::Frame(tick) | Kind::Rest(tick) => Some(tick),
        })
    }

    /// Whether the first frame was sent in part.
    #[must_use]
    pub fn is_partly_sent(&self) -> bool {
        self.sent_of_first > 0
    }

    /// Adds all bytes that wait to `slices`.
    pub fn slices<'a>(&'a self, slices: &mut Vec<IoSlice<'a>>) {
        let (front, back) = self.bytes.as_slices();
        slices.extend([front, back].into_iter().filter(|part| !part.is_empty()).map(IoSlice::new));
    }

    /// Adds control frames.
    pub fn push_control(&mut self, frames: &[u8]) {
        if !frames.is_empty() {
            self.control_bytes += frames.len();
            self.push(frames, Kind::Control);
        }
    }

    /// Adds a ping that carries the count of the ticks before it.
    pub fn push_ping(&mut self, frame: &[u8]) {
        if !frame.is_empty() {
            self.control_bytes += frame.len();
            self.push(frame, Kind::Ping);
        }
    }

    /// Adds the frame of a tick.
    pub fn push_frame(&mut self, frame: &[u8], tick: CopiedTick) {
        self.ticks += 1;
        self.push(frame, Kind::Frame(tick));
    }

    fn push(&mut self, bytes: &[u8], kind: Kind) {
        self.bytes.extend(bytes);
        self.entries.push_back(Entry { len: bytes.len(), kind });
    }

    /// Puts the rest of a frame whose beginning was sent from the log before all others.
    ///
    /// # Panics
    /// When another frame was sent in part: the two would be mixed.
    pub fn push_rest(&mut self, rest: &[u8], tick: CopiedTick) {
        assert!(!self.is_partly_sent(), "only one frame is sent in part at a time");
        self.ticks += 1;
        rest.iter().rev().for_each(|&byte| self.bytes.push_front(byte));
        self.entries.push_front(Entry { len: rest.len(), kind: Kind::Rest(tick) });
    }

    /// The first `bytes` bytes were sent; `each` gets the part of each entry.
    pub fn advance(&mut self, bytes: usize, mut each: impl FnMut(Sent)) {
        self.bytes.drain(..bytes);
        let mut left = bytes;
        while left > 0
            && let Some(&Entry { len, kind }) = self.entries.front()
        {
            let bytes = left.min(len - self.sent_of_first);
            let (begins, ends) = (self.sent_of_first == 0, self.sent_of_first + bytes == len);
            left -= bytes;
            self.sent_of_first += bytes;
            if kind.is_control() {
                self.control_bytes -= bytes;
            }
            if ends {
                self.sent_of_first = 0;
                self.ticks -= u64::from(!kind.is_control());
                self.entries.pop_front();
            }
            each(Sent { bytes, kind, begins, ends });
        }
    }

    /// Removes the oldest ticks of which nothing was sent, until the rest is no more than
    /// `bytes`, and was made at `since_ns` or later.
    pub fn keep_newest(&mut self, bytes: u64, since_ns: u64) {
        let (mut kept, mut sum) = (0, 0);
        for entry in self.entries.iter().rev() {
            let Kind::Frame(tick) = entry.kind else { continue };
            sum += entry.len as u64;
            if sum > bytes || tick.made_ns < since_ns {
                break;
            }
            kept += 1;
        }
        let is_frame = |entry: &&Entry| matches!(entry.kind, Kind::Frame(_));
        let mut older = self.entries.iter().filter(is_frame).count() - kept;
        if older == 0 {
            return;
        }
        self.retain_by(|_| {
            let keeps = older == 0;
            older = older.saturating_sub(1);
            keeps
        });
    }

    /// Removes the ticks of which nothing was sent, except those for which `keeps` is true.
    pub fn retain(&mut self, keeps: impl Fn(CopiedTick) -> bool) {
        self.retain_by(keeps);
    }

    /// Asks `keeps` for each whole frame in order; a frame that was sent in part stays.
    /// Pings are removed: they would count ticks that are removed.
    fn retain_by(&mut self, mut keeps: impl FnMut(CopiedTick) -> bool) {
        let mut old = std::mem::take(self);
        self.sent_of_first = old.sent_of_first;
        for (place, entry) in old.entries.into_iter().enumerate() {
            let len = if place == 0 { entry.len - old.sent_of_first } else { entry.len };
            let bytes = old.bytes.drain(..len);
            let is_partly_sent = place == 0 && old.sent_of_first > 0;
            match entry.kind {
                Kind::Frame(tick) if !keeps(tick) && !is_partly_sent => continue,
                Kind::Ping if !is_partly_sent => continue,
                Kind::Frame(_) | Kind::Rest(_) => self.ticks += 1,
                Kind::Control | Kind::Ping => self.control_bytes += len,
            }
            self.bytes.extend(bytes);
            self.entries.push_back(entry);
        }
    }

    /// Removes everything except a frame that was sent in part, for a close frame that is
    /// to be sent next.
    pub fn keep_partly_sent(&mut self) {
        let first = self.entries.front().copied();
        let keeps = |entry: &Entry| self.sent_of_first > 0 || matches!(entry.kind, Kind::Rest(_));
        let kept = first.filter(keeps);
        self.bytes.truncate(kept.map_or(0, |entry| entry.len - self.sent_of_first));
        self.entries.truncate(usize::from(kept.is_some()));
        let is_control = kept.is_some_and(|entry| entry.kind.is_control());
        self.control_bytes = if is_control { self.bytes.len() } else { 0 };
        self.ticks = u64::from(kept.is_some() && !is_control);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(seq: u64) -> CopiedTick {
        CopiedTick { seq, made_ns: 10 * seq, symbol: seq as u32 % 2 }
    }

    fn waiting(queue: &OwnQueue) -> Vec<u8> {
        let mut slices = Vec::new();
        queue.slices(&mut slices);
        slices.iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn the_part_of_each_entry_is_reported_when_it_is_sent() {
        let mut queue = OwnQueue::default();
        queue.push_control(b"pi");
        queue.push_frame(b"aaaa", tick(4));
        queue.push_frame(b"bbbb", tick(9));
        queue.push_rest(b"r", tick(3));
        assert_eq!(waiting(&queue), b"rpiaaaabbbb");
        assert_eq!((queue.ticks(), queue.control_bytes()), (3, 2));
        assert_eq!(queue.copies().map(|c| c.seq).collect::<Vec<_>>(), [3, 4, 9]);
        let mut sent = Vec::new();
        queue.advance(5, |entry| sent.push(entry));
        let entry = |bytes, kind, begins, ends| Sent { bytes, kind, begins, ends };
        assert_eq!(
            sent,
            [
                entry(1, Kind::Rest(tick(3)), true, true),
                entry(2, Kind::Control, true, true),
                entry(2, Kind::Frame(tick(4)), true, false),
            ]
        );
        assert!(queue.is_partly_sent());
        assert_eq!((queue.ticks(), queue.control_bytes(), queue.len()), (2, 0, 6));
        sent.clear();
        queue.advance(6, |entry| sent.push(entry));
        assert_eq!(
            sent,
            [
                entry(2, Kind::Frame(tick(4)), false, true),
                entry(4, Kind::Frame(tick(9)), true, true),
            ]
        );
        assert!(queue.is_empty() && !queue.is_partly_sent() && queue.ticks() == 0);
    }

    #[test]
    fn only_a_frame_that_was_sent_in_part_is_kept() {
        let mut queue = OwnQueue::default();
        queue.push_frame(b"aaaa", tick(1));
        queue.push_control(b"pi");
        queue.advance(1, |_| {});
        queue.keep_partly_sent();
        assert_eq!((waiting(&queue).as_slice(), queue.ticks()), (b"aaa".as_slice(), 1));
        queue.advance(3, |sent| assert!(sent.ends));
        queue.push_control(b"pi");
        queue.keep_partly_sent();
        assert!(queue.is_empty() && queue.control_bytes() == 0);
        queue.push_frame(b"aaaa", tick(2));
        queue.push_rest(b"zz", tick(1));
        queue.keep_partly_sent();
        assert_eq!((waiting(&queue).as_slice(), queue.ticks()), (b"zz".as_slice(), 1));
    }

    #[test]
    fn retained_frames_keep_their_order() {
        let mut queue = OwnQueue::default();
        queue.push_frame(b"aaa", tick(3));
        queue.push_control(b"po");
        queue.push_ping(b"pi");
        queue.push_frame(b"bbb", tick(5));
        queue.push_frame(b"ccc", tick(6));
        queue.advance(1, |_| {});
        queue.retain(|tick| tick.symbol == 0);
        // The ping would count a tick that was removed.
        assert_eq!(waiting(&queue), b"aapoccc");
        assert_eq!((queue.ticks(), queue.control_bytes(), queue.len()), (2, 2, 7));
        let mut ends = Vec::new();
        queue.advance(7, |sent| ends.push((sent.bytes, sent.begins, sent.ends)));
        assert_eq!(ends, [(2, false, true), (2, true, true), (3, true, true)]);
    }

    #[test]
    fn the_newest_ticks_are_kept_within_both_limits() {
        let of = |bytes, since_ns| {
            let mut queue = OwnQueue::default();
            queue.push_rest(b"r", tick(1));
            (2..6).for_each(|seq| queue.push_frame(b"ffff", tick(seq)));
            queue.push_control(b"po");
            queue.keep_newest(bytes, since_ns);
            assert_eq!(queue.control_bytes(), 2);
            queue.copies().map(|copy| copy.seq).collect::<Vec<_>>()
        };
        assert_eq!(of(16, 0), [1, 2, 3, 4, 5]);
        assert_eq!(of(15, 0), [1, 3, 4, 5]);
        assert_eq!(of(100, 40), [1, 4, 5]);
        assert_eq!(of(0, 0), [1]);
    }
}
