//! Reads what server and clients report after the measured part.

use super::observer::Observer;
use super::watch::Early;
use anyhow::Result;
use bench_core::load::plan::Plan;
use bench_core::record::round::Connection;
use contract::child::Child;
use contract::fault::{Awaited, Fault, Misstep};
use contract::meter::Slot;
use contract::{ClientFinal, FromClient, FromServer, Policy, ServerFinal};
use std::time::Duration;

/// Time for a whole report.
const REPORT: Duration = Duration::from_secs(10);
/// More rows than any plan asks for: a client that sends more is ended.
const MAX_ROWS: usize = 4_000_000;
/// The same for the dropped ranges of one connection: about 1 GB.
const MAX_DROPS: usize = 1 << 25;

/// Connections, the clients' reports, the server's report, and its fresh seqs.
pub(super) type Reports = (Vec<Connection>, Vec<ClientFinal>, ServerFinal, Vec<u64>);

/// Everything that is reported after the measured part, and the last counts of the
/// clients' meters.
///
/// # Errors
/// When a child breaks the contract, or has damaged its meter.
pub(super) fn read(
    server: &mut Child<'_, FromServer>,
    clients: &mut [Child<'_, FromClient>],
    plan: &Plan,
    early: Early,
    observer: &mut Observer,
) -> Result<Reports> {
    let mut connections = vec![Connection::default(); plan.connections()];
    let clients = of_clients(clients, early.clients, &mut connections)?;
    let policy = plan.workload.policy();
    let (mut last, fresh) = of_server(server, early.server, &mut connections, policy)?;
    last.generated = last.generated.saturating_mul(connections.len() as u64);
    let (mut received, mut processed) = (Vec::new(), Vec::new());
    observer.counts(Slot::RECEIVED, |count| received.push(count))?;
    observer.counts(Slot::PROCESSED, |count| processed.push(count))?;
    for (connection, counts) in connections.iter_mut().zip(received.into_iter().zip(processed)) {
        (connection.received, connection.processed) = counts;
    }
    Ok((connections, clients, last, fresh))
}

fn of_clients(
    clients: &mut [Child<'_, FromClient>],
    early: Vec<Option<FromClient>>,
    connections: &mut [Connection],
) -> Result<Vec<ClientFinal>> {
    let each_has = connections.len() / clients.len();
    let places = connections.chunks_mut(each_has);
    let each = clients.iter_mut().zip(early).zip(places);
    Ok(each
        .map(|((client, line), connections)| of_client(client, line, connections))
        .collect::<Result<_, _>>()?)
}

fn of_server(
    server: &mut Child<'_, FromServer>,
    mut line: Option<FromServer>,
    connections: &mut [Connection],
    policy: Policy,
) -> Result<(ServerFinal, Vec<u64>), Fault> {
    let mut fresh = Vec::new();
    loop {
        match line.take().map_or_else(|| server.expect(Awaited::Report, REPORT), Ok)? {
            FromServer::Samples(samples) => match connections.get_mut(samples.connection) {
                Some(connection) => connection.server_rows.extend(samples.rows),
                None => return Err(server.order(Misstep::SamplesOfUnknownConnection)),
            },
            FromServer::Fresh(more) => fresh.extend(more.seqs),
            FromServer::Dropped(_) if !policy.is_lossy() => {
                return Err(server.order(Misstep::DropsWithoutPolicy));
            }
            FromServer::Dropped(dropped) => match connections.get_mut(dropped.connection) {
                Some(connection) if connection.drops.len() <= MAX_DROPS => {
                    connection.drops.extend(dropped.ranges);
                }
                Some(_) => return Err(server.order(Misstep::TooManyDroppedRanges)),
                None => return Err(server.order(Misstep::DropsOfUnknownConnection)),
            },
            FromServer::Final(last) => return Ok((last, fresh)),
            other => return Err(server.unexpected(&other, Awaited::Report)),
        }
    }
}

fn of_client(
    client: &mut Child<'_, FromClient>,
    mut line: Option<FromClient>,
    connections: &mut [Connection],
) -> Result<ClientFinal, Fault> {
    let mut rows = 0;
    loop {
        match line.take().map_or_else(|| client.expect(Awaited::Report, REPORT), Ok)? {
            FromClient::Samples(samples) => {
                rows += samples.rows.len();
                match connections.get_mut(samples.connection) {
                    Some(connection) => connection.client_rows.extend(samples.rows),
                    None => {
                        return Err(client.order(Misstep::SamplesOfUnknownConnection));
                    }
                }
            }
            FromClient::Final(last) => return Ok(last),
            other => return Err(client.unexpected(&other, Awaited::Report)),
        }
        if rows > MAX_ROWS {
            return Err(client.order(Misstep::TooManySamples));
        }
    }
}
