//! HdrHistogram interval logs (V2): response times for the viewers of that format, one log for
//! each workload with due times.

use super::exporter::{Exporter, File};
use anyhow::{Context, Result};
use bench_archive::archive::Archive;
use bench_archive::rounds::Round;
use bench_archive::sampled::{self, Sampled};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// Decimal digits that a histogram keeps.
pub const DIGITS: u8 = 3;
/// More than any round can last, in ns: rounds take at most a day.
const HIGHEST_NS: u64 = 1 << 47;

/// `hlog/WORKLOAD.hlog`.
pub struct Hlog;

impl Exporter for Hlog {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        archive.needs_stamps()?;
        let file = |log: Log| File::new(format!("hlog/{}.hlog", log.workload), log.text);
        Ok(logs(archive)?.into_iter().map(file).collect())
    }
}

/// The log of one workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The workload's name.
    pub workload: String,
    /// The content of the file.
    pub text: String,
}

/// One round of one client as an interval.
struct Interval {
    tag: String,
    at: Duration,
    lasted: Duration,
    histogram: Histogram<u64>,
    /// Number of ticks that still waited at the stop.
    censored: u64,
}

/// The logs of a campaign, in the order of its workloads: an interval for each round behind the
/// rows (of a search, for each probe that was measured), tagged with the client's name.
///
/// # Errors
/// When journeys are missing or damaged.
pub fn logs(archive: &Archive) -> Result<Vec<Log>> {
    let mut logs = Vec::new();
    for name in names(archive) {
        if let Some(text) = log(archive, name)? {
            logs.push(Log { workload: name.to_owned(), text });
        }
    }
    Ok(logs)
}

/// The workloads that have response times from due times, in their order.
#[must_use]
pub fn names(archive: &Archive) -> Vec<&str> {
    // Without due times, ticks that were never written are unknown, and a histogram of the others
    // would be too optimistic.
    if !archive.campaign.server.keeps_due_times() {
        return Vec::new();
    }
    let mut names: Vec<&str> = Vec::new();
    let timed =
        |round: &&Round| round.result.measurement.as_ref().is_some_and(|m| m.response_ns.is_some());
    for round in archive.rounds.iter().filter(timed) {
        let name = round.result.workload.as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // The rounds of a sweep have its rates in shuffled order; a search has many more.
    let place = |name: &str| archive.campaign.workloads.iter().position(|w| w.name == name);
    names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
    names
}

/// The log of one workload; `None` when it has no due times, or nothing was measured.
fn log(archive: &Archive, workload: &str) -> Result<Option<String>> {
    let mut intervals = Vec::new();
    for round in archive.rounds.iter().filter(|round| round.result.workload == workload) {
        // Under flood nothing was due.
        let has_times = round.result.measurement.as_ref().is_some_and(|m| m.response_ns.is_some());
        if !has_times || !archive.counts(round) {
            continue;
        }
        let (Some(evidence), Some(sampled)) = (&round.evidence, sampled::of(archive, round)?)
        else {
            continue;
        };
        let first_ns = archive.first_ns().unwrap_or(evidence.start_ns);
        let since_first = Duration::from_nanos(evidence.start_ns.saturating_sub(first_ns));
        intervals.extend(interval(&round.result.client, evidence.ended_ns, since_first, &sampled)?);
    }
    match intervals.is_empty() {
        true => Ok(None),
        false => write(archive, workload, &intervals).map(Some),
    }
}

fn interval(
    client: &str,
    ended_ns: u64,
    since_first: Duration,
    sampled: &Sampled,
) -> Result<Option<Interval>> {
    let Some(window_ns) = &sampled.window_ns else { return Ok(None) };
    let mut histogram = Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS)?;
    let mut censored = 0;
    for tick in sampled.ticks.iter().filter(|tick| tick.in_window) {
        let Some(response) = tick.response(ended_ns) else { continue };
        histogram.saturating_record(response.bound_ns());
        censored += u64::from(response.is_censored());
    }
    Ok((!histogram.is_empty()).then(|| Interval {
        tag: tag(client),
        at: since_first + Duration::from_nanos(window_ns.start),
        lasted: Duration::from_nanos(window_ns.end - window_ns.start),
        histogram,
        censored,
    }))
}

fn write(archive: &Archive, workload: &str, intervals: &[Interval]) -> Result<String> {
    let campaign = &archive.campaign;
    let mut head = IntervalLogWriterBuilder::new();
    head.add_comment("[Histogram log format version 1.3]");
    for line in [
        format!("Response times in ns under {workload}: processed - due, of the sampled ticks that were due within the window"),
        "An interval is a round, and its tag the client. Its start is in seconds after tick 0 of the campaign's first round".into(),
    ] {
        head.add_comment(&plain(&line));
    }
    let mut waiting: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for interval in intervals {
        let (censored, all) = waiting.entry(&interval.tag).or_default();
        *censored += interval.censored;
        *all += interval.histogram.len();
    }
    for (tag, (censored, all)) in waiting.into_iter().filter(|(_, (censored, _))| *censored > 0) {
        head.add_comment(&format!(
            "{tag}: {censored} of {all} ticks still waited at the stop, and count with their age: values at or above the lowest of these are lower bounds"
        ));
    }
    if let Some(started) = seconds(&campaign.started) {
        let started = UNIX_EPOCH + Duration::from_secs(started);
        head.with_start_time(started).with_base_time(started);
    }
    let (mut bytes, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut log = head.begin_log_with(&mut bytes, &mut serializer)?;
    for interval in intervals {
        let tag = Tag::new(&interval.tag);
        log.write_histogram(&interval.histogram, interval.at, interval.lasted, tag)
            .with_context(|| format!("a histogram of {}", interval.tag))?;
    }
    // The legend that other writers of this format put above the intervals.
    let text = String::from_utf8(bytes)?;
    let legend = "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
    let first = text.find("\nTag=").map_or(0, |at| at + 1);
    Ok(format!("{}{legend}{}", &text[..first], &text[first..]))
}

/// A time such as `2026-11-24T02:31:26Z`, in s since 1970.
fn seconds(utc: &str) -> Option<u64> {
    let time: jiff::Timestamp = utc.parse().ok()?;
    time.as_second().try_into().ok()
}

/// A client's name as a tag: commas, spaces and control characters, which would end it, become
/// `_`.
#[must_use]
pub fn tag(client: &str) -> String {
    let simple = |c: char| match c {
        ',' => '_',
        c if c.is_whitespace() || c.is_control() => '_',
        c => c,
    };
    client.chars().map(simple).collect()
}

/// A text in one line, for a comment.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_where_they_should() {
        assert_eq!(tag("tokio:current-thread"), "tokio:current-thread");
        assert_eq!(tag("a,b c\n\u{1b}d"), "a_b_c__d");
        assert!(Tag::new(&tag("a, \r\nb")).is_some());
    }
}
