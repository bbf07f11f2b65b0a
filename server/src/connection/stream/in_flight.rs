//! What a connection has in flight: which bytes of its stream are ticks, so that a count of
//! acknowledged bytes becomes a count of ticks.

use crate::log::segments::Log;
use std::collections::VecDeque;

/// A part of the stream that is not completely acknowledged.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Bytes of the stream up to its end.
    stream_end: u64,
    /// Ticks of the stream that end at or before its end.
    ticks_end: u64,
    kind: RunKind,
}

#[derive(Debug, Clone, Copy)]
enum RunKind {
    /// Bytes of the log, from one offset to another; and the seq after its end.
    Log { start: u64, end: u64, seq_end: u64 },
    /// Frames of one length, copied from the log.
    Copies { len: u64 },
    /// A part of a frame.
    Other,
    /// Control frames: they end no tick.
    Control,
}

/// The unacknowledged part of a stream, and how much is acknowledged.
#[derive(Debug, Default)]
pub struct InFlight {
    runs: VecDeque<Run>,
    stream_end: u64,
    ticks_end: u64,
    acked_bytes: u64,
    acked_ticks: u64,
}

impl InFlight {
    /// Bytes of the stream that the kernel has taken.
    #[must_use]
    pub fn stream_bytes(&self) -> u64 {
        self.stream_end
    }

