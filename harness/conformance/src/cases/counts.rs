//! What a client counts, stamps and stores in its meter.

use crate::case::Candidate;
use crate::checks::{Scene, check_rows, check_stamps, same_counts, whole};
use crate::patience::PATIENCE;
use crate::plan::plan;
use crate::server::{Connection, market};
use anyhow::{Result, bail, ensure};
use contract::meter::{MeterFile, Slot};
use contract::{ClientEnd, ClientFinal, ClientPlan};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tick::clock::now_ns;
use tick::{Format, Sample};
use tungstenite::Message;

pub(super) fn no_tick(candidate: &Candidate<'_>) -> Result<()> {
    let mut scene = candidate.connect(|url| plan(url, Format::Binary))?;
    scene.connection.ticks(0..100)?;
    scene.connection.message(Message::Binary(vec![0; 27].into()))?;
    scene.connection.message(Message::Text("as long as a tick: 28 chars.".into()))?;
    scene.connection.message(Message::Binary(vec![0xff; 28].into()))?;
    scene.connection.message(Message::Binary(Vec::new().into()))?;
    scene.connection.ticks(100..200)?;
    let Scene { plan, mut child, connection, .. } = scene;
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    let ticks = whole(200, ClientEnd::Closed);
    same_counts(&report, &ClientFinal { received: 204, undecodable: 4, ..ticks })?;
    check_rows(&rows, &plan, 0..200)
}

/// A run of the ticks below `count`, with this plan.
fn run(candidate: &Candidate<'_>, count: u64, plan: impl FnOnce(&str) -> ClientPlan) -> Result<()> {
    let Scene { plan, mut child, mut connection, .. } = candidate.connect(plan)?;
    let mut seq = 0;
    while seq < count {
        let end = count.min(seq + 1000);
        connection.ticks(seq..end)?;
        seq = end;
    }
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    same_counts(&report, &whole(count, ClientEnd::Closed))?;
    check_rows(&rows, &plan, 0..count)
}

pub(super) fn no_ticks(candidate: &Candidate<'_>) -> Result<()> {
    run(candidate, 0, |url| plan(url, Format::Binary))
}

pub(super) fn one_tick(candidate: &Candidate<'_>) -> Result<()> {
    let sample = Sample { first: 0, stride: 1 };
    run(candidate, 1, |url| ClientPlan { sample, ..plan(url, Format::Json) })
}

/// A client whose queue has no bound takes all of them at once, and may work on them for longer
/// than any case waits: so it never has more than a part of them to do.
pub(super) fn a_million(candidate: &Candidate<'_>) -> Result<()> {
    const COUNT: u64 = 1_000_000;
    const MOST_AHEAD: u64 = 100_000;
    let dir = candidate.directory()?;
    let path = dir.path().join("meter");
    let meter = MeterFile::create(&path, 1)?;
    let sample = Sample { first: 498, stride: 997 };
    let (deadline_ms, meter_path) = (300_000, Some(path));
    let plan = |url: &str| ClientPlan {
        sample,
        deadline_ms,
        meter: meter_path,
        ..plan(url, Format::Binary)
    };
    let Scene { plan, mut child, mut connection, .. } = candidate.connect(plan)?;
    for seq in (0..COUNT).step_by(1000) {
        let begin = Instant::now();
        while meter.read(Slot::PROCESSED)? + MOST_AHEAD < seq {
            ensure!(
                begin.elapsed() < PATIENCE,
                "its meter does not come within {MOST_AHEAD} ticks of {seq}"
            );
            sleep(Duration::from_millis(1));
        }
        connection.ticks(seq..seq + 1000)?;
    }
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    same_counts(&report, &whole(COUNT, ClientEnd::Closed))?;
    check_rows(&rows, &plan, 0..COUNT)
}

