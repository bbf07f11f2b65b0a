//! Exports agree with the campaigns that they are made from.

mod common;

use harness::archive::{Archive, Round};
use harness::export::{hlog, journeys, sampled, tidy};
use harness::listing;
use harness::saved::{Kind, Status};
use harness::stats::{Quantiles, Time, Times};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

fn published() -> Vec<Archive> {
    common::published().iter().map(|dir| Archive::open(dir).unwrap()).collect()
}

fn comparison() -> Archive {
    let is_comparison =
        |archive: &Archive| archive.campaign.kind == Kind::Compare && archive.rounds.len() > 20;
    published().into_iter().find(is_comparison).unwrap()
}

/// Some rounds of every kind: each client's first, and those of the longest waits.
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
    for dir in common::published() {
        let archive = Archive::open(&dir).unwrap();
        let saved = fs::read_to_string(dir.join("table.md")).unwrap();
        assert_eq!(listing::markdown(&archive.campaign), saved, "{}", dir.display());
    }
}

/// Whether the sampled ticks of a saved round are those that it was measured by; and
/// whether some of them still waited at the stop. `None`: it was not measured.
fn agrees(archive: &Archive, round: &Round) -> Option<bool> {
    let (m, books) = (round.result.measurement.as_ref()?, round.books.as_ref()?);
    let sampled = sampled::of(archive, round).unwrap().unwrap();
    let window = sampled.ticks.iter().filter(|tick| tick.in_window);
    let responses: Vec<Time> =
        window.clone().filter_map(|tick| tick.response(books.ended_ns)).collect();
    let place = format!("{} {}", archive.name(), books.journeys);
    assert_eq!(responses.len(), m.samples, "{place}");
    assert_eq!(Quantiles::of(&Times::new(responses)), m.response_ns, "{place}");
    if let Some(ns) = &sampled.window_ns {
        let due = window.map(|tick| tick.stamps.due_ns - books.start_ns);
        assert!(due.clone().all(|due_ns| ns.contains(&due_ns)), "{place}");
        let others = sampled.ticks.iter().filter(|tick| !tick.in_window);
        let mut others = others.map(|tick| tick.stamps.due_ns - books.start_ns);
        assert!(others.all(|due_ns| !ns.contains(&due_ns)), "{place}");
    }
    Some(m.response_ns.is_some_and(|q| q.max.is_censored()))
}

#[test]
fn sampled_ticks_give_the_quantiles_of_their_round() {
    let (mut exact, mut censored) = (0, 0);
    for archive in published() {
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

/// The same for every kind of load, several connections, a recording, and a round that
/// a backlog broke off.
#[test]
fn sampled_ticks_are_found_under_every_load() {
    let room = common::Room::new();
    fs::write(room.path().join("gaps.csv"), "gap_ns,symbol,price\n100000,5,1\n900000,7,3\n")
        .unwrap();
    let loads = [
        ("burst", "rate_per_s = 2000\nburst = { to_per_s = 40000, every_ms = 200, for_ms = 20 }"),
        ("ramp", "rate_per_s = 500\nramp = { to_per_s = 8000, over_ms = 400 }"),
        ("poisson", "rate_per_s = 5000\npoisson = true"),
        ("replay", "replay = \"gaps.csv\""),
        ("gateways", "rate_per_s = 1000\nconnections = 2\nclients = 2"),
        (
            "brimful",
            "rate_per_s = 100000\nwork_ns = 200000\nqueue_bound = 256\nbuffers = \"matched\"\nlog_ceiling_bytes = 1000000",
        ),
    ];
    let load = |(name, lines): &(&str, &str)| {
        room.workload(name, &format!("{lines}\nrank_by = \"response_p99\""))
    };
    let files: Vec<String> = loads.iter().map(load).collect();
    let mut args = vec!["blocking", "--workload"];
    args.extend(files.iter().map(String::as_str));
    let archive = Archive::open(&room.compare(&args).campaign).unwrap();
    let mut measured = Vec::new();
    for round in &archive.rounds {
        if agrees(&archive, round).is_some() {
            measured.push(round.result.workload.as_str());
        }
    }
    assert!(loads.iter().all(|(name, _)| measured.contains(name)), "{measured:?}");
    let mut bytes = Vec::new();
    journeys::parquet(&archive, &mut bytes).unwrap();
    // On a busy machine the server may come late, and such a round stands in no log.
    let counted = archive.rounds.iter().filter(|round| archive.counts(round));
    let counted: BTreeSet<&str> = counted.map(|round| round.result.workload.as_str()).collect();
    let logs = hlog::logs(&archive).unwrap();
    let logged: BTreeSet<&str> = logs.iter().map(|log| log.workload.as_str()).collect();
    assert_eq!(logged, counted);
}

/// Read back with the library's own reader: within three digits of the rounds.
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
            // All rounds of that campaign count, so they are in the same order.
            let rounds = archive
                .rounds
                .iter()
                .map(|round| &round.result)
                .filter(|r| r.workload == row.workload && r.client == row.client && !r.control);
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
    let mut waited = archive
        .campaign
        .rows
        .iter()
        .filter(|row| row.response_ns.is_some_and(|q| q.max.is_censored()));
    let row = waited.next().unwrap();
    let log = logs.iter().find(|log| log.workload == row.workload).unwrap();
    let note = log.text.lines().find(|line| line.contains("still waited at the stop"));
    assert!(note.unwrap().starts_with(&format!("#{}: ", hlog::tag(&row.client))), "{note:?}");
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
    journeys::parquet(&archive, &mut bytes).unwrap();
    let mut again = Vec::new();
    journeys::parquet(&archive, &mut again).unwrap();
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
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn tidy_rows_carry_the_numbers_of_the_tables() {
    let archive = comparison();
    let records = records(&tidy::csv(&archive.campaign));
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
        assert_eq!(of("rounds", "count")["verdict"], row.verdict.word());
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
    for record in records(&tidy::csv(&comparison().campaign)) {
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
    let records = records(&tidy::csv(&archive.campaign));
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
    assert!(hlog::logs(&archive).unwrap().iter().any(|log| log.workload.starts_with("steady@")));
    assert_eq!(archive.campaign.status, Status::Complete);
}
