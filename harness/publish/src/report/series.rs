//! What the charts show of each client, from the files of its rounds.

use anyhow::Result;
use bench_archive::archive::{self, Archive, Behind, Round};
use bench_archive::packed::GridRow;
use bench_archive::sampled;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::statistics::times::{Time, Times};
use bench_core::load::workload::Workload;

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
/// its rows. All are thinned alike, so that one place is one time.
///
/// # Errors
/// When a file of a round is missing or damaged.
pub fn shown(archive: &Archive, workload: &Workload) -> Result<Vec<Shown>> {
    let mut found = Vec::new();
    for row in archive.campaign.rows.iter().filter(|row| row.workload == workload.name) {
        let behind = archive.behind(workload, row);
        let Some(middle) = archive::middle(&behind) else { continue };
        found.push((behind, middle, archive.grid(middle.evidence)?));
    }
    let most = found.iter().map(|(_, _, looks)| looks.len()).max().unwrap_or(0);
    let step = most.div_ceil(LOOKS).max(1);
    let one = |(behind, middle, looks): &(Vec<Behind<'_>>, Behind<'_>, Vec<GridRow>)| {
        of_rounds(archive, behind, *middle, looks, step)
    };
    found.iter().map(one).collect()
}

fn of_rounds(
    archive: &Archive,
    behind: &[Behind<'_>],
    middle: Behind<'_>,
    looks: &[GridRow],
    step: usize,
) -> Result<Shown> {
    let (mut times, mut window_ns) = (Vec::new(), None);
    for one in behind.iter().filter(|one| measured(one.round).response_ns.is_some()) {
        let sampled = sampled::of(archive, one.round)?.unwrap_or_default();
        let within = sampled.ticks.iter().filter(|tick| tick.in_window);
        times.extend(within.filter_map(|tick| tick.response(one.evidence.ended_ns)));
        if std::ptr::eq(one.round, middle.round) {
            window_ns = sampled.window_ns;
        }
    }
    let planned_ns = middle.evidence.warmup_ns + middle.evidence.measure_ns;
    // Where nothing is due, no tick tells of an early end.
    let window_ns = window_ns.unwrap_or(measured(middle.round).window_from_ns..planned_ns);
    // Behind the load's end nothing more is offered. A look is a little late.
    let last = looks.partition_point(|look| look.at_ns < window_ns.end as i64 + LATE_NS);
    let samples = times.len();
    Ok(Shown {
        client: middle.round.result.client.clone(),
        round: middle.round.result.round,
        window_s: [window_ns.start, window_ns.end].map(|ns| ns as f64 / 1e9),
        rates: rates(&looks[..last], step, |look| look.processed),
        generated: rates(&looks[..last], step, |look| look.generated),
        backlog: thin(looks, step),
        curve: curve(&Times::new(times)),
        samples,
    })
}

/// A round behind a row has been measured.
fn measured(round: &Round) -> Measurement {
    round.result.measurement.clone().unwrap_or_default()
}

/// The instants that the charts of several clients share, in s since the start.
#[must_use]
pub fn times(all: &[Shown]) -> &[(f64, f64)] {
    all.iter().map(|shown| shown.rates.as_slice()).max_by_key(|rates| rates.len()).unwrap_or(&[])
}

/// Of each stretch of looks the one with most ticks waiting, so that no peak is
/// lost.
fn thin(looks: &[GridRow], step: usize) -> Vec<GridRow> {
    looks
        .chunks(step)
        .filter_map(|stretch| stretch.iter().max_by_key(|look| look.waiting()).copied())
        .collect()
}

/// A count's growth per second, from each look shown to the next.
fn rates(looks: &[GridRow], step: usize, count: fn(&GridRow) -> u64) -> Vec<(f64, f64)> {
    let shown: Vec<&GridRow> = looks.iter().step_by(step).collect();
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
        let thinned = thin(&looks, looks.len().div_ceil(LOOKS));
        assert!(thinned.len() <= LOOKS);
        assert!(thinned.iter().any(|look| look.generated == 99_999));
    }

    #[test]
    fn rates_are_growth_over_time() {
        let looks: Vec<GridRow> = (0..11).map(|i| look(i * 100, i as u64 * 50, 0)).collect();
        let all = rates(&looks, 1, |look| look.generated);
        assert_eq!(all.len(), 10);
        assert!(all.iter().all(|(_, rate)| (rate - 500.0).abs() < 1e-6));
    }

    /// A round that a backlog broke off has fewer looks, and they are at the same times.
    #[test]
    fn one_place_is_one_time_whatever_a_round_came_to() {
        let looks: Vec<GridRow> = (0..126).map(|i| look(i * 20, 0, 0)).collect();
        let (whole, cut) = (
            rates(&looks, 3, |look| look.processed),
            rates(&looks[..50], 3, |look| look.processed),
        );
        assert!(cut.len() < whole.len());
        assert!(cut.iter().zip(&whole).all(|(a, b)| a.0 == b.0));
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
