//! What is printed while recordings are read.

use bench_core::load::replay::ReplayNews;
use std::time::{Duration, Instant};

/// From one line about progress to the next. What takes less has none.
const EVERY: Duration = Duration::from_secs(1);

/// Prints progress once a second, and remarks.
pub(super) fn printed() -> impl FnMut(&ReplayNews) {
    let mut last = Instant::now();
    move |news| match news {
        ReplayNews::Reading { .. } => {
            if last.elapsed() >= EVERY {
                last = Instant::now();
                log::info!("{news}");
            }
        }
        ReplayNews::LongGap { .. } => log::warn!("{news}"),
    }
}
