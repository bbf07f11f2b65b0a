//! The plan that cases start from.

use contract::{ClientPlan, Version};
use tick::{Format, SYMBOLS, Sample, Schedule};

/// A plan for tests: no meter, no work, generous deadlines.
#[must_use]
pub fn plan(url: &str, format: Format) -> ClientPlan {
    ClientPlan {
        contract: Version,
        urls: vec![url.to_owned()],
        ca: None,
        format,
        symbols: SYMBOLS,
        schedule: Schedule::Flood,
        duration_ns: 1_000_000_000,
        sample: Sample { first: 3, stride: 7 },
        work_ns: 0,
        queue_bound: 256,
        receive_buffer_bytes: None,
        memory_ceiling_bytes: 4 << 30,
        meter: None,
        connect_deadline_ms: 60_000,
        deadline_ms: 60_000,
    }
}
