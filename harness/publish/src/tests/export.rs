//! Exports agree with the campaigns that they are created from.

use super::campaigns::{published, published_dirs};
use crate::export::{csv as tidy, hlog, parquet as journeys};
use crate::tables;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use bench_archive::archive::Archive;
use bench_archive::campaign::{Kind, Status};
use bench_archive::rounds::Round;
use bench_archive::sampled;
use bench_core::analysis::statistics::times::{Quantiles, Time, Times};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use std::collections::BTreeMap;
use std::fs;

fn comparison() -> Archive {
    let is_comparison = |archive: &Archive| {
        !archive.lacks_stamps()
            && archive.campaign.kind == Kind::Compare
            && archive.rounds.len() > 20
    };
    published().into_iter().find(is_comparison).unwrap()
}

/// Some rounds of every kind, among them those with long waits.
fn some(archive: &Archive) -> Vec<&Round> {
    let waited = |round: &Round| {
        let m = round.result.measurement.as_ref();
        m.and_then(|m| m.response_ns).is_some_and(|q| q.p50.is_censored())
    };
    let every = (archive.rounds.len() / 24).max(1);
    let chosen = archive.rounds.iter().enumerate();
    let chosen =
        chosen.filter(|(index, round)| index % every == 0 || waited(round) && index % 3 == 0);
    chosen.map(|(_, round)| round).collect()
}

#[test]
fn table_md_is_what_the_campaign_gives() {
    for dir in published_dirs() {
        let archive = Archive::open(&dir).unwrap();
        let saved = fs::read_to_string(dir.join("table.md")).unwrap();
        let is_current = tables::campaign::markdown(&archive.campaign) == saved;
        assert!(is_current, "{}: publish it again", dir.display());
    }
}

/// Checks that the sampled ticks of a saved round give its measurement; returns whether some of
/// them still waited at the stop, or `None` if it was not measured.
fn agrees(archive: &Archive, round: &Round) -> Option<bool> {
    let (m, evidence) = (round.result.measurement.as_ref()?, round.evidence.as_ref()?);
    let sampled = sampled::of(archive, round).unwrap().unwrap();
    let window = sampled.ticks.iter().filter(|tick| tick.in_window);
    let responses: Vec<Time> =
        window.clone().filter_map(|tick| tick.response(evidence.ended_ns)).collect();
    let place = format!("{} {}", archive.name(), evidence.journeys);
    assert_eq!(responses.len(), m.samples, "{place}");
    assert_eq!(Quantiles::of(&Times::new(responses)), m.response_ns, "{place}");
    if let Some(ns) = &sampled.window_ns {
        let due = window.map(|tick| tick.stamps.due_ns - evidence.start_ns);
        assert!(due.clone().all(|due_ns| ns.contains(&due_ns)), "{place}");
        let others = sampled.ticks.iter().filter(|tick| !tick.in_window);
        let mut others = others.map(|tick| tick.stamps.due_ns - evidence.start_ns);
        assert!(others.all(|due_ns| !ns.contains(&due_ns)), "{place}");
    }
    Some(m.response_ns.is_some_and(|q| q.max.is_censored()))
}

#[test]
fn sampled_ticks_give_the_quantiles_of_their_round() {
    let (mut exact, mut censored) = (0, 0);
    for archive in published().into_iter().filter(|archive| !archive.lacks_stamps()) {
        for round in some(&archive) {
            match agrees(&archive, round) {
                Some(true) => censored += 1,
                Some(false) => exact += 1,
                None => {}
            }
        }
    }
    assert!(exact > 20 && censored > 2, "{exact} exact, {censored} censored");
}

/// Read with the library's own reader, quantiles agree to three digits with those of the rounds.
#[test]
fn logs_have_an_interval_for_each_round_with_its_quantiles() {
    let archive = comparison();
    let logs = hlog::logs(&archive).unwrap();
    let names: Vec<&str> = logs.iter().map(|log| log.workload.as_str()).collect();
    let due = archive.campaign.workloads.iter().filter(|workload| !workload.is_flood());
    let due: Vec<&str> = due.map(|workload| workload.name.as_str()).collect();
    assert_eq!(names, due, "a flood has no due times");
    for log in &logs {
        assert!(log.text.starts_with("#[Histogram log format version 1.3]\n"));
        let mut read: BTreeMap<String, Vec<Histogram<u64>>> = BTreeMap::new();
        let mut last = std::time::Duration::ZERO;
        for entry in IntervalLogIterator::new(log.text.as_bytes()) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            assert!(interval.start_timestamp() >= last, "intervals follow each other");
            last = interval.start_timestamp();
            let packed = base64(interval.encoded_histogram());
            let histogram = Deserializer::new().deserialize(&mut packed.as_slice()).unwrap();
            read.entry(interval.tag().unwrap().as_str().to_owned()).or_default().push(histogram);
        }
        let rows = archive.campaign.rows.iter().filter(|row| row.workload == log.workload);
        for row in rows {
            let histograms = &read[&hlog::tag(&row.client)];
            assert_eq!(histograms.len(), row.rounds, "{}", row.client);
            let counted = archive.rounds.iter().filter(|round| archive.counts(round));
            let rounds = counted
                .map(|round| &round.result)
                .filter(|r| r.workload == row.workload && r.client == row.client);
            for (histogram, round) in histograms.iter().zip(rounds) {
                let m = round.measurement.as_ref().unwrap();
                let q = m.response_ns.unwrap();
                assert_eq!(histogram.len(), m.samples as u64);
                for (share, time) in
                    [(0.5, q.p50), (0.9, q.p90), (0.99, q.p99), (0.999, q.p999), (1.0, q.max)]
                {
                    let found = histogram.value_at_quantile(share);
                    assert!(histogram.equivalent(found, time.bound_ns()), "{share}: {found}");
                }
            }
        }
    }
    let waited = archive
        .campaign
        .rows
        .iter()
        .filter(|row| row.response_ns.is_some_and(|q| q.max.is_censored()));
    for row in waited {
        let log = logs.iter().find(|log| log.workload == row.workload).unwrap();
        let of_client = format!("#{}: ", hlog::tag(&row.client));
        let mut notes = log.text.lines().filter(|line| line.contains("still waited at the stop"));
        assert!(notes.any(|note| note.starts_with(&of_client)), "{}", row.client);
    }
    let mut few = comparison();
    few.rounds.truncate(9);
    assert_eq!(hlog::logs(&few).unwrap(), hlog::logs(&few).unwrap(), "the same bytes");
}

