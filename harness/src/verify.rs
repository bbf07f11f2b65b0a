//! The audit: every round has to balance its books before it may be shown.

mod books;
mod stamps;
#[cfg(test)]
mod tests;

use crate::checksums::Checksums;
use crate::little;
use crate::measure;
use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::policy;
use crate::record::Record;
use contract::{ClientEnd, ClientFinal, Policy, SampleRow, ServerEnd};

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
    audit.endings(record, plan);
    audit.counts(record, checksums);
    audit.drops(record, plan);
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

    fn endings(&mut self, record: &Record, plan: &Plan) {
        let detail = |detail: &Option<String>| {
            detail.as_ref().map_or(String::new(), |text| format!(" ({text})"))
        };
        let (client, server) = (&record.client(), &record.server);
        if server.ended == ServerEnd::CutOff {
            return self.cut_off(client, record, plan);
        }
        if record.overflow().is_some() {
            return;
        }
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

    /// Only one policy cuts a client off, and the client has to have seen it.
    fn cut_off(&mut self, client: &ClientFinal, record: &Record, plan: &Plan) {
        let policy = plan.workload.policy();
        self.demand(policy == Policy::Disconnect, || {
            format!(
                "the server cut the client off, which the policy {} does not do",
                policy::word(policy)
            )
        });
        let saw_it = client.ended == ClientEnd::Disconnected
            || (client.ended == ClientEnd::Stopped && record.watched.told_to_stop);
        self.demand(saw_it, || {
            format!("the client was cut off, and yet it ended: {}", client_word(client.ended))
        });
    }

    /// The books at each instant of the grid.
    fn instants(&mut self, record: &Record) {
        let bytes_per_tick = measure::bytes_per_tick(record);
        let counts = |s: &Snapshot| [s.processed, s.received, s.written, s.dropped, s.generated];
        let falls = |pair: &[Snapshot]| (0..5).any(|i| counts(&pair[1])[i] < counts(&pair[0])[i]);
        let fallen = record.watched.snapshots.windows(2).any(falls);
        self.demand(!fallen, || "a counter in a meter went backwards".to_owned());
        for snapshot in &record.watched.snapshots {
            let s = snapshot;
            let at_ms = s.at_ns.saturating_sub(record.start_ns) / 1_000_000;
            // generated = written + dropped + waiting, which cannot be less than nothing.
            let kept = s.generated.saturating_sub(s.dropped);
            let flow = [kept, s.received, s.processed];
            if !flow.is_sorted_by(|a, b| a >= b) || s.written > kept || s.dropped > s.generated {
                let generated = match s.dropped {
                    0 => "generated".to_owned(),
                    dropped => format!("generated without the {dropped} dropped"),
                };
                self.failures.push(format!(
                    "at {at_ms} ms more came out than went in: {generated}, received, processed = {flow:?}, written = {}",
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
            // What a backlog broke off before it has no numbers, and is a result.
            return self.demand(record.overflow().is_some(), || {
                "the window was not observed to its end".into()
            });
        };
        let (true, Some(last)) = (plan.keeps_due_times(), window.last()) else { return };
        if plan.workload.policy() == Policy::Block {
            return; // its client sets the pace
        }
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