pub(super) fn samples(candidate: &Candidate<'_>) -> Result<()> {
    for sample in [Sample { first: 4_500, stride: 1 }, Sample { first: 0, stride: 997 }] {
        run(candidate, 9_000, |url| ClientPlan { sample, ..plan(url, Format::ClassicBinary) })?;
    }
    Ok(())
}

/// 0..10, 20..30, 17, 24, 40..50: a gap, one out of order, a duplicate, another gap.
pub(super) fn gaps(candidate: &Candidate<'_>) -> Result<()> {
    let Scene { mut child, mut connection, .. } =
        candidate.connect(|url| plan(url, Format::Binary))?;
    let pieces = [0..10, 20..30, 17..18, 24..25, 40..50];
    for piece in pieces.clone() {
        connection.ticks(piece)?;
    }
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    let checksum = pieces.into_iter().map(|piece| market().checksum(piece)).sum();
    let expected = ClientFinal {
        gaps: 19,
        duplicates: 1,
        reorders: 1,
        checksum,
        ..whole(32, ClientEnd::Closed)
    };
    same_counts(&report, &expected)?;
    let seqs: Vec<u64> = rows.iter().map(|row| row[0]).collect();
    ensure!(seqs == [3, 17, 24, 45], "samples of {seqs:?} instead of [3, 17, 24, 45]");
    Ok(())
}

pub(super) fn high_seqs(candidate: &Candidate<'_>) -> Result<()> {
    const HIGH: u64 = (1 << 33) + 5;
    for format in [Format::Binary, Format::Json] {
        let Scene { plan, mut child, mut connection, .. } =
            candidate.connect(|url| plan(url, format))?;
        connection.ticks(0..10)?;
        connection.ticks(HIGH..HIGH + 20)?;
        connection.close(1000)?;
        let (rows, report) = child.report()?;
        let checksum = market().checksum(0..10) + market().checksum(HIGH..HIGH + 20);
        let expected = ClientFinal { gaps: HIGH - 10, checksum, ..whole(30, ClientEnd::Closed) };
        same_counts(&report, &expected)?;
        let planned = |seq: &u64| plan.sample.at_or_after(*seq) == *seq;
        let wanted: Vec<u64> = (0..10).chain(HIGH..HIGH + 20).filter(planned).collect();
        let seqs: Vec<u64> = rows.iter().map(|row| row[0]).collect();
        ensure!(seqs == wanted, "samples of {seqs:?} instead of {wanted:?}");
    }
    Ok(())
}

pub(super) fn stamps(candidate: &Candidate<'_>) -> Result<()> {
    const WORK_NS: u64 = 1_000_000;
    let sample = Sample { first: 0, stride: 1 };
    let plan = |url: &str| ClientPlan { sample, work_ns: WORK_NS, ..plan(url, Format::Binary) };
    let Scene { plan, hello, mut child, mut connection } = candidate.connect(plan)?;
    let error_ns = hello.clock_error_ns.unwrap_or(0);
    let sent_ns = now_ns();
    connection.ticks(0..100)?;
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    let ended_ns = now_ns();
    same_counts(&report, &whole(100, ClientEnd::Closed))?;
    check_rows(&rows, &plan, 0..100)?;
    let early = rows.iter().find(|row| row[1] + error_ns < sent_ns);
    if let Some(row) = early {
        bail!("received before it was sent at {sent_ns}: row {row:?}");
    }
    let late = rows.iter().find(|row| row[2] > ended_ns + error_ns);
    if let Some(row) = late {
        bail!("processed after its report, which came at {ended_ns}: row {row:?}");
    }
    let least_ns = WORK_NS.saturating_sub(2 * error_ns);
    let idle = rows.iter().find(|row| row[2] - row[1] < least_ns);
    if let Some(row) = idle {
        bail!("{WORK_NS} ns of work for each tick are planned, and there are fewer in row {row:?}");
    }
    check_stamps(&rows)
}

