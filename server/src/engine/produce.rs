//! Making ticks: by due times, as fast as they are taken, or as the older server did.

use crate::engine::load::Load;
use crate::engine::state::Engine;
use crate::log::segments::SEGMENT_BYTES;
use contract::Policy;

impl Engine {
    /// Makes what is due. After a stall no more than a segment at a time, so
    /// that the first of it need not wait for the last.
    pub(super) fn produce(&mut self, now: u64) {
        if self.finished || now < self.load.start_ns {
            return;
        }
        let chunk = self.feeds.whole().ticks_per_segment();
        if self.classic.is_some() {
            return self.produce_classic(now, chunk);
        }
        if self.limits.policy == Policy::Block && !self.may_go_on(now) {
            return;
        }
        let Some(due) = self.load.due_count(now) else {
            return self.produce_flood(now, chunk);
        };
        let first = self.feeds.whole().ticks();
        let count = (due - first).min(chunk);
        let Load { timetable, start_ns, .. } = &self.load;
        if count > 0 {
            self.feeds
                .whole_mut()
                .append(count, |seq| start_ns + timetable.due_offset_ns(seq).unwrap_or(0));
            self.made(first, now);
            if let Some(lateness) = &mut self.lateness {
                let Load { timetable, start_ns, .. } = &self.load;
                let due = |seq| Some(start_ns + timetable.due_offset_ns(seq)?);
                lateness.note(now, (first..self.feeds.whole().ticks()).filter_map(due));
            }
        }
        self.finished = self.load.due_ns(self.feeds.whole().ticks()).is_none();
    }

    /// Whether a consumer that sets the pace has taken all that was made. What is due
    /// when the time is over, and was not made for its sake, never is.
    fn may_go_on(&mut self, now: u64) -> bool {
        let drained = self.is_drained();
        let over = self.load.is_over(now);
        // Who keeps up gets the last ticks after the end.
        self.finished = over && (self.overtime || !drained);
        self.overtime = over;
        drained && !self.finished
    }

    /// Under a flood, a segment is made whenever the slowest connection has
    /// less than one left.
    fn produce_flood(&mut self, now: u64, chunk: u64) {
        if self.load.is_over(now) {
            self.finished = true;
            return;
        }
        if !self.has_appetite() {
            return;
        }
        let first = self.feeds.whole().ticks();
        let begin = now.max(self.newest_ns + 1);
        self.feeds.whole_mut().append(chunk, |seq| begin + (seq - first));
        self.newest_ns = begin + chunk - 1;
        self.made(first, now);
    }

    /// Whether the slowest connection has less than a segment left, of what it has asked
    /// for; false without any.
    pub(super) fn has_appetite(&self) -> bool {
        let staying = self.outlets.iter().flatten().filter(|outlet| !outlet.is_ending());
        let most = staying.map(|outlet| outlet.stream().waiting_bytes(self.log_of(outlet))).max();
        most.is_some_and(|waiting| waiting < SEGMENT_BYTES as u64)
    }

    /// As the older server would: with its counts, and its one message.
    fn produce_classic(&mut self, now: u64, chunk: u64) {
        if self.load.is_over(now) {
            self.finished = true;
            return;
        }
        let (first, hungry) = (self.feeds.whole().ticks(), self.has_appetite());
        let Some(classic) = &mut self.classic else { return };
        let flood = if hungry { chunk } else { 0 };
        let count = classic.count(now, first).map_or(flood, |count| count.min(chunk));
        if count > 0 {
            let (of, made_ns) = classic.message(first, now);
            self.feeds.whole_mut().append_repeated(count, of, made_ns);
            self.made(first, made_ns);
        }
    }

    fn made(&mut self, first: u64, now: u64) {
        self.feeds.made(first, now);
        self.books.generated = self.feeds.whole().ticks();
        self.books.show_generated();
        if let Some(stamps) = &mut self.stamps {
            stamps.generated(first..self.feeds.whole().ticks(), now);
        }
    }
}
