//! The quantities of an experiment's rounds: our measurements, and the figures that the older
//! benchmark would have reported. Pure, except for reading.

use super::data::Quantity;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Evidence, Status};
use bench_archive::packed::GridRow;
use bench_archive::rounds::Round;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::round::journey::Stamps;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::{Time, Times};
use std::collections::BTreeMap;

const SECOND_NS: i64 = 1_000_000_000;
const MILLISECOND_NS: u64 = 1_000_000;
/// How much earlier than its instant a snapshot may be, in ns.
const EARLY_NS: i64 = 1_000_000;

/// The measurements of an experiment.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The status and environment of its campaign.
    pub head: Head,
    /// Its clients, by name.
    pub clients: BTreeMap<String, Client>,
}

/// The status and environment of a campaign.
#[derive(Debug, Clone)]
pub struct Head {
    /// Whether it has all of its rounds.
    pub status: Status,
    /// The machine, in one line.
    pub machine: String,
    /// Which process ran on which CPUs.
    pub placement: String,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// Whether files of the suite differed from that commit.
    pub dirty: Option<bool>,
}

/// A client of an experiment.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its row, as in the campaign's own table.
    pub row: Row,
    /// The rounds behind the numbers of that row.
    pub rounds: Vec<Facts>,
}

/// The quantities of a round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Those that could be computed.
    pub values: BTreeMap<Quantity, f64>,
    /// The backlog at the end of its window.
    pub backlog_end: Backlog,
}

/// Reads the measurements of an experiment; where it was published without its stamps, without the
/// quantities that need them.
///
/// # Errors
/// When a file of its campaign is missing or damaged.
pub fn read(archive: &Archive) -> Result<Seen> {
    let mut clients = BTreeMap::new();
    for row in &archive.campaign.rows {
        let mut rounds = Vec::new();
        let of_row = |round: &&Round| round.result.client == row.client && archive.counts(round);
        for round in archive.rounds.iter().filter(of_row) {
            rounds.extend(of_round(archive, round)?);
        }
        clients.insert(row.client.clone(), Client { row: row.clone(), rounds });
    }
    let campaign = &archive.campaign;
    let head = Head {
        status: campaign.status,
        machine: campaign.machine_line(),
        placement: campaign.placement.to_string(),
        commit: campaign.commit.clone(),
        dirty: campaign.dirty,
    };
    Ok(Seen { head, clients })
}

fn of_round(archive: &Archive, round: &Round) -> Result<Option<Facts>> {
    let (Some(evidence), Some(m)) = (&round.evidence, &round.result.measurement) else {
        return Ok(None);
    };
    let rates = &m.rates;
    let mut values: BTreeMap<Quantity, f64> = BTreeMap::from([
        (Quantity::GeneratedPerS, rates.generated_per_s),
        (Quantity::WrittenPerS, rates.written_per_s),
        (Quantity::ReceivedPerS, rates.received_per_s),
        (Quantity::ProcessedPerS, rates.processed_per_s),
        (Quantity::BacklogGrowthPerS, m.backlog_growth_per_s),
    ]);
    values.extend(rates.offered_per_s.map(|offered| (Quantity::OfferedPerS, offered)));
    if !archive.lacks_stamps() {
        values.extend(stamped(archive, round, evidence)?);
    }
    Ok(Some(Facts { values, backlog_end: m.backlog_end }))
}

/// The quantities that are computed from snapshots and stamps.
fn stamped(
    archive: &Archive,
    round: &Round,
    evidence: &Evidence,
) -> Result<BTreeMap<Quantity, f64>> {
    let mut values = BTreeMap::from_iter(reports(&archive.grid(evidence)?, evidence));
    let stamps: Vec<Stamps> =
        archive.journeys(round, evidence)?.into_iter().map(|(_, stamps)| stamps).collect();
    let window = evidence.start_ns + evidence.warmup_ns
        ..evidence.start_ns + evidence.warmup_ns + evidence.measure_ns;
    let processed: Vec<&Stamps> = stamps
        .iter()
        .filter(|stamps| stamps.processed_ns.is_some_and(|ns| window.contains(&ns)))
        .collect();
    values.extend(latencies(&processed));
    let generated: Vec<&Stamps> =
        stamps.iter().filter(|stamps| window.contains(&stamps.due_ns)).collect();
    values.extend(shared(&generated, evidence.sample.stride));
    Ok(values)
}

/// The rates that server and client would have printed once a second: the growth of their
/// counts over the whole seconds of the window (of a window below a second, over all of it).
fn reports(grid: &[GridRow], evidence: &Evidence) -> Vec<(Quantity, f64)> {
    let at = |ns: i64| grid.iter().find(|row| row.at_ns >= ns - EARLY_NS);
    let end_ns = (evidence.warmup_ns + evidence.measure_ns) as i64;
    let Some(from) = at(evidence.warmup_ns as i64) else { return Vec::new() };
    let Some(last) = grid.iter().rev().find(|row| row.at_ns <= end_ns + EARLY_NS) else {
        return Vec::new();
    };
    let whole = (last.at_ns - from.at_ns + EARLY_NS) / SECOND_NS;
    let to = match whole {
        0 => last,
        _ => at(from.at_ns + whole * SECOND_NS).unwrap_or(last),
    };
    let seconds = (to.at_ns - from.at_ns) as f64 / SECOND_NS as f64;
    if seconds <= 0.0 {
        return Vec::new();
    }
    let rate = |count: fn(&GridRow) -> u64| count(to).saturating_sub(count(from)) as f64 / seconds;
    vec![
        (Quantity::ServerReportsPerS, rate(|row| row.generated)),
        (Quantity::ClientReportsPerS, rate(|row| row.processed)),
    ]
}