/// A client that reads the clock once for a whole read, before or after its ticks, passes every
/// other case.
pub(super) fn stamps_in_a_batch(candidate: &Candidate<'_>) -> Result<()> {
    const WORK_NS: u64 = 200_000;
    const TICKS: u64 = 200;
    let sample = Sample { first: 0, stride: 1 };
    let plan = |url: &str| ClientPlan { sample, work_ns: WORK_NS, ..plan(url, Format::Binary) };
    let Scene { plan, hello, mut child, mut connection } = candidate.connect(plan)?;
    // One write of 6 kB: the client's kernel has all of it before a read begins.
    connection.ticks(0..TICKS)?;
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    same_counts(&report, &whole(TICKS, ClientEnd::Closed))?;
    check_rows(&rows, &plan, 0..TICKS)?;
    let least_ns = WORK_NS.saturating_sub(2 * hello.clock_error_ns.unwrap_or(0));
    let shared = rows.windows(2).filter(|pair| pair[1][2] - pair[0][2] < least_ns);
    let count = shared.clone().count();
    if let Some(rows) = shared.clone().next() {
        bail!(
            "{WORK_NS} ns of work lie between two ticks, but {count} of {TICKS} are stamped as processed sooner after the one before them, first in rows {rows:?}"
        );
    }
    Ok(())
}

pub(super) fn meter(candidate: &Candidate<'_>) -> Result<()> {
    let dir = candidate.directory()?;
    let path = dir.path().join("meter");
    let meter = MeterFile::create(&path, 1)?;
    let plan = |url: &str| ClientPlan { meter: Some(path.clone()), ..plan(url, Format::Binary) };
    let Scene { mut child, mut connection, .. } = candidate.connect(plan)?;
    let counts = || -> Result<(u64, u64)> {
        // Downstream first, so that what moves on meanwhile is no fault.
        let processed = meter.read(Slot::PROCESSED)?;
        Ok((processed, meter.read(Slot::RECEIVED)?))
    };
    for piece in 1..=10u64 {
        connection.ticks((piece - 1) * 100..piece * 100)?;
        let begin = Instant::now();
        while counts()? != (piece * 100, piece * 100) {
            let (processed, received) = counts()?;
            ensure!(
                begin.elapsed() < PATIENCE,
                "after {} ticks and a pause, the meter says {received} received, {processed} processed",
                piece * 100
            );
            sleep(Duration::from_millis(1));
        }
    }
    let sent = flooded(&mut connection, 1000, || rises(counts))?;
    connection.close(1000)?;
    let (_, report) = child.report()?;
    same_counts(&report, &whole(sent, ClientEnd::Closed))
}

/// Sends ticks from `seq` on without a pause while `what` runs; returns the seq of the next
/// one. In a thread: between two writes, a slow client's meter could be read only as often as
/// its kernel takes more.
fn flooded(
    connection: &mut Connection,
    mut seq: u64,
    what: impl FnOnce() -> Result<()>,
) -> Result<u64> {
    connection.hold_little()?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                connection.ticks(seq..seq + 200)?;
                seq += 200;
            }
            Ok(seq)
        });
        let result = what();
        is_over.store(true, Ordering::Relaxed);
        let sent = flood.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and(sent)
    })
}

/// Checks that the counts of processed and received ticks rise.
fn rises(counts: impl Fn() -> Result<(u64, u64)>) -> Result<()> {
    let mut seen = BTreeSet::new();
    let begin = Instant::now();
    while seen.len() < 10 {
        let (processed, received) = counts()?;
        ensure!(processed <= received, "the meter says {received} received, {processed} processed");
        ensure!(
            seen.last().is_none_or(|last| *last <= processed),
            "the meter has decreased to {processed}"
        );
        seen.insert(processed);
        ensure!(
            begin.elapsed() < PATIENCE,
            "the meter does not rise while ticks come without a pause"
        );
        sleep(Duration::from_millis(1));
    }
    Ok(())
}
