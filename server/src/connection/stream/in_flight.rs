//! What is in flight on a connection: which bytes of its stream are ticks, so that a
//! count of acknowledged bytes becomes a count of ticks. Pure bookkeeping.

use crate::log::segments::Log;
use std::collections::VecDeque;

/// A stretch of the stream that has not been acknowledged as a whole.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Bytes of the stream up to its end.
    stream_end: u64,
    /// Ticks of the stream that are whole at its end.
    ticks_end: u64,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// Bytes of the log, from one offset to another; and the seq behind its end.
    Log { start: u64, end: u64, seq_end: u64 },
    /// Frames of one length, copied from the log.
    Copies { len: u64 },
    /// A part of a frame.
    Other,
    /// Control frames: they end no tick.
    Control,
}

/// The unacknowledged part of a stream, and how far it is acknowledged.
#[derive(Debug, Default)]
pub struct Flight {
    runs: VecDeque<Run>,
    stream_end: u64,
    ticks_end: u64,
    acked_bytes: u64,
    acked_ticks: u64,
}

impl Flight {
    /// Bytes of the stream that the kernel has taken.
    #[must_use]
    pub fn stream_bytes(&self) -> u64 {
        self.stream_end
    }

    /// Ticks of which the kernel has taken every byte.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks_end
    }

    /// Bytes of the log up to offset `end` have gone, which ended `ticks` ticks, the
    /// last of them the one before `seq_end`.
    pub fn push_log(&mut self, bytes: u64, end: u64, seq_end: u64, ticks: u64) {
        let start = end - bytes;
        self.grow(bytes, ticks);
        if let Some(Run { stream_end, ticks_end, what: What::Log { end: to, seq_end: seq, .. } }) =
            self.runs.back_mut()
            && *to == start
        {
            (*stream_end, *ticks_end) = (self.stream_end, self.ticks_end);
            (*to, *seq) = (end, seq_end);
            return;
        }
        self.push(What::Log { start, end, seq_end });
    }

    /// A whole frame of a tick that was copied from the log has gone.
    pub fn push_copy(&mut self, bytes: u64) {
        self.grow(bytes, 1);
        if let Some(Run { stream_end, ticks_end, what: What::Copies { len } }) =
            self.runs.back_mut()
            && *len == bytes
        {
            (*stream_end, *ticks_end) = (self.stream_end, self.ticks_end);
            return;
        }
        self.push(What::Copies { len: bytes });
    }

    /// Bytes of control frames have gone. Any number of them in a row is one entry here,
    /// so that a client that is answered often costs no more than its answers.
    pub fn push_control(&mut self, bytes: u64) {
        self.grow(bytes, 0);
        match self.runs.back_mut() {
            Some(Run { stream_end, what: What::Control, .. }) => *stream_end = self.stream_end,
            _ => self.push(What::Control),
        }
    }

    /// A part of a frame has gone, which ended `ticks` ticks: none, or one.
    pub fn push_other(&mut self, bytes: u64, ticks: u64) {
        self.grow(bytes, ticks);
        self.push(What::Other);
    }

    /// The stream goes on from another log: places in this one mean nothing any more,
    /// and what is in flight counts once it is acknowledged as a whole.
    pub fn forget_places(&mut self) {
        for run in self.runs.iter_mut().filter(|run| matches!(run.what, What::Log { .. })) {
            run.what = What::Other;
        }
    }

    fn grow(&mut self, bytes: u64, ticks: u64) {
        self.stream_end += bytes;
        self.ticks_end += ticks;
    }

    fn push(&mut self, what: What) {
        self.runs.push_back(Run { stream_end: self.stream_end, ticks_end: self.ticks_end, what });
    }

    /// The first `bytes` of the stream are acknowledged; gives the ticks that are.
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
        let ticks = match front.what {
            What::Log { end, seq_end, .. } => {
                // Of a run that is not reached yet, nothing may be looked up.
                let at = end - rest.min(end - self.start_of(front));
                front.ticks_end - (seq_end - log.whole_ticks(at))
            }
            What::Copies { len } => front.ticks_end - rest.div_ceil(len),
            What::Other | What::Control => self.acked_ticks,
        };
        self.acked_ticks = self.acked_ticks.max(ticks);
        self.acked_ticks
    }

    fn start_of(&self, run: &Run) -> u64 {
        match run.what {
            What::Log { start, .. } => start,
            What::Copies { .. } | What::Other | What::Control => 0,
        }
    }

    /// From where on the log must be kept to look up what will be acknowledged;
    /// `None`: from nowhere.
    #[must_use]
    pub fn needs_from(&self) -> Option<u64> {
        let is_log = |run: &&Run| matches!(run.what, What::Log { .. });
        let first = self.runs.iter().find(is_log)?;
        let What::Log { start, end, .. } = first.what else { return None };
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
    fn bytes_of_the_log_are_ticks_by_their_place() {
        for format in [Format::Binary, Format::Json] {
            let log = log(format, 100);
            let mut flight = Flight::default();
            let half = log.end() / 2;
            flight.push_log(half, half, log.whole_ticks(half), log.whole_ticks(half));
            flight.push_log(log.end() - half, log.end(), 100, 100 - log.whole_ticks(half));
            for bytes in 0..=log.end() {
                assert_eq!(flight.acknowledge(bytes, &log), log.whole_ticks(bytes), "{bytes}");
                let needed = flight.needs_from();
                assert_eq!(needed, (bytes < log.end()).then_some(bytes), "{bytes}");
            }
            assert_eq!((flight.ticks(), flight.stream_bytes()), (100, log.end()));
        }
    }

    /// Ten ticks, a ping, two copies of other ticks, and the log further on.
    #[test]
    fn control_frames_and_jumps_are_told_apart() {
        let log = log(Format::Binary, 100);
        let mut flight = Flight::default();
        flight.push_log(300, 300, 10, 10);
        flight.push_control(10);
        flight.push_copy(30);
        flight.push_copy(30);
        flight.push_log(60, 960, 32, 2);
        let ticks: Vec<u64> = [299, 300, 305, 310, 339, 340, 369, 370, 399, 400, 429, 430]
            .map(|bytes| flight.acknowledge(bytes, &log))
            .to_vec();
        assert_eq!(ticks, [9, 10, 10, 10, 10, 11, 11, 12, 12, 13, 13, 14]);
        assert_eq!(flight.needs_from(), None);
    }

    #[test]
    fn a_count_never_falls_and_never_exceeds_what_was_sent() {
        let log = log(Format::Binary, 10);
        let mut flight = Flight::default();
        flight.push_log(45, 45, 1, 1);
        assert_eq!(flight.acknowledge(1 << 40, &log), 1);
        assert_eq!(flight.acknowledge(3, &log), 1);
        flight.push_other(15, 1);
        assert_eq!(flight.acknowledge(59, &log), 1);
        assert_eq!(flight.acknowledge(60, &log), 2);
    }

    /// A client may send as many pings as it likes, and acknowledge nothing.
    #[test]
    fn answers_in_a_row_are_one_entry() {
        let log = log(Format::Binary, 10);
        let mut flight = Flight::default();
        flight.push_log(30, 30, 1, 1);
        (0..1000).for_each(|_| flight.push_control(2));
        flight.push_other(15, 1);
        flight.push_control(2);
        assert_eq!(flight.runs.len(), 4);
        let ticks = [29, 30, 2029, 2030, 2045, 2047].map(|bytes| flight.acknowledge(bytes, &log));
        assert_eq!(ticks, [0, 1, 1, 1, 2, 2]);
    }
}
