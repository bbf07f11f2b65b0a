//! The log: frames in append-only segments, from which all connections write. Offsets are
//! bytes since the start.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;
use tick::{Framer, frame_len_at};

/// Bytes of a segment: one write of a flood, and small enough for a CPU cache.
pub const SEGMENT_BYTES: usize = 128 * 1024;
/// In formats without a fixed length, the offset of every 64th tick is kept.
const MARK_TICKS: u64 = 64;
/// Empty segments that are kept for reuse.
const SPARE_SEGMENTS: usize = 8;

/// What a log keeps of each tick beside its bytes, for policies that choose among ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Its symbol.
    pub symbols: bool,
    /// When it was made.
    pub times: bool,
}

/// An append-only log of frames, freed from its front.
#[derive(Debug)]
pub struct Log {
    framer: Framer,
    metadata: Metadata,
    segment_bytes: usize,
    segments: VecDeque<Segment>,
    spare: Vec<Segment>,
    end: u64,
    ticks: u64,
    /// `(ticks up to here, made by then in ns)`, where times are kept.
    made: VecDeque<(u64, u64)>,
}

/// One tick in the log.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its place among the ticks of this log.
    pub seq: u64,
    /// Its symbol; 0 where symbols are not kept.
    pub symbol: u32,
    /// The whole frame.
    pub bytes: &'a [u8],
}

/// Whole frames only: no frame crosses from one segment into the next.
#[derive(Debug)]
struct Segment {
    /// Offset of its first byte.
    start: u64,
    /// Seq of its first tick.
    first: u64,
    bytes: Vec<u8>,
    /// Where tick `first + i * MARK_TICKS` begins within it.
    marks: Vec<u32>,
    /// The symbol of each tick, where symbols are kept.
    symbols: Vec<u8>,
}

impl Log {
    /// An empty log for one market and format.
    #[must_use]
    pub fn new(framer: Framer) -> Self {
        Self {
            framer,
            metadata: Metadata::default(),
            segment_bytes: SEGMENT_BYTES,
            segments: VecDeque::new(),
            spare: Vec::new(),
            end: 0,
            ticks: 0,
            made: VecDeque::new(),
        }
    }

