//! The offset of the page's clock to `CLOCK_MONOTONIC`: arithmetic only.
//!
//! In one exchange this process reads its clock (`sent_ns`), asks the page for its own
//! (`page_ns`) and reads its clock when the answer comes (`answered_ns`). The page answered in
//! between, so each exchange gives a lowest and a highest offset. The true offset is within all
//! of these intervals, and so within their intersection.

/// What WebKit rounds `performance.now()` down to in an isolated page.
const RESOLUTION_NS: i64 = 20_000;

/// One exchange of times.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// When the question was sent, by this process's clock.
    pub sent_ns: u64,
    /// What the page's clock showed.
    pub page_ns: u64,
    /// When the answer had come.
    pub answered_ns: u64,
}

/// The page's clock on that of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    offset_ns: i64,
    /// The maximum error of [`Clock::machine_ns`].
    pub error_ns: u64,
}

/// Why the page's clock cannot be mapped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// No exchange took place.
    #[error("the page answered no exchange of times")]
    NotRead,
    /// No offset fits all exchanges.
    #[error("the page's clock moved by {0} ns against that of the machine")]
    Moved(i64),
}

impl Clock {
    /// The middle of what all exchanges allow.
    pub fn of(exchanges: &[Exchange]) -> Result<Self, ClockError> {
        // A reading is rounded down: the page's clock was up to one step further.
        let low = |e: &Exchange| e.sent_ns as i64 - e.page_ns as i64 - RESOLUTION_NS;
        let high = |e: &Exchange| e.answered_ns as i64 - e.page_ns as i64;
        let lowest = exchanges.iter().map(low).max().ok_or(ClockError::NotRead)?;
        let highest = exchanges.iter().map(high).min().ok_or(ClockError::NotRead)?;
        if lowest > highest {
            return Err(ClockError::Moved(lowest - highest));
        }
        // A stamp is rounded down, too: it stands for the middle of a step.
        let half_ns = (highest - lowest + 1) / 2;
        let offset_ns = lowest + half_ns + RESOLUTION_NS / 2;
        Ok(Self { offset_ns, error_ns: (half_ns + RESOLUTION_NS / 2).unsigned_abs() })
    }

    /// A stamp of the page on the machine's clock.
    pub fn machine_ns(self, page_ns: u64) -> u64 {
        page_ns.saturating_add_signed(self.offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET_NS: u64 = 81_000_000_000_000;

    /// An exchange at this instant of the page, with these delays of question and answer.
    fn exchange(page_ns: u64, question_ns: u64, answer_ns: u64) -> Exchange {
        let at_ns = page_ns + OFFSET_NS;
        let page_ns = page_ns - page_ns % RESOLUTION_NS as u64;
        Exchange { sent_ns: at_ns - question_ns, page_ns, answered_ns: at_ns + answer_ns }
    }

    #[test]
    fn a_stamp_is_within_the_stated_error() {
        let exchanges = [
            exchange(1_003_000, 40_000, 900_000),
            exchange(2_019_999, 900_000, 50_000),
            exchange(3_000_000, 70_000, 70_000),
        ];
        let clock = Clock::of(&exchanges).unwrap();
        // Half of the shortest question and the shortest answer, half a step, and half a step.
        assert!(clock.error_ns <= 45_000 + 20_000 + 10_000, "{clock:?}");
        for true_ns in [5_000_000u64, 5_010_000, 5_019_999] {
            let read_ns = true_ns - true_ns % RESOLUTION_NS as u64;
            let error_ns = clock.machine_ns(read_ns).abs_diff(true_ns + OFFSET_NS);
            assert!(error_ns <= clock.error_ns, "{error_ns} of {clock:?}");
        }
    }

    #[test]
    fn a_clock_that_moved_is_an_error() {
        let mut late = exchange(9_000_000, 30_000, 30_000);
        late.page_ns += 500_000;
        let error = Clock::of(&[exchange(1_000_000, 30_000, 30_000), late]).unwrap_err();
        assert!(matches!(error, ClockError::Moved(_)), "{error}");
        assert_eq!(Clock::of(&[]), Err(ClockError::NotRead));
    }
}
