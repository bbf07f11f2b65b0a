//! The audit: every round has to balance its books before it may be shown.

use crate::checksums::Checksums;
use crate::little;
use crate::measure;
use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::record::{Link, Record};
use contract::{ClientEnd, SampleRow, ServerEnd};

/// The share of ticks that has to be generated on time.
pub const ON_TIME_SHARE: f64 = 0.99;
/// More than a client takes in while a look is taken, in bytes.
const LOOK_BYTES: f64 = 32e6;
/// More than one write call of the server carries, in bytes.
const WRITE_BYTES: f64 = 2e6;

/// How it begins to say that the server was late.
const LATE: &str = "the server generated only";

/// Whether a round failed its audit by the server's lateness and nothing else: that
/// tells of the machine, not of the client.
#[must_use]
pub fn is_lateness(reason: &str) -> bool {
    reason.split("; ").all(|part| part.starts_with(LATE))
}

/// What the audit of one round found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Why the round must not be shown as a result; empty: it passed.
    pub failures: Vec<String>,
}

/// What a library has read and not yet handed out lies in the client's memory, in
/// bytes. A look takes a moment, in which a fast client moves on: so much is allowed
/// in any case.
fn most_in_library(look: &Snapshot) -> f64 {
    (look.client_rss_bytes as f64).max(LOOK_BYTES)
}

/// Audits a round.
#[must_use]
pub fn audit(record: &Record, plan: &Plan, checksums: &Checksums) -> Audit {
    let mut audit = Audit::default();
    audit.endings(record);
    audit.counts(record, checksums);
    audit.fresh(record);
    audit.stamps(record, plan);
    audit.instants(record);
    if audit.failures.is_empty() {
        audit.pace(record, plan);
        audit.failures.extend(little::violation(record, plan));
    }
    audit
}

