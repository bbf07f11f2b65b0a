//! The data of each client's charts, from the files of its rounds.

use anyhow::Result;
use bench_archive::archive::{self, Archive, Behind};
use bench_archive::packed::GridRow;
use bench_archive::rounds::Round;
use bench_archive::sampled;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::round::journey::Stamps;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::statistics::times::{Time, Times};
use bench_core::load::workload::Workload;

/// One client under one workload. The round shown over time is the middle one of those behind
/// the numbers of the table; the curve is of all of them.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The client's name.
    pub client: String,
    /// The number of the round shown over time.
    pub round: u32,
    /// Beginning and end of its window, in s since the start.
    pub window_s: [f64; 2],
    /// About [`SNAPSHOTS`] of the snapshots that read the kernel queues: of each stretch of time,
    /// the one with most ticks waiting.
    pub backlog: Vec<Layers>,
    /// The most ticks waiting at any snapshot.
    pub peak_ticks: u64,
    /// Seconds since the start, and ticks per second processed since the point before.
    pub rates: Vec<(f64, f64)>,
    /// The same for generated ticks.
    pub generated: Vec<(f64, f64)>,
    /// Response times by percentile; empty under flood.
    pub curve: Vec<Point>,
    /// Number of ticks behind the curve.
    pub samples: usize,
    /// How long a tick near the median of the response time spent in each stage, and one near its
    /// p99, in ns: means over all ticks near it. `None` where too few were processed.
    pub typical_ticks: Option<[[f64; 4]; 2]>,
}

/// The backlog by layer at one snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layers {
    /// In s since the start.
    pub at_s: f64,
    /// Ticks in each layer.
    pub backlog: Backlog,
}

/// A point of a curve of response times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The percentile by its nines: 1 is 90 %, 2 is 99 %.
    pub nines: f64,
    /// The response time at that percentile.
    pub time: Time,
}

/// Maximum number of snapshots that a chart shows.
pub const SNAPSHOTS: usize = 60;
/// Points of a curve from one nine to the next.
const STEPS: usize = 20;
/// A percentile is shown if at least this many ticks are beyond it.
const BEYOND: f64 = 10.0;
/// How late a snapshot may be, in ns.
const LATE_NS: i64 = 5_000_000;

/// Seconds since the start.
#[must_use]
pub fn seconds(row: &GridRow) -> f64 {
    row.at_ns as f64 / 1e9
}

/// The series of every client of a workload that has numbers, in the order of its rows. All are
/// thinned by the same step, so that one index is one time in all of them.
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
    let step = |count: fn(&[GridRow]) -> usize| {
        let most = found.iter().map(|(_, _, grid)| count(grid)).max().unwrap_or(0);
        most.div_ceil(SNAPSHOTS).max(1)
    };
    let steps = [step(<[GridRow]>::len), step(|grid| grid.iter().filter_map(layers).count())];
    let one = |(behind, middle, grid): &(Vec<Behind<'_>>, Behind<'_>, Vec<GridRow>)| {
        of_rounds(archive, behind, *middle, grid, steps)
    };
    found.iter().map(one).collect()
}

