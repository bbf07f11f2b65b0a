//! Whether a client sustained a rate in one round.

use super::result::Limit;
use crate::analysis::round::backlog::Backlog;
use crate::analysis::round::growth;
use crate::analysis::round::measure::Measurement;
use crate::analysis::statistics::slope::Slope;
use crate::analysis::verdict::Verdict;

/// The share of the offered rate that has to be processed.
const RATIO: f64 = 0.99;
/// Growth below this share of the offered rate counts as zero, however regular it is within
/// one window.
const GROWTH_SHARE: f64 = 0.002;

/// Whether a round with a window of `window_ns` sustained its rate.
///
/// # Errors
/// The limit that was reached.
pub fn sustained(
    verdict: Verdict,
    measurement: Option<&Measurement>,
    window_ns: u64,
    on_time_ns: u64,
    objective_ns: u64,
) -> Result<(), Limit> {
    let Some(m) = measurement else { return Err(Limit::Audit) };
    let late = m.pacing_lateness_ns.is_some_and(|late| late.p99 > on_time_ns);
    match verdict {
        Verdict::Noisy => return Err(Limit::Noise),
        Verdict::Invalid if late => return Err(Limit::ServerPace),
        verdict if !verdict.is_measured() => return Err(Limit::Audit),
        _ => {}
    }
    let offered = m.rates.offered_per_s.unwrap_or(0.0);
    let growth = Slope { per_x: m.backlog_growth_per_s, interval: m.backlog_growth_interval_per_s };
    let grows = growth.interval[0] > 0.0 && growth.per_x > GROWTH_SHARE * offered;
    // A tick that is under way at the last snapshot is not missing, but at 100 ticks/s it can
    // be more than a hundredth of a window.
    let falls_short = m.efficiency.is_none_or(|share| share < RATIO) && m.backlog_end.total() > 1.0;
    if falls_short || grows || growth::is_overloaded(&growth, offered) {
        return Err(fullest(&m.backlog_end));
    }
    // A server with its own pacing is never late: it generates fewer ticks. A count is only as
    // exact as a tick.
    let missing = (RATIO * offered - m.rates.generated_per_s) * window_ns as f64 / 1e9;
    if m.pacing_lateness_ns.is_none() && missing > 1.0 {
        return Err(Limit::ServerPace);
    }
    match m.response_ns {
        Some(response) if response.p99.bound_ns() <= objective_ns => Ok(()),
        _ => Err(Limit::Latency),
    }
}

/// The layer that holds most of a backlog, as a limit.
#[must_use]
pub fn fullest(backlog: &Backlog) -> Limit {
    let layers = backlog.layers().into_iter();
    layers.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(Limit::Server, |(layer, _)| layer.into())
}