impl Audit {
    fn demand(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(otherwise());
        }
    }

    fn endings(&mut self, record: &Record) {
        let detail = |detail: &Option<String>| {
            detail.as_ref().map_or(String::new(), |text| format!(" ({text})"))
        };
        if record.overflow().is_some() {
            return;
        }
        let (client, server) = (&record.client(), &record.server);
        let client_ok = match client.ended {
            ClientEnd::Closed => true,
            ClientEnd::Stopped => record.watched.told_to_stop,
            _ => false,
        };
        self.demand(client_ok, || {
            format!(
                "the client ended by itself: {}{}",
                client_word(client.ended),
                detail(&client.detail)
            )
        });
        let server_ok = server.ended == ServerEnd::Complete
            || (server.ended == ServerEnd::Stopped && record.watched.told_to_stop);
        self.demand(server_ok || !client_ok, || {
            format!("the server ended: {}{}", server_word(server.ended), detail(&server.detail))
        });
    }

    fn counts(&mut self, record: &Record, checksums: &Checksums) {
        let (client, server) = (&record.client(), &record.server);
        for (count, what) in [
            (client.gaps, "seqs skipped"),
            (client.duplicates, "seqs seen twice"),
            (client.reorders, "seqs out of order"),
            (client.undecodable, "messages that are no tick"),
        ] {
            self.demand(count == 0, || format!("{count} {what}"));
        }
        for client in &record.clients {
            let parts = [client.processed, client.queued, client.undecodable].map(u128::from);
            self.demand(u128::from(client.received) == parts.iter().sum(), || {
                format!(
                    "the client's books: {} received, but {} processed and {} queued",
                    client.received, client.processed, client.queued
                )
            });
        }
        let flow = [server.generated, server.written, client.received, client.processed];
        self.demand(flow.is_sorted_by(|a, b| a >= b), || {
            format!(
                "more came out than went in: generated, written, received, processed = {flow:?}"
            )
        });
        if client.ended == ClientEnd::Closed {
            self.demand(flow.iter().all(|&n| n == flow[0]), || {
                format!("drained, and yet generated, written, received, processed = {flow:?}")
            });
        }
        // Each process, with the meters of its own connections.
        let of_each = record.links.chunks(record.links.len() / record.clients.len());
        for (client, links) in record.clients.iter().zip(of_each) {
            let sum =
                |count: fn(&Link) -> u64| links.iter().map(count).fold(0, u64::saturating_add);
            let meter = [sum(|link| link.received), sum(|link| link.processed)];
            self.demand(meter == [client.received, client.processed], || {
                format!(
                    "the meter ended at {} received, {} processed; the report says {}, {}",
                    meter[0], meter[1], client.received, client.processed
                )
            });
        }
        // Beyond what was generated there is nothing to recompute.
        let made = server.generated / record.links.len() as u64;
        if record.links.iter().all(|link| link.processed <= made) {
            let expected = record
                .links
                .iter()
                .map(|link| match record.fresh.is_empty() {
                    true => checksums.of(link.processed),
                    false => checksums.of_fresh(&record.fresh, link.processed),
                })
                .fold(0, u64::wrapping_add);
            self.demand(client.checksum == expected, || {
                format!(
                    "checksum {} over {} ticks, but the market's is {expected}",
                    client.checksum, client.processed
                )
            });
        }
    }

    /// Whether every tick has one message that it repeats, and one that was made.
    fn fresh(&mut self, record: &Record) {
        let (Some(first), Some(last)) = (record.fresh.first(), record.fresh.last()) else { return };
        let made = record.server.generated / record.links.len() as u64;
        let holds = *first == 0 && record.fresh.is_sorted_by(|a, b| a < b) && *last < made;
        self.demand(holds, || {
            format!(
                "the server's fresh seqs do not ascend from 0 to below the {made} that it made: from {first} to {last}"
            )
        });
    }

    fn stamps(&mut self, record: &Record, plan: &Plan) {
        let written: u64 = record.links.iter().map(|link| link.server_rows.len() as u64).sum();
        let planned = plan.sample().count_below(record.server.written);
        // With one connection its count is known; with several only their sum is.
        self.demand(record.links.len() > 1 || written == planned, || {
            format!(
                "the server's samples are not the planned ones: {written} rows, {planned} planned"
            )
        });
        for link in &record.links {
            self.sample_set("the client's", &link.client_rows, link.processed, plan);
            let last = link.server_rows.last().map_or(0, |row| row[0] + 1);
            self.sample_set("the server's", &link.server_rows, last, plan);
            self.order_of_stamps(link, record, plan);
        }
        if let [link] = record.links.as_slice() {
            self.stamps_and_meter(link, record);
        }
    }

    /// A tick that the meter has counted has its stamp already: a later one is
    /// from the future. The look after that at which it was counted is later for
    /// certain, however long a look took.
    fn stamps_and_meter(&mut self, link: &Link, record: &Record) {
        let looks: &[Snapshot] = &record.watched.snapshots;
        let mut counted = 0;
        for row in &link.client_rows {
            while looks.get(counted).is_some_and(|look| look.processed <= row[0]) {
                counted += 1;
            }
            let Some(after) = looks.get(counted + 1) else { return };
            if row[2] > after.at_ns + record.clock_error_ns() {
                return self.failures.push(format!(
                    "a stamp from the future: tick {} is stamped {} ms after the meter had counted it",
                    row[0],
                    (row[2] - looks[counted].at_ns) / 1_000_000
                ));
            }
        }
    }

    /// No stamp lies before the one that it follows.
    fn order_of_stamps(&mut self, link: &Link, record: &Record, plan: &Plan) {
        let pairs = || link.client_rows.iter().zip(&link.server_rows);
        let error_ns = record.clock_error_ns();
        let backwards = pairs().find(|(client, server)| client[1] + error_ns < server[2]);
        self.demand(backwards.is_none(), || {
            format!(
                "a negative latency: tick {} was received before it was written",
                backwards.map_or(0, |(client, _)| client[0])
            )
        });
        let too_soon = link.client_rows.iter().find(|row| row[2] < row[1]);
        self.demand(too_soon.is_none(), || {
            format!(
                "tick {} was processed before it was received",
                too_soon.map_or(0, |row| row[0])
            )
        });
        let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap_or(0);
        let before_due =
            link.server_rows.iter().find(|row| row[1] < due_ns(row[0]) || row[2] < row[1]);
        self.demand(before_due.is_none(), || {
            format!("the server sent tick {} before it was due", before_due.map_or(0, |row| row[0]))
        });
        let watched = &record.watched;
        // After the stop a client may still be within the work on one tick.
        let grace_ns = if watched.told_to_stop { 1_000_000_000 } else { 0 };
        let after_end = link.client_rows.iter().find(|row| row[2] > watched.ended_ns + grace_ns);
        self.demand(after_end.is_none(), || {
            let seq = after_end.map_or(0, |row| row[0]);
            match watched.told_to_stop {
                true => {
                    format!("the client went on for more than a second after `stop`: tick {seq}")
                }
                false => {
                    format!("a stamp from the future: tick {seq} was processed after its report")
                }
            }
        });
    }

    fn sample_set(&mut self, whose: &str, rows: &[SampleRow], reached: u64, plan: &Plan) {
        let sample = plan.sample();
        let planned = sample.count_below(reached);
        let same = rows.len() as u64 == planned
            && rows.iter().zip(0..).all(|(row, index)| row[0] == sample.nth(index));
        self.demand(same, || {
            format!(
                "{whose} samples are not the planned ones: {} rows, {planned} planned below tick {reached}",
                rows.len()
            )
        });
    }

    /// The books at each instant of the grid.
    fn instants(&mut self, record: &Record) {
        let bytes_per_tick = measure::bytes_per_tick(record);
        let counts = |s: &Snapshot| [s.processed, s.received, s.written, s.generated];
        let falls = |pair: &[Snapshot]| (0..4).any(|i| counts(&pair[1])[i] < counts(&pair[0])[i]);
        let fallen = record.watched.snapshots.windows(2).any(falls);
        self.demand(!fallen, || "a counter in a meter went backwards".to_owned());
        for snapshot in &record.watched.snapshots {
            let s = snapshot;
            let at_ms = s.at_ns.saturating_sub(record.start_ns) / 1_000_000;
            let flow = [s.generated, s.received, s.processed];
            if !flow.is_sorted_by(|a, b| a >= b) || s.written > s.generated {
                self.failures.push(format!(
                    "at {at_ms} ms more came out than went in: generated, received, processed = {flow:?}, written = {}",
                    s.written
                ));
                return;
            }
            // A write is counted when its call returns, and by then the client
            // may have read it: never by more than one call can carry.
            let uncounted = s.received.saturating_sub(s.written) as f64 * bytes_per_tick;
            let library = measure::layers(s, bytes_per_tick).library;
            if uncounted > WRITE_BYTES
                || s.queues.is_some() && library * bytes_per_tick > most_in_library(s)
            {
                self.failures.push(format!(
                    "at {at_ms} ms the layers do not add up: {} written, {} received, {library} in neither kernel queue",
                    s.written, s.received
                ));
                return;
            }
        }
    }

    /// Whether the server kept its rate.
    fn pace(&mut self, record: &Record, plan: &Plan) {
        let Some(window) = measure::window(record, plan) else {
            return self.failures.push("the window was not observed to its end".into());
        };
        let (true, Some(last)) = (plan.keeps_due_times(), window.last()) else { return };
        let on_time_ns = plan.workload.on_time_ms * 1_000_000;
        // Of what was due that long before the end of the window.
        let due = |s: &Snapshot| {
            let elapsed_ns = s.at_ns.saturating_sub(record.start_ns + on_time_ns);
            plan.timetable.due_count(elapsed_ns).unwrap_or(0) as f64 * plan.links() as f64
        };
        let share = if due(last) > 0.0 { last.generated as f64 / due(last) } else { 1.0 };
        self.demand(share >= ON_TIME_SHARE, || {
            format!("{LATE} {:.2} % of the ticks due", share * 100.0)
        });
        let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap_or(0);
        let late = |row: &&SampleRow| row[1] - due_ns(row[0]) > on_time_ns;
        // Made once for all connections.
        let Some(rows) = record.links.first().map(|link| &link.server_rows) else { return };
        let on_time = 1.0 - rows.iter().filter(late).count() as f64 / rows.len().max(1) as f64;
        self.demand(on_time >= ON_TIME_SHARE, || {
            format!(
                "{LATE} {:.2} % of its ticks within {} ms of their due time: the machine was too busy",
                on_time * 100.0,
                plan.workload.on_time_ms
            )
        });
    }
}

fn client_word(ended: ClientEnd) -> &'static str {
    match ended {
        ClientEnd::Closed => "closed",
        ClientEnd::Stopped => "stopped, though nobody told it to",
        ClientEnd::Deadline => "deadline reached",
        ClientEnd::MemoryCeiling => "memory ceiling reached",
        ClientEnd::Disconnected => "connection lost",
    }
}

fn server_word(ended: ServerEnd) -> &'static str {
    match ended {
        ServerEnd::Complete => "complete",
        ServerEnd::Stopped => "stopped, though nobody told it to",
        ServerEnd::LogCeiling => "log ceiling reached",
        ServerEnd::CutOff => "the client was cut off for being behind",
        ServerEnd::Abandoned => "abandoned by the client",
        ServerEnd::Deadline => "deadline reached",
    }
}
