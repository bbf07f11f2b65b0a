//! What is sent, and when.

use tick::Timetable;

/// What is sent, and when.
#[derive(Debug, Clone)]
pub struct Load {
    /// When each tick is due.
    pub timetable: Timetable,
    /// When tick 0 is due, in ns of the monotonic clock.
    pub start_ns: u64,
    /// How long the load lasts; `None`: for ever.
    pub duration_ns: Option<u64>,
    /// Whether due times may be spun for.
    pub spin: bool,
}

impl Load {
    /// Whether the load's time is over at `at_ns`.
    #[must_use]
    pub fn is_over(&self, at_ns: u64) -> bool {
        self.duration_ns.is_some_and(|ns| at_ns >= self.start_ns + ns)
    }

    /// How many ticks of the load are due at `now`; `None` under flood.
    #[must_use]
    pub fn due_count(&self, now: u64) -> Option<u64> {
        let elapsed_ns = now - self.start_ns;
        match self.duration_ns {
            Some(ns) if elapsed_ns >= ns => self.timetable.ticks_within(ns),
            _ => self.timetable.due_count(elapsed_ns),
        }
    }

    /// When tick `seq` is due, if the load has it; `None` under flood, too.
    #[must_use]
    pub fn due_ns(&self, seq: u64) -> Option<u64> {
        let offset_ns = self.timetable.due_offset_ns(seq)?;
        let within = self.duration_ns.is_none_or(|ns| offset_ns < ns);
        within.then_some(self.start_ns + offset_ns)
    }
}
