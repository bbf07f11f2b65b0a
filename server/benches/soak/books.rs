//! The server's books, as it tells them on its stderr, against those of its clients.

use crate::client::{Kind, Visit};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One stay of a client, as the server tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stay {
    joined_at: u64,
    why: String,
    written: u64,
    dropped: u64,
}

/// All that the server told.
#[derive(Debug, Default)]
pub struct Books {
    /// By the address of the client, in order: ports are used again.
    stays: BTreeMap<SocketAddr, Vec<Stay>>,
    /// Ticks made, written and dropped in all.
    total: Option<[u64; 3]>,
}

impl Books {
    /// Reads `PEER joined at tick N`, `PEER left: WHY; written N ticks, dropped M`, and
    /// `in all: made N ticks; written N ticks, dropped M`.
    pub fn read(words: &[String]) -> Self {
        let mut books = Self::default();
        for line in words {
            let peer = line.split(' ').next().and_then(|word| word.parse().ok());
            if let Some((_, counts)) = line.split_once("in all: ") {
                books.total = numbers(counts).try_into().ok();
            } else if let (Some(peer), Some((_, at))) = (peer, line.split_once(" joined at tick "))
            {
                let joined_at = at.trim().parse().unwrap_or_else(|_| panic!("{line}"));
                books.stays.entry(peer).or_default().push(Stay { joined_at, ..Stay::default() });
            } else if let (Some(peer), Some((_, rest))) = (peer, line.split_once(" left: ")) {
                let (why, counts) = rest.rsplit_once("; written ").unwrap_or((rest, ""));
                let [written, dropped] = numbers(counts)[..] else { panic!("no counts: {line}") };
                let stay = books.stays.get_mut(&peer).and_then(|stays| stays.last_mut());
                let stay = stay.unwrap_or_else(|| panic!("who never joined: {line}"));
                (stay.why, stay.written, stay.dropped) = (why.to_owned(), written, dropped);
            }
        }
        books
    }

    /// Prints how the two agree, and says whether they do.
    pub fn judge(&self, visits: &[Visit]) -> bool {
        let mut faults = Vec::new();
        let (mut closed, mut ticks) = (0, 0);
        let mut next: BTreeMap<SocketAddr, usize> = BTreeMap::new();
        for visit in visits {
            let place = next.entry(visit.local).or_default();
            let stay = self.stays.get(&visit.local).and_then(|stays| stays.get(*place));
            *place += 1;
            match stay {
                Some(stay) => faults.extend(disagreement(visit, stay)),
                None => faults.push(format!("{}: the server does not know it", visit.local)),
            }
            if visit.was_closed {
                (closed, ticks) = (closed + 1, ticks + visit.received);
            }
        }
        let stays = || self.stays.values().flatten();
        let sum = [stays().map(|s| s.written).sum::<u64>(), stays().map(|s| s.dropped).sum()];
        match self.total {
            Some([_, written, dropped]) if [written, dropped] == sum => {}
            total => {
                faults.push(format!("the connections' sums are {sum:?}, the totals {total:?}"))
            }
        }
        let of = |kind| visits.iter().filter(|visit| visit.kind == kind).count();
        println!(
            "clients: {} steady, {} slow, {} stalled; {closed} left by a close handshake, {} were cut off",
            of(Kind::Steady),
            of(Kind::Slow),
            of(Kind::Stalled),
            stays().filter(|stay| stay.why.contains("cut off")).count()
        );
        println!(
            "books: {ticks} ticks came to those who closed; {} written in all, {} dropped: {}",
            sum[0],
            sum[1],
            if faults.is_empty() { "they balance to the tick" } else { "they do NOT balance" }
        );
        faults.iter().take(20).for_each(|fault| println!("  {fault}"));
        faults.is_empty()
    }
}

/// What does not fit between the two views of one stay.
fn disagreement(visit: &Visit, stay: &Stay) -> Option<String> {
    let Visit { local, received, .. } = visit;
    let said = format!("`{}`, written {}, dropped {}", stay.why, stay.written, stay.dropped);
    if let Some(fault) = &visit.fault {
        return Some(format!("{local} ({:?}): {fault}; the server: {said}", visit.kind));
    }
    if visit.closes && !visit.was_closed && !stay.why.contains("cut off") {
        return Some(format!("{local}: no close frame came; the server: {said}"));
    }
    if visit.gaps > 0 && stay.dropped == 0 {
        return Some(format!("{local}: {} gaps; the server: {said}", visit.gaps));
    }
    if stay.dropped == 0 && visit.first_seq.is_some_and(|seq| seq != stay.joined_at) {
        let seq = visit.first_seq;
        return Some(format!("{local}: joined at {}, its first seq is {seq:?}", stay.joined_at));
    }
    let agrees = match visit.was_closed {
        true => *received == stay.written,
        false => *received <= stay.written,
    };
    (!agrees)
        .then(|| format!("{local} ({:?}): received {received}; the server: {said}", visit.kind))
}

/// All numbers of a text.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}
