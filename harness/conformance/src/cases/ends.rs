//! How a run ends.

use crate::case::Candidate;
use crate::checks::{Scene, accept, check_rows, same_counts, whole};
use crate::child::Child;
use crate::patience::PATIENCE;
use crate::plan::plan;
use crate::server::Server;
use anyhow::{Result, bail, ensure};
use contract::fault::Awaited;
use contract::meter::{MeterFile, Slot};
use contract::{ClientEnd, ClientFinal, ClientHello, ClientPlan, FromClient, QueueKind};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};
use tick::Format;

pub(super) fn closed_otherwise(candidate: &Candidate<'_>) -> Result<()> {
    let Scene { mut child, mut connection, .. } =
        candidate.connect(|url| plan(url, Format::Binary))?;
    connection.ticks(0..10)?;
    connection.close(1011)?;
    let (_, report) = child.report()?;
    same_counts(&report, &whole(10, ClientEnd::Disconnected))?;
    ensure!(
        report.detail.as_deref() == Some("close code 1011"),
        "its `detail` is {}",
        contract::quote(&report.detail)
    );
    Ok(())
}

pub(super) fn server_vanishes(candidate: &Candidate<'_>) -> Result<()> {
    let Scene { plan, mut child, mut connection, .. } =
        candidate.connect(|url| plan(url, Format::Binary))?;
    connection.ticks(0..1000)?;
    let half = connection.frames(1000..1001);
    connection.bytes(&half[..half.len() / 2])?;
    drop(connection);
    let (rows, report) = child.report()?;
    ensure!(report.detail.is_some(), "it gives no detail");
    same_counts(&report, &whole(1000, ClientEnd::Disconnected))?;
    check_rows(&rows, &plan, 0..1000)
}

pub(super) fn server_resets(candidate: &Candidate<'_>) -> Result<()> {
    let Scene { plan, mut child, mut connection, .. } =
        candidate.connect(|url| plan(url, Format::Binary))?;
    connection.ticks(0..1000)?;
    connection.ping(b"all read?")?;
    connection.reset()?;
    let (rows, report) = child.report()?;
    ensure!(report.detail.is_some(), "it gives no detail");
    // A queue of its own may still hold what its library has read.
    let whole = whole(report.processed, ClientEnd::Disconnected);
    let queued = 1000 - report.processed;
    same_counts(&report, &ClientFinal { received: 1000, queued, ..whole })?;
    check_rows(&rows, &plan, 0..report.processed)
}

/// Checks that it reports an empty run as stopped.
fn stopped_empty(child: &mut Child<'_>) -> Result<()> {
    let (rows, report) = child.report()?;
    ensure!(rows.is_empty(), "{} sample rows without a tick", rows.len());
    same_counts(&report, &whole(0, ClientEnd::Stopped))
}

pub(super) fn stop(candidate: &Candidate<'_>) -> Result<()> {
    let mut scene = candidate.connect(|url| plan(url, Format::Binary))?;
    scene.child.stop();
    stopped_empty(&mut scene.child)
}

pub(super) fn stdin_closed(candidate: &Candidate<'_>) -> Result<()> {
    let mut scene = candidate.connect(|url| plan(url, Format::Binary))?;
    scene.child.close_stdin();
    stopped_empty(&mut scene.child)
}

/// What was processed by then is a prefix of the stream, and the counts balance.
pub(super) fn stop_in_flood(candidate: &Candidate<'_>) -> Result<()> {
    let dir = candidate.directory()?;
    let path = dir.path().join("meter");
    let meter = MeterFile::create(&path, 1)?;
    let plan = |url: &str| ClientPlan { meter: Some(path.clone()), ..plan(url, Format::Binary) };
    let Scene { plan, mut child, mut connection, .. } = candidate.connect(plan)?;
    let flood = spawn(move || {
        let mut seq = 0;
        while connection.ticks(seq..seq + 1000).is_ok() {
            seq += 1000;
        }
    });
    let begin = Instant::now();
    while meter.read(Slot::PROCESSED)? < 2000 {
        ensure!(begin.elapsed() < PATIENCE, "its meter does not reach 2000 ticks under a flood");
        sleep(Duration::from_millis(1));
    }
    child.stop();
    let (rows, report) = child.report()?;
    drop(child);
    let _ = flood.join();
    let ClientFinal { received, processed, queued, .. } = report;
    ensure!(
        received == processed + queued,
        "{received} received, but {processed} processed and {queued} queued"
    );
    let expected = whole(processed, ClientEnd::Stopped);
    same_counts(&report, &ClientFinal { received, queued, ..expected })?;
    check_rows(&rows, &plan, 0..processed)?;
    let last = [meter.read(Slot::RECEIVED)?, meter.read(Slot::PROCESSED)?];
    ensure!(
        last == [received, processed],
        "the meter ends at {last:?}, the final says {:?}",
        [received, processed]
    );
    Ok(())
}

pub(super) fn stop_before_handshake(candidate: &Candidate<'_>) -> Result<()> {
    let server = Server::bind()?;
    let mut child = candidate.start()?;
    child.plan(&plan(&server.url()?, Format::Binary));
    child.hello()?;
    let _mute = accept(&server, &mut child)?;
    child.stop();
    stopped_empty(&mut child)
}

pub(super) fn deadline(candidate: &Candidate<'_>) -> Result<()> {
    candidate.is_available()?;
    let plan = |url: &str| ClientPlan { deadline_ms: 1500, ..plan(url, Format::Binary) };
    ends_on_its_own(candidate, plan, |_| Some(ClientEnd::Deadline))
}

/// A client whose queue is bounded, or that has none, passes without a check.
pub(super) fn memory_ceiling(candidate: &Candidate<'_>) -> Result<()> {
    candidate.is_available()?;
    let plan = |url: &str| ClientPlan { memory_ceiling_bytes: 1, ..plan(url, Format::Binary) };
    let unbounded = |hello: &ClientHello| hello.queue.kind == QueueKind::Unbounded;
    ends_on_its_own(candidate, plan, |hello| unbounded(hello).then_some(ClientEnd::MemoryCeiling))
}

/// Checks that it ends in this way without a `stop`: once connected, or on a slow machine
/// before that. `None`: there is nothing to wait for.
fn ends_on_its_own(
    candidate: &Candidate<'_>,
    plan: impl FnOnce(&str) -> ClientPlan,
    wanted: impl FnOnce(&ClientHello) -> Option<ClientEnd>,
) -> Result<()> {
    let server = Server::bind()?;
    let mut child = candidate.start()?;
    child.plan(&plan(&server.url()?));
    let Some(wanted) = wanted(&child.hello()?) else { return Ok(()) };
    let connection = spawn(move || server.accept(Format::Binary));
    let report = match child.expect(Awaited::Ready)? {
        FromClient::Ready(_) => {
            let _connection = connection.join();
            child.report()?.1
        }
        FromClient::Final(report) => report,
        other => bail!("{} instead of `ready`", contract::quote(&other)),
    };
    same_counts(&report, &whole(0, wanted))
}

pub(super) fn no_handshake(candidate: &Candidate<'_>) -> Result<()> {
    let server = Server::bind()?;
    let mut child = candidate.start()?;
    child.plan(&ClientPlan { connect_deadline_ms: 500, ..plan(&server.url()?, Format::Binary) });
    child.gives_up(1).map(|_| ())
}

pub(super) fn no_server(candidate: &Candidate<'_>) -> Result<()> {
    candidate.is_available()
}
