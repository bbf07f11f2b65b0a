//! The counts that the server logs, compared with those of its clients.

use crate::client::{Kind, Visit};
use crate::events::{Event, Left};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// All counts that the server logged.
#[derive(Debug, Default)]
pub struct Counts {
    /// The connections of each client address, in order: ports are reused.
    left: BTreeMap<SocketAddr, Vec<Left>>,
    /// Ticks written and dropped in total.
    total: Option<[u64; 2]>,
}

impl Counts {
    /// The counts of these events.
    pub fn of(events: &[Event]) -> Self {
        let mut counts = Self::default();
        for event in events {
            match event {
                Event::Left(left) => counts.left.entry(left.peer).or_default().push(left.clone()),
                Event::Total { written, dropped, .. } => counts.total = Some([*written, *dropped]),
                _ => {}
            }
        }
        counts
    }

    /// Prints how the two agree; gives whether they do.
    pub fn judge(&self, visits: &[Visit]) -> bool {
        let mut faults = Vec::new();
        let (mut closed, mut ticks) = (0, 0);
        let mut next: BTreeMap<SocketAddr, usize> = BTreeMap::new();
        for visit in visits {
            let place = next.entry(visit.local).or_default();
            let left = self.left.get(&visit.local).and_then(|left| left.get(*place));
            *place += 1;
            match left {
                Some(left) => faults.extend(disagreement(visit, left)),
                None => faults.push(format!("{}: the server does not know it", visit.local)),
            }
            if visit.was_closed {
                (closed, ticks) = (closed + 1, ticks + visit.received);
            }
        }
        let left = || self.left.values().flatten();
        let sum = [left().map(|l| l.written).sum::<u64>(), left().map(|l| l.dropped).sum()];
        if self.total != Some(sum) {
            let total = self.total;
            faults.push(format!("the sums of the connections are {sum:?}, the total is {total:?}"));
        }
        let of = |kind| visits.iter().filter(|visit| visit.kind == kind).count();
        println!(
            "clients: {} steady, {} slow, {} stalled; {closed} left by a close handshake, {} were cut off",
            of(Kind::Steady),
            of(Kind::Slow),
            of(Kind::Stalled),
            left().filter(|left| was_cut_off(left)).count()
        );
        println!(
            "counts: {ticks} ticks came to clients that closed; {} written in total, {} dropped: {}",
            sum[0],
            sum[1],
            if faults.is_empty() { "they reconcile" } else { "they do NOT reconcile" }
        );
        faults.iter().take(20).for_each(|fault| println!("  {fault}"));
        faults.is_empty()
    }
}

fn was_cut_off(left: &Left) -> bool {
    left.reason == "cut_off"
}

/// How the two views of one connection disagree, if they do.
fn disagreement(visit: &Visit, left: &Left) -> Option<String> {
    let Visit { local, received, .. } = visit;
    let logged = format!("`{}`, written {}, dropped {}", left.why, left.written, left.dropped);
    if let Some(fault) = &visit.fault {
        return Some(format!("{local} ({:?}): {fault}; the server: {logged}", visit.kind));
    }
    if visit.closes && !visit.was_closed && !was_cut_off(left) {
        return Some(format!("{local}: no close frame came; the server: {logged}"));
    }
    if visit.gaps > 0 && left.dropped == 0 {
        return Some(format!("{local}: {} gaps; the server: {logged}", visit.gaps));
    }
    if left.dropped == 0 && visit.first_seq.is_some_and(|seq| seq != left.tick) {
        let seq = visit.first_seq;
        return Some(format!("{local}: joined at {}, its first seq is {seq:?}", left.tick));
    }
    let agrees = match visit.was_closed {
        true => *received == left.written,
        false => *received <= left.written,
    };
    (!agrees)
        .then(|| format!("{local} ({:?}): received {received}; the server: {logged}", visit.kind))
}