    /// Ticks of which the kernel has taken the last byte.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks_end
    }

    /// Bytes of the log up to offset `end` were sent: they end `ticks` ticks, of which the
    /// last is the one before `seq_end`.
    pub fn push_log(&mut self, bytes: u64, end: u64, seq_end: u64, ticks: u64) {
        let start = end - bytes;
        self.grow(bytes, ticks);
        if let Some(Run { stream_end, ticks_end, kind: RunKind::Log { end: to, seq_end: seq, .. } }) =
            self.runs.back_mut()
            && *to == start
        {
            (*stream_end, *ticks_end) = (self.stream_end, self.ticks_end);
            (*to, *seq) = (end, seq_end);
            return;
        }
        self.push(RunKind::Log { start, end, seq_end });
    }

    /// The whole frame of a tick that was copied from the log was sent.
    pub fn push_copy(&mut self, bytes: u64) {
        self.grow(bytes, 1);
        if let Some(Run { stream_end, ticks_end, kind: RunKind::Copies { len } }) =
            self.runs.back_mut()
            && *len == bytes
        {
            (*stream_end, *ticks_end) = (self.stream_end, self.ticks_end);
            return;
        }
        self.push(RunKind::Copies { len: bytes });
    }

    /// Bytes of control frames were sent. Any number of them in a row is one entry here, so
    /// that many small answers take no more memory than few large ones.
    pub fn push_control(&mut self, bytes: u64) {
        self.grow(bytes, 0);
        match self.runs.back_mut() {
            Some(Run { stream_end, kind: RunKind::Control, .. }) => *stream_end = self.stream_end,
            _ => self.push(RunKind::Control),
        }
    }

    /// A part of a frame was sent: it ends `ticks` ticks, 0 or 1.
    pub fn push_other(&mut self, bytes: u64, ticks: u64) {
        self.grow(bytes, ticks);
        self.push(RunKind::Other);
    }

    /// Forgets offsets in the log, because the stream continues from another log, or the
    /// log is not to be kept for them: a run counts once it is completely acknowledged.
    pub fn forget_log_offsets(&mut self) {
        for run in self.runs.iter_mut().filter(|run| matches!(run.kind, RunKind::Log { .. })) {
            run.kind = RunKind::Other;
        }
    }

    fn grow(&mut self, bytes: u64, ticks: u64) {
        self.stream_end += bytes;
        self.ticks_end += ticks;
    }

    fn push(&mut self, kind: RunKind) {
        self.runs.push_back(Run { stream_end: self.stream_end, ticks_end: self.ticks_end, kind });
    }

    /// The first `bytes` of the stream are acknowledged; gives how many ticks are.
    pub fn acknowledge(&mut self, bytes: u64, log: &Log) -> u64 {
        self.acked_bytes = bytes.clamp(self.acked_bytes, self.stream_end);
        while let Some(front) = self.runs.front()
            && front.stream_end <= self.acked_bytes
        {
            self.acked_ticks = front.ticks_end;
            self.runs.pop_front();
        }
        let Some(front) = self.runs.front() else { return self.acked_ticks };
        let rest = front.stream_end - self.acked_bytes;
        let ticks = match front.kind {
            RunKind::Log { end, seq_end, .. } => {
                // Before the start of the run, nothing may be looked up.
                let at = end - rest.min(end - self.start_of(front));
                front.ticks_end - (seq_end - log.whole_ticks(at))
            }
            RunKind::Copies { len } => front.ticks_end - rest.div_ceil(len),
            RunKind::Other | RunKind::Control => self.acked_ticks,
        };
        self.acked_ticks = self.acked_ticks.max(ticks);
        self.acked_ticks
    }

    fn start_of(&self, run: &Run) -> u64 {
        match run.kind {
            RunKind::Log { start, .. } => start,
            RunKind::Copies { .. } | RunKind::Other | RunKind::Control => 0,
        }
    }

    /// The offset from which the log has to be kept to look up what will be acknowledged;
    /// `None`: nothing of it.
    #[must_use]
    pub fn needs_from(&self) -> Option<u64> {
        let is_log = |run: &&Run| matches!(run.kind, RunKind::Log { .. });
        let first = self.runs.iter().find(is_log)?;
        let RunKind::Log { start, end, .. } = first.kind else { return None };
        Some(end.saturating_sub(first.stream_end - self.acked_bytes).max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tick::{Format, Framer, Market};

    fn log(format: Format, ticks: u64) -> Log {
        let mut log = Log::new(Framer::new(format, Market::new(3), 0));
        log.append(ticks, |seq| seq);
        log
    }

    #[test]
    fn acknowledged_bytes_of_the_log_are_whole_ticks() {
        for format in [Format::Binary, Format::Json] {
            let log = log(format, 100);
            let mut in_flight = InFlight::default();
            let half = log.end() / 2;
            in_flight.push_log(half, half, log.whole_ticks(half), log.whole_ticks(half));
            in_flight.push_log(log.end() - half, log.end(), 100, 100 - log.whole_ticks(half));
            for bytes in 0..=log.end() {
                assert_eq!(in_flight.acknowledge(bytes, &log), log.whole_ticks(bytes), "{bytes}");
                let needed = in_flight.needs_from();
                assert_eq!(needed, (bytes < log.end()).then_some(bytes), "{bytes}");
            }
            assert_eq!((in_flight.ticks(), in_flight.stream_bytes()), (100, log.end()));
        }
    }

    /// Ten ticks, a ping, two copies of other ticks, and a later part of the log.
    #[test]
    fn control_frames_and_skipped_ticks_are_not_counted() {
        let log = log(Format::Binary, 100);
        let mut in_flight = InFlight::default();
        in_flight.push_log(300, 300, 10, 10);
        in_flight.push_control(10);
        in_flight.push_copy(30);
        in_flight.push_copy(30);
        in_flight.push_log(60, 960, 32, 2);
        let ticks: Vec<u64> = [299, 300, 305, 310, 339, 340, 369, 370, 399, 400, 429, 430]
            .map(|bytes| in_flight.acknowledge(bytes, &log))
            .to_vec();
        assert_eq!(ticks, [9, 10, 10, 10, 10, 11, 11, 12, 12, 13, 13, 14]);
        assert_eq!(in_flight.needs_from(), None);
    }

    #[test]
    fn the_count_never_falls_and_never_exceeds_what_was_sent() {
        let log = log(Format::Binary, 10);
        let mut in_flight = InFlight::default();
        in_flight.push_log(45, 45, 1, 1);
        assert_eq!(in_flight.acknowledge(1 << 40, &log), 1);
        assert_eq!(in_flight.acknowledge(3, &log), 1);
        in_flight.push_other(15, 1);
        assert_eq!(in_flight.acknowledge(59, &log), 1);
        assert_eq!(in_flight.acknowledge(60, &log), 2);
    }

    /// A client may send any number of pings and acknowledge nothing.
    #[test]
    fn control_frames_in_a_row_are_one_entry() {
        let log = log(Format::Binary, 10);
        let mut in_flight = InFlight::default();
        in_flight.push_log(30, 30, 1, 1);
        (0..1000).for_each(|_| in_flight.push_control(2));
        in_flight.push_other(15, 1);
        in_flight.push_control(2);
        assert_eq!(in_flight.runs.len(), 4);
        let ticks =
            [29, 30, 2029, 2030, 2045, 2047].map(|bytes| in_flight.acknowledge(bytes, &log));
        assert_eq!(ticks, [0, 1, 1, 1, 2, 2]);
    }
}