    /// Keeps metadata of its ticks; to be called before the first tick.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata, ..self }
    }

    /// An empty log of the same kind, for copies of some of its ticks.
    #[must_use]
    pub fn empty(&self, segment_bytes: usize) -> Self {
        Self { segment_bytes, ..Self::new(self.framer.clone()).with_metadata(self.metadata) }
    }

    /// The offset behind the last tick.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many ticks were appended since the start.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Bytes that are not freed.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.segments.front().map_or(0, |first| self.end - first.start)
    }

    /// How many ticks fit into one segment, whatever their length.
    #[must_use]
    pub fn ticks_per_segment(&self) -> u64 {
        (self.segment_bytes / self.framer.max_frame_len()) as u64
    }

    /// Appends the next `count` ticks; `due_ns` gives each its due time.
    pub fn append(&mut self, count: u64, due_ns: impl Fn(u64) -> u64) {
        self.append_by(
            count,
            |framer, seqs, out| framer.append(seqs, &due_ns, out),
            |framer, seq| framer.symbol(seq),
        );
    }

    /// Appends the next `count` ticks, all with the symbol and price of tick `of` and the
    /// time `made_ns`.
    pub fn append_repeated(&mut self, count: u64, of: u64, made_ns: u64) {
        self.append_by(
            count,
            |framer, seqs, out| framer.append_repeated(seqs, of, made_ns, out),
            |framer, _| framer.symbol(of),
        );
    }

    /// Appends a copy of a tick of another log.
    pub fn append_copy(&mut self, frame: Frame<'_>) {
        if self.room() == 0 {
            self.open_segment();
        }
        self.append_within(self.ticks..self.ticks + 1, &|_, _, out| {
            out.extend_from_slice(frame.bytes);
        });
        if self.metadata.symbols
            && let Some(segment) = self.segments.back_mut()
        {
            segment.symbols.push(frame.symbol as u8);
        }
    }

    /// Notes that all ticks so far were made by `at_ns`, where times are kept.
    pub fn note_made(&mut self, at_ns: u64) {
        let is_new = self.made.back().is_none_or(|&(ticks, _)| ticks < self.ticks);
        if self.metadata.times && is_new && self.ticks > 0 {
            self.made.push_back((self.ticks, at_ns));
        }
    }

    fn append_by(
        &mut self,
        count: u64,
        frame: impl Fn(&Framer, Range<u64>, &mut Vec<u8>),
        symbol: impl Fn(&Framer, u64) -> u32,
    ) {
        let last = self.ticks + count;
        while self.ticks < last {
            let room = self.room();
            if room == 0 {
                self.open_segment();
                continue;
            }
            let seqs = self.ticks..last.min(self.ticks + room);
            self.append_within(seqs.clone(), &frame);
            if self.metadata.symbols
                && let Some(segment) = self.segments.back_mut()
            {
                segment.symbols.extend(seqs.map(|seq| symbol(&self.framer, seq) as u8));
            }
        }
    }

    /// How many more ticks fit into the last segment, whatever their length.
    fn room(&self) -> u64 {
        let used = self.segments.back().map_or(self.segment_bytes, |s| s.bytes.len());
        (self.segment_bytes.saturating_sub(used) / self.framer.max_frame_len()) as u64
    }

    fn open_segment(&mut self) {
        let mut segment = self.spare.pop().unwrap_or_else(|| Segment {
            start: 0,
            first: 0,
            bytes: Vec::with_capacity(self.segment_bytes),
            marks: Vec::new(),
            symbols: Vec::new(),
        });
        segment.bytes.clear();
        segment.marks.clear();
        segment.symbols.clear();
        segment.start = self.end;
        segment.first = self.ticks;
        self.segments.push_back(segment);
    }

    fn append_within(
        &mut self,
        seqs: Range<u64>,
        frame: &impl Fn(&Framer, Range<u64>, &mut Vec<u8>),
    ) {
        let fixed = self.framer.frame_len().is_some();
        let Some(segment) = self.segments.back_mut() else { return };
        let mut from = seqs.start;
        while from < seqs.end {
            // Up to the next mark, or all at once where marks are not needed.
            let to = match fixed {
                true => seqs.end,
                false => {
                    let within = (from - segment.first) % MARK_TICKS;
                    if within == 0 {
                        segment.marks.push(segment.bytes.len() as u32);
                    }
                    seqs.end.min(from + MARK_TICKS - within)
                }
            };
            frame(&self.framer, from..to, &mut segment.bytes);
            from = to;
        }
        self.end = segment.start + segment.bytes.len() as u64;
        self.ticks = seqs.end;
    }

    /// How many ticks end at or before `offset`. In formats without a fixed length, the
    /// bytes there must not be freed.
    #[must_use]
    pub fn whole_ticks(&self, offset: u64) -> u64 {
        match self.framer.frame_len() {
            Some(len) => offset / len as u64,
            None => self.walk(offset).0,
        }
    }

    /// The first frame boundary at or after `offset`.
    #[must_use]
    pub fn boundary(&self, offset: u64) -> u64 {
        match self.framer.frame_len() {
            Some(len) => offset.next_multiple_of(len as u64),
            None => self.walk(offset).1,
        }
    }

    /// How many ticks end at or before `offset`, and the first boundary at or after it.
    fn walk(&self, offset: u64) -> (u64, u64) {
        let Some(segment) = self.segment_of(offset) else { return (self.ticks, self.end) };
        let target = (offset - segment.start) as usize;
        let mark = segment.marks.partition_point(|&at| at as usize <= target).saturating_sub(1);
        let mut at = segment.marks.get(mark).map_or(0, |&at| at as usize);
        let mut tick = segment.first + mark as u64 * MARK_TICKS;
        while at < target {
            let next = at + frame_len_at(&segment.bytes[at..]);
            if next > target {
                return (tick, segment.start + next as u64);
            }
            at = next;
            tick += 1;
        }
        (tick, segment.start + at as u64)
    }

    /// Where tick `seq` begins; the end of the log, if it is not made yet.
    #[must_use]
    pub fn offset_of(&self, seq: u64) -> u64 {
        if seq >= self.ticks {
            return self.end;
        }
        if let Some(len) = self.framer.frame_len() {
            return seq * len as u64;
        }
        let index = self.segments.partition_point(|s| s.first <= seq).saturating_sub(1);
        let Some(segment) = self.segments.get(index) else { return self.end };
        let within = seq.saturating_sub(segment.first);
        let mut at = segment.marks.get((within / MARK_TICKS) as usize).map_or(0, |&at| at as usize);
        for _ in 0..within % MARK_TICKS {
            at += frame_len_at(&segment.bytes[at..]);
        }
        segment.start + at as u64
    }

    /// When tick `seq` was made, in ns; `None` where times are not kept, or it is not made
    /// yet.
    #[must_use]
    pub fn made_ns(&self, seq: u64) -> Option<u64> {
        let batch = self.made.partition_point(|&(ticks, _)| ticks <= seq);
        self.made.get(batch).map(|&(_, at_ns)| at_ns)
    }

    /// The first tick that was made at `at_ns` or later; the count of all ticks, if none was.
    #[must_use]
    pub fn first_made_since(&self, at_ns: u64) -> u64 {
        let batch = self.made.partition_point(|&(_, made_ns)| made_ns < at_ns);
        let before = batch.checked_sub(1).and_then(|batch| self.made.get(batch));
        before.map_or(0, |&(ticks, _)| ticks)
    }

    /// The ticks from the frame boundary at `offset` onwards.
    pub fn frames(&self, offset: u64) -> impl Iterator<Item = Frame<'_>> {
        let first = if offset < self.end { self.index_of(offset) } else { self.segments.len() };
        self.segments.range(first..).flat_map(move |segment| {
            let (mut at, mut seq) = match segment.start < offset {
                true => ((offset - segment.start) as usize, self.whole_ticks(offset)),
                false => (0, segment.first),
            };
            std::iter::from_fn(move || {
                let rest = segment.bytes.get(at..).filter(|rest| !rest.is_empty())?;
                let bytes = &rest[..frame_len_at(rest)];
                let symbol = segment.symbols.get((seq - segment.first) as usize);
                let frame = Frame { seq, symbol: symbol.map_or(0, |&s| s.into()), bytes };
                at += bytes.len();
                seq += 1;
                Some(frame)
            })
        })
    }

    /// The segment that holds the byte at `offset`; `None` at the end.
    fn segment_of(&self, offset: u64) -> Option<&Segment> {
        if offset >= self.end {
            return None;
        }
        self.segments.get(self.index_of(offset))
    }

    fn index_of(&self, offset: u64) -> usize {
        self.segments.partition_point(|s| s.start <= offset).saturating_sub(1)
    }

    /// Adds the bytes of `range` to `slices`, up to `limit` slices.
    pub fn slices<'a>(&'a self, range: Range<u64>, limit: usize, slices: &mut Vec<IoSlice<'a>>) {
        if range.is_empty() {
            return;
        }
        for segment in self.segments.range(self.index_of(range.start)..) {
            if segment.start >= range.end || slices.len() >= limit {
                return;
            }
            let from = range.start.saturating_sub(segment.start) as usize;
            let to = (range.end - segment.start).min(segment.bytes.len() as u64) as usize;
            slices.push(IoSlice::new(&segment.bytes[from..to]));
        }
    }

    /// Frees the segments that end at or before `offset`.
    pub fn free_before(&mut self, offset: u64) {
        while let Some(first) = self.segments.front() {
            let end = first.start + first.bytes.len() as u64;
            // The last segment stays while ticks still fit into it.
            if end > offset || (self.segments.len() == 1 && self.room() > 0) {
                return;
            }
            if let Some(segment) = self.segments.pop_front()
                && self.spare.len() < SPARE_SEGMENTS
            {
                self.spare.push(segment);
            }
            self.forget_times();
        }
    }

    /// Forgets when freed ticks were made.
    fn forget_times(&mut self) {
        let held = self.segments.front().map_or(self.ticks, |segment| segment.first);
        while self.made.front().is_some_and(|&(ticks, _)| ticks <= held) {
            self.made.pop_front();
        }
    }

    /// Whether offsets of ticks can be computed without the bytes.
    #[must_use]
    pub fn has_fixed_frames(&self) -> bool {
        self.framer.frame_len().is_some()
    }
}

#[cfg(test)]
mod tests;
