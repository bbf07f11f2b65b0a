//! Bytes of one connection alone: control frames, and ticks that were copied out of the
//! log. They go out before the log goes on.

use std::collections::VecDeque;
use std::io::IoSlice;

/// A tick that waits as a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Which tick.
    pub seq: u64,
    /// When it was made, in ns of the monotonic clock.
    pub made_ns: u64,
    /// Its symbol.
    pub symbol: u32,
}

/// A frame, or the rest of one, that waits.
#[derive(Debug, Clone, Copy)]
struct Piece {
    len: usize,
    kind: Kind,
}

/// What a piece carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Control frames.
    Control,
    /// A ping, which carries the count of the ticks before it.
    Ping,
    /// The whole frame of a tick.
    Frame(Copied),
    /// The rest of a tick's frame that the log has begun.
    Rest(Copied),
}

impl Kind {
    fn is_control(self) -> bool {
        matches!(self, Self::Control | Self::Ping)
    }
}

/// What became of the bytes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// How many they are.
    pub bytes: usize,
    /// What they belong to.
    pub kind: Kind,
    /// Whether they begin it.
    pub begins: bool,
    /// Whether they end it.
    pub ends: bool,
}

/// A queue of frames.
#[derive(Debug, Default)]
pub struct Aside {
    bytes: VecDeque<u8>,
    pieces: VecDeque<Piece>,
    /// How much of the first piece is gone.
    begun: usize,
    control_bytes: usize,
    ticks: u64,
}

impl Aside {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
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
    pub fn copies(&self) -> impl Iterator<Item = Copied> {
        self.pieces.iter().filter_map(|piece| match piece.kind {
            Kind::Control | Kind::Ping => None,
            Kind::Frame(tick) | Kind::Rest(tick) => Some(tick),
        })
    }

