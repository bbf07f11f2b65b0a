//! Several connections at once.

use crate::case::Candidate;
use crate::checks::{accept, check_rows, same_counts, whole};
use crate::child::Child;
use crate::plan::plan;
use crate::server::{Connection, Server, market};
use anyhow::{Context, Result, ensure};
use contract::meter::{MeterFile, Slot};
use contract::{ClientEnd, ClientFinal, ClientPlan};
use std::path::Path;
use tick::Format;

/// Connections of the client.
const CONNECTIONS: usize = 3;

/// A client with several connections that is ready, and the servers' ends of them.
fn connect<'a>(
    candidate: &Candidate<'a>,
    meter: &Path,
) -> Result<(ClientPlan, Child<'a>, Vec<Connection>)> {
    let servers: Vec<Server> = (0..CONNECTIONS).map(|_| Server::bind()).collect::<Result<_>>()?;
    let plan = ClientPlan {
        urls: servers.iter().map(Server::url).collect::<Result<_>>()?,
        meter: Some(meter.to_owned()),
        ..plan("", Format::Binary)
    };
    let mut child = candidate.start()?;
    child.plan(&plan);
    child.hello()?;
    // The client may connect all at once or one after the other: handshakes are done in order.
    let mut connections = Vec::new();
    for server in &servers {
        let stream = accept(server, &mut child)?;
        connections.push(Connection::open(stream, Format::Binary)?);
    }
    child.ready()?;
    Ok((plan, child, connections))
}

/// Each connection has its own order, counters and samples; the final counts are sums.
pub(super) fn connections(candidate: &Candidate<'_>) -> Result<()> {
    let dir = candidate.directory()?;
    let path = dir.path().join("meter");
    let meter = MeterFile::create(&path, CONNECTIONS)?;
    let (plan, mut child, mut connections) = connect(candidate, &path)?;
    let ticks = [500, 1000, 1500];
    for (connection, count) in connections.iter_mut().zip(ticks) {
        connection.ticks(0..count)?;
        connection.ping(b"still there")?;
    }
    for connection in connections {
        connection.close(1000)?;
    }
    let (rows, report) = child.reports(CONNECTIONS)?;
    let checksum = ticks.iter().map(|&count| market().checksum(0..count)).sum();
    same_counts(&report, &ClientFinal { checksum, ..whole(3000, ClientEnd::Closed) })?;
    for (number, (rows, count)) in rows.iter().zip(ticks).enumerate() {
        check_rows(rows, &plan, 0..count).with_context(|| format!("connection {number}"))?;
    }
    for slot in [Slot::RECEIVED, Slot::PROCESSED] {
        let mut bytes = Vec::new();
        let counts: Vec<u64> = meter.read_each(slot, CONNECTIONS, &mut bytes)?.collect();
        ensure!(counts == ticks, "the meters end at {counts:?} instead of {ticks:?}");
    }
    Ok(())
}

pub(super) fn stop(candidate: &Candidate<'_>) -> Result<()> {
    let dir = candidate.directory()?;
    let path = dir.path().join("meter");
    let _meter = MeterFile::create(&path, CONNECTIONS)?;
    let (_, mut child, _connections) = connect(candidate, &path)?;
    child.stop();
    let (rows, report) = child.reports(CONNECTIONS)?;
    ensure!(rows.iter().all(Vec::is_empty), "sample rows without a tick");
    same_counts(&report, &whole(0, ClientEnd::Stopped))
}