fn base64(text: &str) -> Vec<u8> {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[test]
fn the_columnar_table_has_a_row_group_for_each_round() {
    let mut archive = comparison();
    archive.rounds.truncate(4);
    let mut bytes = Vec::new();
    journeys::write(&archive, &mut bytes).unwrap();
    let mut again = Vec::new();
    journeys::write(&archive, &mut again).unwrap();
    assert!(bytes == again, "the same bytes");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &bytes).unwrap();
    let reader = SerializedFileReader::new(fs::File::open(file.path()).unwrap()).unwrap();
    assert_eq!(reader.num_row_groups(), 4);
    for (index, round) in archive.rounds.iter().enumerate() {
        let group = reader.get_row_group(index).unwrap();
        let mut in_window = 0;
        for row in group.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let columns: BTreeMap<&str, String> = row
                .get_column_iter()
                .map(|(name, field)| (name.as_str(), field.to_string()))
                .collect();
            assert_eq!(columns["client"], format!("\"{}\"", round.result.client));
            let [due, response, processed] =
                ["due_ns", "response_ns", "processed_ns"].map(|name| columns[name].parse::<i64>());
            if let Ok(processed) = processed {
                assert_eq!(response.unwrap(), processed - due.unwrap());
            }
            in_window += usize::from(columns["in_window"] == "true");
        }
        assert_eq!(in_window, round.result.measurement.as_ref().unwrap().samples);
    }
}

fn records(text: &str) -> Vec<BTreeMap<String, String>> {
    ::csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn tidy_rows_have_the_numbers_of_the_tables() {
    let archive = comparison();
    let records = records(&tidy::csv(&archive.campaign).unwrap());
    for row in &archive.campaign.rows {
        let of = |metric: &str, statistic: &str| {
            let found = records.iter().find(|r| {
                r["workload"] == row.workload
                    && r["client"] == row.client
                    && r["metric"] == metric
                    && r["statistic"] == statistic
            });
            found.unwrap_or_else(|| panic!("no {metric} {statistic} of {}", row.client))
        };
        let processed = of("processed", "mean");
        assert_eq!(processed["value"].parse::<f64>().ok(), row.rates.processed_per_s);
        assert_eq!(processed["unit"], "ticks/s");
        let interval = row.intervals.processed_per_s.unwrap();
        assert_eq!(processed["low"].parse::<f64>(), Ok(interval.low));
        assert_eq!(of("rounds", "count")["verdict"], row.verdict.to_string());
        let Some(q) = row.response_ns else { continue };
        let p99 = of("response", "p99");
        assert_eq!(p99["value"].parse::<u64>(), Ok(q.p99.bound_ns()));
        assert_eq!(p99["bound"], if q.p99.is_censored() { "at_least" } else { "exact" });
        assert_eq!(p99["unit"], "ns");
    }
    // In the order of the tables.
    let mut order: Vec<(&str, &str)> = Vec::new();
    for record in records.iter().filter(|record| !record["verdict"].is_empty()) {
        let place = (record["workload"].as_str(), record["client"].as_str());
        if order.last() != Some(&place) {
            order.push(place);
        }
    }
    let rows = archive.campaign.rows.iter();
    let expected: Vec<_> = rows.map(|r| (r.workload.as_str(), r.client.as_str())).collect();
    assert_eq!(order, expected);
}

/// Every metric that a comparison has, with its statistic and unit.
#[test]
fn tidy_rows_have_all_metrics() {
    let mut metrics: Vec<String> = Vec::new();
    for record in records(&tidy::csv(&comparison().campaign).unwrap()) {
        let name = ["metric", "statistic", "unit"].map(|column| record[column].as_str()).join(" ");
        if !metrics.contains(&name) {
            metrics.push(name);
        }
    }
    insta::assert_snapshot!(metrics.join("\n"));
}

#[test]
fn capacities_are_tidy_too() {
    let archive = published().into_iter().find(|a| a.campaign.kind == Kind::Capacity).unwrap();
    let records = records(&tidy::csv(&archive.campaign).unwrap());
    for capacity in &archive.campaign.capacities {
        let is = |r: &&BTreeMap<String, String>| {
            r["client"] == capacity.client && r["metric"] == "capacity"
        };
        let found = records.iter().find(is).unwrap();
        assert_eq!(found["value"].parse::<u64>().ok(), capacity.capacity_per_s);
        let (low, high) = capacity.interval_per_s.unwrap();
        assert_eq!(found["low"].parse::<u64>(), Ok(low));
        assert_eq!(found["high"].parse::<u64>().ok(), high);
    }
    assert_eq!(archive.campaign.status, Status::Complete);
}
