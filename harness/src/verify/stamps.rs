//! The stamps of both ends: of just the planned ticks, and in their order.

use super::Audit;
use crate::drops::Drops;
use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::record::{Link, Record};
use contract::SampleRow;

impl Audit {
    pub(super) fn stamps(&mut self, record: &Record, plan: &Plan) {
        for link in &record.links {
            let processed = link.drops.end_of(link.processed);
            self.sample_set("the client's", (&link.client_rows, &link.drops), processed, plan);
            // With one connection its count is known; with several only their sum is.
            let written = match record.links.len() {
                1 => link.drops.end_of(record.server.written),
                _ => link.server_rows.last().map_or(0, |row| row[0] + 1),
            };
            self.sample_set("the server's", (&link.server_rows, &link.drops), written, plan);
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
            let place = link.drops.place(row[0]);
            while looks.get(counted).is_some_and(|look| look.processed <= place) {
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

    /// Whether the rows are those of the planned ticks below `reached` that were not
    /// dropped.
    fn sample_set(
        &mut self,
        whose: &str,
        (rows, drops): (&[SampleRow], &Drops),
        reached: u64,
        plan: &Plan,
    ) {
        let sample = plan.sample();
        let below = sample.count_below(reached);
        let planned = || (0..below).map(|n| sample.nth(n)).filter(|&seq| !drops.contains(seq));
        // A wild count would take for ever to go through.
        let same = rows.len() as u64 <= below
            && below <= drops.total().saturating_add(rows.len() as u64)
            && planned().eq(rows.iter().map(|row| row[0]));
        self.demand(same, || {
            format!(
                "{whose} samples are not the planned ones: {} rows, {below} planned below tick {reached}",
                rows.len()
            )
        });
    }
}