/// Latencies of processed ticks only, as in the older benchmark: over all that were sampled,
/// and over those of them whose seq is a multiple of 1000.
fn latencies(processed: &[&Stamps]) -> Vec<(Quantity, f64)> {
    use Quantity::{
        LatencyMaxEveryNs, LatencyMaxThousandthNs, LatencyP50EveryNs, LatencyP50ThousandthNs,
        LatencyP99EveryNs, LatencyP99ThousandthNs, OlderLatencyEveryMs, OlderLatencyThousandthMs,
    };
    let thousandths: Vec<&Stamps> =
        processed.iter().copied().filter(|stamps| stamps.seq.is_multiple_of(1000)).collect();
    let every = [OlderLatencyEveryMs, LatencyP50EveryNs, LatencyP99EveryNs, LatencyMaxEveryNs];
    let thousandth = [
        OlderLatencyThousandthMs,
        LatencyP50ThousandthNs,
        LatencyP99ThousandthNs,
        LatencyMaxThousandthNs,
    ];
    let mut all = Vec::new();
    for (ticks, names) in [(processed, every), (thousandths.as_slice(), thousandth)] {
        let whole_ms =
            ticks.iter().filter_map(|s| Some(older_latency_ms(s.due_ns, s.processed_ns?)));
        let sum: i64 = whole_ms.sum();
        let exact = |s: &&Stamps| Some(Time::Exact(s.processed_ns?.saturating_sub(s.due_ns)));
        let times = Times::new(ticks.iter().filter_map(exact).collect());
        if times.is_empty() {
            continue;
        }
        let at = |q| times.quantile(q).map_or(0.0, |time| time.bound_ns() as f64);
        let values = [sum as f64 / times.len() as f64, at(0.5), at(0.99), at(1.0)];
        all.extend(names.into_iter().zip(values));
    }
    all
}

/// The latency of the older benchmark, in ms: when a tick was processed minus its stamp, both
/// truncated to whole ms. The arguments are ns of the monotonic clock.
#[must_use]
pub fn older_latency_ms(stamped_ns: u64, processed_ns: u64) -> i64 {
    (processed_ns / MILLISECOND_NS) as i64 - (stamped_ns / MILLISECOND_NS) as i64
}

/// How many ticks have the same ms as their stamp, estimated from the sampled ones.
fn shared(generated: &[&Stamps], stride: u64) -> Vec<(Quantity, f64)> {
    let mut of_ms: BTreeMap<u64, u64> = BTreeMap::new();
    for stamps in generated {
        *of_ms.entry(stamps.due_ns / MILLISECOND_NS).or_default() += stride;
    }
    let Some(most) = of_ms.values().max() else { return Vec::new() };
    let mean = of_ms.values().sum::<u64>() as f64 / of_ms.len() as f64;
    vec![(Quantity::SharedMeanTicks, mean), (Quantity::SharedMostTicks, *most as f64)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(seq: u64, due_ns: u64, processed_ns: Option<u64>) -> Stamps {
        Stamps { seq, due_ns, processed_ns, ..Stamps::default() }
    }

    #[test]
    fn the_older_latency_is_in_whole_milliseconds() {
        assert_eq!(older_latency_ms(1_999_999, 2_000_000), 1);
        assert_eq!(older_latency_ms(1_000_000, 1_999_999), 0);
        assert_eq!(older_latency_ms(1_000_000, 9_100_000), 8);
    }

    #[test]
    fn the_two_samplings_are_kept_apart() {
        let ms = 1_000_000;
        let ticks: Vec<Stamps> =
            (0..16).map(|i| tick(i * 125, 0, Some(if i % 8 == 0 { 9 * ms } else { ms }))).collect();
        let values: BTreeMap<Quantity, f64> =
            latencies(&ticks.iter().collect::<Vec<_>>()).into_iter().collect();
        assert_eq!(values[&Quantity::OlderLatencyEveryMs], 2.0);
        assert_eq!(values[&Quantity::OlderLatencyThousandthMs], 9.0);
        assert_eq!(values[&Quantity::LatencyP50EveryNs], 1e6);
        assert_eq!(values[&Quantity::LatencyP50ThousandthNs], 9e6);
        let none = latencies(&[&tick(125, 0, Some(5))]);
        assert_eq!(none.len(), 4, "no multiple of 1000: {none:?}");
    }

    #[test]
    fn ticks_of_one_millisecond_share_a_stamp() {
        let ticks = [0, 0, 0, 1_400_000, 1_400_000, 1_900_000, 1_900_001, 1_900_002, 2_000_000]
            .map(|due_ns| tick(0, due_ns, None));
        let values = shared(&ticks.iter().collect::<Vec<_>>(), 100);
        assert_eq!(
            values,
            [(Quantity::SharedMeanTicks, 300.0), (Quantity::SharedMostTicks, 500.0)]
        );
        assert!(shared(&[], 100).is_empty());
    }
}
