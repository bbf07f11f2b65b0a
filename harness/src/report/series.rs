//! What the charts show of each client, from the files of its rounds.

use crate::archive::{Archive, Books, Round};
use crate::export::sampled;
use crate::packed::GridRow;
use crate::ranking;
use crate::rows::{self, Row};
use crate::stats::{Time, Times};
use crate::workload::Workload;
use anyhow::Result;

/// One client under one workload. The round shown over time is the one in the
/// middle of those that the table's numbers stand on; the curve is of all of them.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its name.
    pub client: String,
    /// The round shown over time.
    pub round: u32,
    /// Where its window begins and ends, in s since the start.
    pub window_s: [f64; 2],
    /// About [`LOOKS`] looks: of each stretch of time, the one with most ticks
    /// waiting.
    pub backlog: Vec<GridRow>,
    /// Seconds since the start, and ticks per second processed up to there.
    pub rates: Vec<(f64, f64)>,
    /// The same of what was made.
    pub generated: Vec<(f64, f64)>,
    /// Response times by percentile; empty under flood.
    pub curve: Vec<Point>,
    /// How many ticks are behind the curve.
    pub samples: usize,
}

/// A point of a curve of response times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How far from 100 %: 1 is 90 %, 2 is 99 %.
    pub nines: f64,
    /// So much of the ticks took at most so long.
    pub time: Time,
}

/// Looks that a chart shows at the most.
pub const LOOKS: usize = 60;
/// Points of a curve from one nine to the next.
const STEPS: usize = 20;
/// A percentile is shown when so many ticks lie beyond it.
const BEYOND: f64 = 10.0;

/// So late may a look be, in ns.
const LATE_NS: i64 = 5_000_000;

/// Seconds since the start.
#[must_use]
pub fn seconds(look: &GridRow) -> f64 {
    look.at_ns as f64 / 1e9
}

/// What is shown of every client of a workload that has numbers, in the order of
/// its rows.
///
/// # Errors
/// When a file of a round is missing or damaged.
pub fn shown(archive: &Archive, workload: &Workload) -> Result<Vec<Shown>> {
    let rows = archive.campaign.rows.iter().filter(|row| row.workload == workload.name);
    rows.filter_map(|row| of_row(archive, workload, row).transpose()).collect()
}

fn of_row(archive: &Archive, workload: &Workload, row: &Row) -> Result<Option<Shown>> {
    let metric = ranking::metric(workload.rank_by, row.verdict);
    let stands = |round: &&Round| {
        let result = &round.result;
        result.workload == row.workload
            && result.client == row.client
            && !result.control
            && rows::counts(row.verdict, result)
    };
    let mut rounds: Vec<(f64, &Round, &Books)> = archive
        .rounds
        .iter()
        .filter(stands)
        .filter_map(|round| {
            let value = metric.of(round.result.measurement.as_ref()?)?;
            Some((value, round, round.books.as_ref()?))
        })
        .collect();
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(_, middle, books)) = rounds.get(rounds.len().saturating_sub(1) / 2) else {
        return Ok(None);
    };
    let looks = archive.grid(books)?;
    let mut times = Vec::new();
    if !workload.is_flood() {
        for (_, round, books) in &rounds {
            times.extend(responses(archive, round, books)?);
        }
    }
    let samples = times.len();
    let window_from_ns = middle.result.measurement.as_ref().map_or(0, |m| m.window_from_ns);
    let end_ns = books.warmup_ns + books.measure_ns;
    // Behind the load's end nothing more is offered. A look is a little late.
    let last = looks.partition_point(|look| look.at_ns < end_ns as i64 + LATE_NS);
    let loaded = looks.get(..last).unwrap_or(&looks);
    Ok(Some(Shown {
        client: row.client.clone(),
        round: middle.result.round,
        window_s: [window_from_ns, end_ns].map(|ns| ns as f64 / 1e9),
        rates: rates(loaded, |look| look.processed),
        generated: rates(loaded, |look| look.generated),
        backlog: thin(&looks),
        curve: curve(&Times::new(times)),
        samples,
    }))
}

/// Response times of the sampled ticks that were due within a round's window: the
/// same that its quantiles are of.
fn responses(archive: &Archive, round: &Round, books: &Books) -> Result<Vec<Time>> {
    let sampled = sampled::of(archive, round)?.unwrap_or_default();
    let within = sampled.ticks.iter().filter(|tick| tick.in_window);
    Ok(within.filter_map(|tick| tick.response(books.ended_ns)).collect())
}

/// Of each stretch of looks the one with most ticks waiting, so that no peak is
/// lost.
fn thin(looks: &[GridRow]) -> Vec<GridRow> {
    let waiting = |look: &GridRow| look.generated.saturating_sub(look.processed);
    looks
        .chunks(looks.len().div_ceil(LOOKS).max(1))
        .filter_map(|stretch| stretch.iter().max_by_key(|look| waiting(look)).copied())
        .collect()
}

/// A count's growth per second, from each look shown to the next.
fn rates(looks: &[GridRow], count: fn(&GridRow) -> u64) -> Vec<(f64, f64)> {
    let shown: Vec<&GridRow> = looks.iter().step_by(looks.len().div_ceil(LOOKS).max(1)).collect();
    let rate = |pair: &[&GridRow]| {
        let elapsed_s = (pair[1].at_ns - pair[0].at_ns).max(1) as f64 / 1e9;
        let grown = count(pair[1]).saturating_sub(count(pair[0])) as f64;
        (seconds(pair[1]), grown / elapsed_s)
    };
    shown.windows(2).map(rate).collect()
}

fn curve(times: &Times) -> Vec<Point> {
    let most = (times.len() as f64 / BEYOND).log10();
    if most <= 0.0 {
        return Vec::new();
    }
    let points = (0..=(most * STEPS as f64) as usize).map(|step| step as f64 / STEPS as f64);
    points
        .filter_map(|nines| {
            let share = 1.0 - 10f64.powf(-nines);
            Some(Point { nines, time: times.quantile(share.max(f64::MIN_POSITIVE))? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at_ms: i64, generated: u64, processed: u64) -> GridRow {
        let mut look: GridRow = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader("0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n".as_bytes())
            .deserialize()
            .next()
            .unwrap()
            .unwrap();
        (look.at_ns, look.generated, look.processed) = (at_ms * 1_000_000, generated, processed);
        look
    }

    #[test]
    fn peaks_survive_thinning() {
        let mut looks: Vec<GridRow> = (0..1000).map(|i| look(i, 10, 10)).collect();
        looks[501].generated = 99_999;
        let thinned = thin(&looks);
        assert!(thinned.len() <= LOOKS);
        assert!(thinned.iter().any(|look| look.generated == 99_999));
    }

    #[test]
    fn rates_are_growth_over_time() {
        let looks: Vec<GridRow> = (0..11).map(|i| look(i * 100, i as u64 * 50, 0)).collect();
        let all = rates(&looks, |look| look.generated);
        assert_eq!(all.len(), 10);
        assert!(all.iter().all(|(_, rate)| (rate - 500.0).abs() < 1e-6));
    }

    #[test]
    fn a_curve_ends_where_too_few_ticks_lie_beyond() {
        let times = Times::new((1..=10_000).map(Time::Exact).collect());
        let points = curve(&times);
        let last = points.last().unwrap();
        assert!((last.nines - 3.0).abs() < 1e-9, "{last:?}");
        assert_eq!(last.time, Time::Exact(9990));
        assert_eq!(points[STEPS].time, Time::Exact(9000), "90 %");
        assert!(curve(&Times::new(vec![Time::Exact(1); 5])).is_empty());
    }
}