    /// Whether the first frame is gone in part.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.begun > 0
    }

    /// What waits.
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

    /// Adds a ping that counts the ticks before it.
    pub fn push_ping(&mut self, frame: &[u8]) {
        if !frame.is_empty() {
            self.control_bytes += frame.len();
            self.push(frame, Kind::Ping);
        }
    }

    /// Adds the frame of a tick.
    pub fn push_frame(&mut self, frame: &[u8], tick: Copied) {
        self.ticks += 1;
        self.push(frame, Kind::Frame(tick));
    }

    fn push(&mut self, bytes: &[u8], kind: Kind) {
        self.bytes.extend(bytes);
        self.pieces.push_back(Piece { len: bytes.len(), kind });
    }

    /// Puts the rest of a frame that the log has begun before everything else.
    ///
    /// # Panics
    /// When another frame is gone in part: the two would be mixed.
    pub fn push_rest(&mut self, rest: &[u8], tick: Copied) {
        assert!(!self.is_begun(), "the log is in the middle of a frame, so this is not");
        self.ticks += 1;
        rest.iter().rev().for_each(|&byte| self.bytes.push_front(byte));
        self.pieces.push_front(Piece { len: rest.len(), kind: Kind::Rest(tick) });
    }

    /// The first `sent` bytes are gone; `gone` is told of each piece.
    pub fn advance(&mut self, sent: usize, mut gone: impl FnMut(Gone)) {
        self.bytes.drain(..sent);
        let mut left = sent;
        while left > 0
            && let Some(&Piece { len, kind }) = self.pieces.front()
        {
            let bytes = left.min(len - self.begun);
            let (begins, ends) = (self.begun == 0, self.begun + bytes == len);
            left -= bytes;
            self.begun += bytes;
            if kind.is_control() {
                self.control_bytes -= bytes;
            }
            if ends {
                self.begun = 0;
                self.ticks -= u64::from(!kind.is_control());
                self.pieces.pop_front();
            }
            gone(Gone { bytes, kind, begins, ends });
        }
    }

    /// Forgets the oldest ticks of which no byte is gone, until all that waits is no more
    /// than `bytes`, and was made at `since_ns` or later.
    pub fn keep_newest(&mut self, bytes: u64, since_ns: u64) {
        let (mut kept, mut sum) = (0, 0);
        for piece in self.pieces.iter().rev() {
            let Kind::Frame(tick) = piece.kind else { continue };
            sum += piece.len as u64;
            if sum > bytes || tick.made_ns < since_ns {
                break;
            }
            kept += 1;
        }
        let is_frame = |piece: &&Piece| matches!(piece.kind, Kind::Frame(_));
        let mut older = self.pieces.iter().filter(is_frame).count() - kept;
        if older == 0 {
            return;
        }
        self.retain_by(|_| {
            let keeps = older == 0;
            older = older.saturating_sub(1);
            keeps
        });
    }

    /// Forgets the ticks of which no byte is gone, but for those that `keeps` names.
    pub fn retain(&mut self, keeps: impl Fn(Copied) -> bool) {
        self.retain_by(keeps);
    }

    /// Asks of each whole frame, in their order; what is gone in part stays. A ping would
    /// count ticks that are no more: it goes with them.
    fn retain_by(&mut self, mut keeps: impl FnMut(Copied) -> bool) {
        let mut old = std::mem::take(self);
        self.begun = old.begun;
        for (place, piece) in old.pieces.into_iter().enumerate() {
            let len = if place == 0 { piece.len - old.begun } else { piece.len };
            let bytes = old.bytes.drain(..len);
            let is_begun = place == 0 && old.begun > 0;
            match piece.kind {
                Kind::Frame(tick) if !keeps(tick) && !is_begun => continue,
                Kind::Ping if !is_begun => continue,
                Kind::Frame(_) | Kind::Rest(_) => self.ticks += 1,
                Kind::Control | Kind::Ping => self.control_bytes += len,
            }
            self.bytes.extend(bytes);
            self.pieces.push_back(piece);
        }
    }

    /// Forgets everything but what is gone in part, or must be: for a close frame that
    /// cannot wait behind it.
    pub fn cut(&mut self) {
        let first = self.pieces.front().copied();
        let keeps = |piece: &Piece| self.begun > 0 || matches!(piece.kind, Kind::Rest(_));
        let kept = first.filter(keeps);
        self.bytes.truncate(kept.map_or(0, |piece| piece.len - self.begun));
        self.pieces.truncate(usize::from(kept.is_some()));
        let is_control = kept.is_some_and(|piece| piece.kind.is_control());
        self.control_bytes = if is_control { self.bytes.len() } else { 0 };
        self.ticks = u64::from(kept.is_some() && !is_control);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(seq: u64) -> Copied {
        Copied { seq, made_ns: 10 * seq, symbol: seq as u32 % 2 }
    }

    fn waiting(aside: &Aside) -> Vec<u8> {
        let mut slices = Vec::new();
        aside.slices(&mut slices);
        slices.iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn pieces_are_told_as_they_go() {
        let mut aside = Aside::default();
        aside.push_control(b"pi");
        aside.push_frame(b"aaaa", tick(4));
        aside.push_frame(b"bbbb", tick(9));
        aside.push_rest(b"r", tick(3));
        assert_eq!(waiting(&aside), b"rpiaaaabbbb");
        assert_eq!((aside.ticks(), aside.control_bytes()), (3, 2));
        assert_eq!(aside.copies().map(|c| c.seq).collect::<Vec<_>>(), [3, 4, 9]);
        let mut gone = Vec::new();
        aside.advance(5, |piece| gone.push(piece));
        let piece = |bytes, kind, begins, ends| Gone { bytes, kind, begins, ends };
        assert_eq!(
            gone,
            [
                piece(1, Kind::Rest(tick(3)), true, true),
                piece(2, Kind::Control, true, true),
                piece(2, Kind::Frame(tick(4)), true, false),
            ]
        );
        assert!(aside.is_begun());
        assert_eq!((aside.ticks(), aside.control_bytes(), aside.len()), (2, 0, 6));
        gone.clear();
        aside.advance(6, |piece| gone.push(piece));
        assert_eq!(
            gone,
            [
                piece(2, Kind::Frame(tick(4)), false, true),
                piece(4, Kind::Frame(tick(9)), true, true),
            ]
        );
        assert!(aside.is_empty() && !aside.is_begun() && aside.ticks() == 0);
    }

    #[test]
    fn a_cut_leaves_what_is_begun() {
        let mut aside = Aside::default();
        aside.push_frame(b"aaaa", tick(1));
        aside.push_control(b"pi");
        aside.advance(1, |_| {});
        aside.cut();
        assert_eq!((waiting(&aside).as_slice(), aside.ticks()), (b"aaa".as_slice(), 1));
        aside.advance(3, |gone| assert!(gone.ends));
        aside.push_control(b"pi");
        aside.cut();
        assert!(aside.is_empty() && aside.control_bytes() == 0);
        aside.push_frame(b"aaaa", tick(2));
        aside.push_rest(b"zz", tick(1));
        aside.cut();
        assert_eq!((waiting(&aside).as_slice(), aside.ticks()), (b"zz".as_slice(), 1));
    }

    #[test]
    fn what_is_retained_keeps_its_order_and_what_is_begun() {
        let mut aside = Aside::default();
        aside.push_frame(b"aaa", tick(3));
        aside.push_control(b"po");
        aside.push_ping(b"pi");
        aside.push_frame(b"bbb", tick(5));
        aside.push_frame(b"ccc", tick(6));
        aside.advance(1, |_| {});
        aside.retain(|tick| tick.symbol == 0);
        // The ping would count a tick that is no more.
        assert_eq!(waiting(&aside), b"aapoccc");
        assert_eq!((aside.ticks(), aside.control_bytes(), aside.len()), (2, 2, 7));
        let mut ends = Vec::new();
        aside.advance(7, |gone| ends.push((gone.bytes, gone.begins, gone.ends)));
        assert_eq!(ends, [(2, false, true), (2, true, true), (3, true, true)]);
    }

    #[test]
    fn the_newest_are_kept_as_far_as_they_fit_and_are_young_enough() {
        let of = |bytes, since_ns| {
            let mut aside = Aside::default();
            aside.push_rest(b"r", tick(1));
            (2..6).for_each(|seq| aside.push_frame(b"ffff", tick(seq)));
            aside.push_control(b"po");
            aside.keep_newest(bytes, since_ns);
            assert_eq!(aside.control_bytes(), 2);
            aside.copies().map(|copy| copy.seq).collect::<Vec<_>>()
        };
        assert_eq!(of(16, 0), [1, 2, 3, 4, 5]);
        assert_eq!(of(15, 0), [1, 3, 4, 5]);
        assert_eq!(of(100, 40), [1, 4, 5]);
        assert_eq!(of(0, 0), [1]);
    }
}
