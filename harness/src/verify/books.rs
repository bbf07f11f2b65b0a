//! The books at the end: what came in is what came out, what waits, and what a policy
//! allowed the server to drop.

use super::Audit;
use crate::checksums::Checksums;
use crate::plan::Plan;
use crate::policy;
use crate::record::{Link, Record};
use contract::{ClientEnd, ClientFinal, ServerFinal};

impl Audit {
    pub(super) fn counts(&mut self, record: &Record, checksums: &Checksums) {
        let (client, server) = (&record.client(), &record.server);
        for (count, what) in [
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
        self.flow(client, server);
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
            self.gaps(client, links);
        }
        self.checksum(record, client, checksums);
    }

    /// Whether no stage has more than the one before it, and all the same when nothing
    /// waits any longer.
    fn flow(&mut self, client: &ClientFinal, server: &ServerFinal) {
        let kept = server.generated.saturating_sub(server.dropped);
        let flow = [kept, server.written, client.received, client.processed];
        let dropped = match server.dropped {
            0 => String::new(),
            dropped => format!(" without the {dropped} dropped"),
        };
        self.demand(flow.is_sorted_by(|a, b| a >= b), || {
            format!(
                "more came out than went in: generated{dropped}, written, received, processed = {flow:?}"
            )
        });
        if client.ended == ClientEnd::Closed {
            self.demand(flow.iter().all(|&n| n == flow[0]), || {
                format!(
                    "drained, and yet generated{dropped}, written, received, processed = {flow:?}"
                )
            });
        }
    }

    /// A process has just those gaps that were dropped below the newest tick that it
    /// processed on each of its connections: none without a policy that drops.
    fn gaps(&mut self, client: &ClientFinal, links: &[Link]) {
        let below = |link: &Link| link.drops.below(link.drops.end_of(link.processed));
        let dropped = links.iter().map(below).fold(0, u64::saturating_add);
        self.demand(client.gaps == dropped, || match dropped {
            0 => format!("{} seqs skipped", client.gaps),
            _ => format!("{} seqs skipped, but {dropped} dropped", client.gaps),
        });
    }

    fn checksum(&mut self, record: &Record, client: &ClientFinal, checksums: &Checksums) {
        let made = made(record);
        // Beyond what was generated there is nothing to recompute.
        let is_made = |link: &Link| {
            link.drops.fault(made).is_none() && link.drops.end_of(link.processed) <= made
        };
        if !record.links.iter().all(is_made) {
            return;
        }
        let expected = record
            .links
            .iter()
            .map(|link| match record.fresh.is_empty() {
                true => checksums.of_delivered(&link.drops, link.processed),
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

    /// What was dropped: only where the policy drops, and each tick accounted for.
    pub(super) fn drops(&mut self, record: &Record, plan: &Plan) {
        let policy = plan.workload.policy();
        let (dropped, made) = (record.server.dropped, made(record));
        let last = record.watched.snapshots.last().map_or(0, |look| look.dropped);
        let most = record.watched.snapshots.iter().map(|look| look.dropped).max().unwrap_or(0);
        self.demand(policy.is_lossy() || dropped.max(most) == 0, || {
            let count = dropped.max(most);
            format!("{count} ticks dropped, which the policy {} does not do", policy::word(policy))
        });
        self.demand(last <= dropped, || {
            format!("the server's meter had {last} dropped ticks, its report has {dropped}")
        });
        let of_ranges =
            record.links.iter().map(|link| link.drops.total()).fold(0, u64::saturating_add);
        self.demand(of_ranges == dropped, || {
            format!("the server's ranges have {of_ranges} dropped ticks, its report {dropped}")
        });
        self.failures.extend(record.links.iter().find_map(|link| link.drops.fault(made)));
    }

    /// Whether every tick has one message that it repeats, and one that was made.
    pub(super) fn fresh(&mut self, record: &Record) {
        let (Some(first), Some(last)) = (record.fresh.first(), record.fresh.last()) else { return };
        let made = made(record);
        let holds = *first == 0 && record.fresh.is_sorted_by(|a, b| a < b) && *last < made;
        self.demand(holds, || {
            format!(
                "the server's fresh seqs do not ascend from 0 to below the {made} that it made: from {first} to {last}"
            )
        });
    }
}

/// Ticks made, each counted once.
fn made(record: &Record) -> u64 {
    record.server.generated / record.links.len() as u64
}