fn of_rounds(
    archive: &Archive,
    behind: &[Behind<'_>],
    middle: Behind<'_>,
    grid: &[GridRow],
    [step, full_step]: [usize; 2],
) -> Result<Shown> {
    let (mut times, mut window_ns, mut parts) = (Vec::new(), None, Vec::new());
    for one in behind.iter().filter(|one| measured(one.round).response_ns.is_some()) {
        let sampled = sampled::of(archive, one.round)?.unwrap_or_default();
        let within = || sampled.ticks.iter().filter(|tick| tick.in_window);
        parts.extend(within().filter_map(|tick| stages(&tick.stamps, one.evidence.ended_ns)));
        times.extend(within().filter_map(|tick| tick.response(one.evidence.ended_ns)));
        if std::ptr::eq(one.round, middle.round) {
            window_ns = sampled.window_ns;
        }
    }
    let planned_ns = middle.evidence.warmup_ns + middle.evidence.measure_ns;
    // Where nothing is due, an early end cannot be found from the ticks.
    let window_ns = window_ns.unwrap_or(measured(middle.round).window_from_ns..planned_ns);
    // After the load's end nothing more is offered. A snapshot may be a little late.
    let last = grid.partition_point(|row| row.at_ns < window_ns.end as i64 + LATE_NS);
    let samples = times.len();
    let near_p99 = near(parts.clone(), 0.99, 0.005);
    Ok(Shown {
        client: middle.round.result.client.clone(),
        round: middle.round.result.round,
        window_s: [window_ns.start, window_ns.end].map(|ns| ns as f64 / 1e9),
        rates: rates(&grid[..last], step, |row| row.processed),
        generated: rates(&grid[..last], step, |row| row.generated),
        backlog: by_layer(grid, full_step),
        peak_ticks: grid.iter().map(GridRow::waiting).max().unwrap_or(0),
        curve: curve(&Times::new(times)),
        samples,
        typical_ticks: near(parts, 0.5, 0.01).zip(near_p99).map(|(p50, p99)| [p50, p99]),
    })
}

/// How long a tick spent in each stage, in ns; `None` unless it was processed.
fn stages(stamps: &Stamps, ended_ns: u64) -> Option<[f64; 4]> {
    let parts = stamps.parts(ended_ns);
    let exact = |part: &Option<Time>| match part {
        Some(Time::Exact(ns)) => Some(*ns as f64),
        _ => None,
    };
    let all: Vec<f64> = parts.iter().filter_map(exact).collect();
    all.try_into().ok()
}

/// The mean stages of the ticks whose whole time is near a quantile: of those whose share of all
/// is at most `within` away from it. `None` with fewer than ten.
fn near(mut parts: Vec<[f64; 4]>, quantile: f64, within: f64) -> Option<[f64; 4]> {
    parts.sort_by(|a, b| a.iter().sum::<f64>().total_cmp(&b.iter().sum::<f64>()));
    let at = |share: f64| (share * parts.len() as f64) as usize;
    let slice = parts.get(at(quantile - within)..at(quantile + within))?;
    let mean =
        |stage: usize| slice.iter().map(|parts| parts[stage]).sum::<f64>() / slice.len() as f64;
    (slice.len() as f64 >= BEYOND).then(|| [0, 1, 2, 3].map(mean))
}

/// The measurement of a round behind a row, which has one.
fn measured(round: &Round) -> Measurement {
    round.result.measurement.clone().unwrap_or_default()
}

/// The instants that the charts of several clients share, in s since the start.
#[must_use]
pub fn times(all: &[Shown]) -> &[(f64, f64)] {
    all.iter().map(|shown| shown.rates.as_slice()).max_by_key(|rates| rates.len()).unwrap_or(&[])
}

/// The backlog by layer; `None` where the kernel queues were not read.
fn layers(row: &GridRow) -> Option<Layers> {
    let backlog = Backlog {
        server: row.server_ticks,
        kernel_send: row.kernel_send_ticks?,
        kernel_receive: row.kernel_receive_ticks?,
        library: row.library_ticks?,
        client: row.client_ticks,
    };
    Some(Layers { at_s: seconds(row), backlog })
}

/// Of each stretch of snapshots that have layers, those with most ticks waiting, so that no peak
/// among them is lost.
fn by_layer(grid: &[GridRow], step: usize) -> Vec<Layers> {
    let full: Vec<(u64, Layers)> =
        grid.iter().filter_map(|row| Some((row.waiting(), layers(row)?))).collect();
    full.chunks(step)
        .filter_map(|stretch| stretch.iter().max_by_key(|(waiting, _)| *waiting))
        .map(|(_, layers)| *layers)
        .collect()
}

/// A count's growth per second, from each snapshot shown to the next.
fn rates(grid: &[GridRow], step: usize, count: fn(&GridRow) -> u64) -> Vec<(f64, f64)> {
    let shown: Vec<&GridRow> = grid.iter().step_by(step).collect();
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

    fn snapshot(at_ms: i64, generated: u64, processed: u64) -> GridRow {
        let mut row: GridRow = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader("0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n".as_bytes())
            .deserialize()
            .next()
            .unwrap()
            .unwrap();
        (row.at_ns, row.generated, row.processed) = (at_ms * 1_000_000, generated, processed);
        row
    }

    #[test]
    fn peaks_survive_thinning() {
        let mut grid: Vec<GridRow> = (0..1000).map(|i| snapshot(i, 10, 10)).collect();
        (grid[501].generated, grid[501].server_ticks) = (99_999, 99_989.0);
        let thinned = by_layer(&grid, grid.len().div_ceil(SNAPSHOTS));
        assert!(thinned.len() <= SNAPSHOTS);
        assert!(thinned.iter().any(|at| at.backlog.server > 99_988.0));
    }

    #[test]
    fn layers_are_shown_where_the_kernel_queues_were_read() {
        let mut grid: Vec<GridRow> = (0..50).map(|i| snapshot(i, 10, 10)).collect();
        let unread = grid.iter_mut().enumerate().filter(|(index, _)| index % 5 > 0);
        unread.for_each(|(_, row)| row.library_ticks = None);
        let shown = by_layer(&grid, 1);
        assert_eq!(shown.len(), 10);
        assert!((shown[1].at_s - 0.005).abs() < 1e-9);
        assert!(by_layer(&grid[1..5], 1).is_empty());
    }

    #[test]
    fn a_typical_tick_is_the_mean_of_those_near_its_quantile() {
        let parts: Vec<[f64; 4]> = (0..1000).map(|n| [1.0, 2.0, f64::from(n), 0.0]).collect();
        let p50 = near(parts.clone(), 0.5, 0.01).unwrap();
        assert!((p50[2] - 499.5).abs() < 1.0, "{p50:?}");
        assert_eq!([p50[0], p50[1]], [1.0, 2.0]);
        let p99 = near(parts, 0.99, 0.005).unwrap();
        assert!((p99[2] - 989.5).abs() < 1.0, "{p99:?}");
        assert_eq!(near(vec![[1.0; 4]; 100], 0.99, 0.005), None);
    }

    #[test]
    fn rates_are_growth_over_time() {
        let grid: Vec<GridRow> = (0..11).map(|i| snapshot(i * 100, i as u64 * 50, 0)).collect();
        let all = rates(&grid, 1, |row| row.generated);
        assert_eq!(all.len(), 10);
        assert!(all.iter().all(|(_, rate)| (rate - 500.0).abs() < 1e-6));
    }

    /// A round that a backlog ended early has fewer snapshots, at the same times.
    #[test]
    fn one_index_is_one_time_even_if_a_round_ended_early() {
        let grid: Vec<GridRow> = (0..126).map(|i| snapshot(i * 20, 0, 0)).collect();
        let (whole, cut) =
            (rates(&grid, 3, |row| row.processed), rates(&grid[..50], 3, |row| row.processed));
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
