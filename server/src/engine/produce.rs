//! Making ticks: by due times, as fast as they are taken, or like the older server.

use crate::engine::load::Load;
use crate::engine::state::Engine;
use crate::log::segments::SEGMENT_BYTES;
use contract::Policy;

impl Engine {
    /// Makes what is due. After a stall no more than a segment at a time, so that its first
    /// tick need not wait for its last.
    pub(super) fn produce(&mut self, now: u64) {
        if self.finished || now < self.load.start_ns {
            return;
        }
        let most = self.feeds.all_symbols().ticks_per_segment();
        if self.classic.is_some() {
            return self.produce_classic(now, most);
        }
        if self.limits.policy == Policy::Block && !self.may_continue(now) {
            return;
        }
        let Some(due) = self.load.due_count(now) else {
            return self.produce_flood(now, most);
        };
        let first = self.feeds.all_symbols().ticks();
        let count = (due - first).min(most);
        let Load { timetable, start_ns, .. } = &self.load;
        if count > 0 {
            let due_ns = |seq| Some(start_ns + timetable.due_offset_ns(seq)?);
            let log = self.feeds.all_symbols_mut();
            log.append(count, |seq| due_ns(seq).unwrap_or(*start_ns));
            if let Some(lateness) = &mut self.lateness {
                lateness.note(now, (first..log.ticks()).filter_map(due_ns));
            }
            self.publish_made(first, now);
        }
        // The last tick may be due long before the end of the load.
        let is_made = self.load.due_ns(self.feeds.all_symbols().ticks()).is_none();
        self.finished = is_made && self.load.is_over(now);
    }

    /// Whether a consumer that sets the pace has taken all that was made. What is due when
    /// the load is over, and was not made because of it, is never made.
    fn may_continue(&mut self, now: u64) -> bool {
        let drained = self.is_drained();
        let over = self.load.is_over(now);
        // A consumer that keeps up gets the last ticks after the end of the load.
        self.finished = over && (self.was_over || !drained);
        self.was_over = over;
        drained && !self.finished
    }

    /// Under a flood, a segment is made whenever less than one waits for the slowest
    /// connection.
    fn produce_flood(&mut self, now: u64, count: u64) {
        if self.load.is_over(now) {
            self.finished = true;
            return;
        }
        if !self.needs_more() {
            return;
        }
        let first = self.feeds.all_symbols().ticks();
        let begin = now.max(self.newest_ns + 1);
        self.feeds.all_symbols_mut().append(count, |seq| begin + (seq - first));
        self.newest_ns = begin + count - 1;
        self.publish_made(first, now);
    }

    /// Whether less than a segment, of the symbols that it has asked for, waits for the
    /// slowest connection; false without connections.
    pub(super) fn needs_more(&self) -> bool {
        let staying = self.connections.iter().flatten().filter(|c| !c.is_ending());
        let most = staying.map(|c| c.stream().waiting_bytes(self.log_of(c))).max();
        most.is_some_and(|waiting| waiting < SEGMENT_BYTES as u64)
    }

    /// Makes as many ticks as the older server would, all with its one message.
    fn produce_classic(&mut self, now: u64, most: u64) {
        if self.load.is_over(now) {
            self.finished = true;
            return;
        }
        let (first, needs_more) = (self.feeds.all_symbols().ticks(), self.needs_more());
        let Some(classic) = &mut self.classic else { return };
        let flood = if needs_more { most } else { 0 };
        let count = classic.count(now, first).map_or(flood, |count| count.min(most));
        if count > 0 {
            let (of, made_ns) = classic.message(first, now);
            self.feeds.all_symbols_mut().append_repeated(count, of, made_ns);
            self.publish_made(first, made_ns);
        }
    }

    /// The ticks from `first` on were made.
    fn publish_made(&mut self, first: u64, now: u64) {
        self.feeds.copy_made(first, now);
        self.counts.generated = self.feeds.all_symbols().ticks();
        self.counts.publish_generated();
        if let Some(stamps) = &mut self.stamps {
            stamps.generated(first..self.feeds.all_symbols().ticks(), now);
        }
    }
}
