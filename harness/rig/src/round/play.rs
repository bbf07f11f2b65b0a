//! Plays one round, from the plans to the exits.

use super::observer::Observer;
use super::reports;
use super::watch::{self, OnSnapshot};
use crate::host::control_groups::memory_shortage::Shortage;
use crate::host::counters::Counters;
use crate::host::noise::signals::SignalReader;
use crate::host::processes::guard::Guard;
use crate::host::processes::process::Gauge;
use crate::host::processes::spawn::{Launch, Program, start};
use crate::host::sockets::congestion;
use crate::host::sockets::kernel_dump::Dump;
use crate::host::sockets::kernel_queues::Probe;
use anyhow::{Context, Result};
use bench_core::analysis::verdict::reason::{Reason, Unavailability};
use bench_core::load::plan::Plan;
use bench_core::record::environment::Padding;
use bench_core::record::placement::Placement;
use bench_core::record::round::{Congestion, Record};
use bench_core::record::snapshot::Snapshot;
use contract::child::Child;
use contract::fault::{Awaited, Fault, Misstep, Peer};
use contract::meter::MeterFile;
use contract::{
    ClientHello, Connected, FromClient, FromServer, ServerPlan, Start, ToClient, ToServer, listener,
};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tick::clock::now_ns;

/// From `connected` to tick 0: time for both to become idle.
const LEAD_NS: u64 = 50_000_000;
/// Time for the exit after a report.
const EXIT: Duration = Duration::from_secs(3);
/// What runs in a round.
pub struct Setup<'a> {
    /// The server.
    pub server: Program<'a>,
    /// Whether the server inherits its listening socket, as it cannot set its options.
    pub server_inherits: bool,
    /// The client.
    pub client: Program<'a>,
    /// By how much their environments are lengthened.
    pub padding: Padding,
    /// The load.
    pub plan: &'a Plan,
    /// The CPUs of server and client.
    pub placement: &'a Placement,
    /// Whether the client's events are counted: then the round is not timed.
    pub counters: bool,
}

/// How a round went.
#[derive(Debug)]
pub enum Outcome {
    /// It ran to its end; the audit decides whether it is valid.
    Ran(Box<Record>),
    /// The client cannot run here.
    Unavailable(Unavailability),
    /// It ended early, because of a child or of the harness.
    Failed(Reason),
    /// The user interrupted it.
    Interrupted,
}

/// Runs one round. `live` gets each snapshot as it is taken.
///
/// # Errors
/// When the harness itself cannot continue (no memory for meters, no guard). Whatever a child
/// does wrong is an [`Outcome`].
pub fn run(
    setup: &Setup<'_>,
    guard: &Guard,
    interrupted: &AtomicBool,
    live: &mut OnSnapshot<'_>,
) -> Result<Outcome> {
    let workload = &setup.plan.workload;
    let mut meters = Meters { files: Vec::new(), paths: Vec::new() };
    for number in 0..=workload.clients {
        let path = guard.dir().join(format!("{number}.meter"));
        // The server's comes first, and has one set of counters for all connections.
        let connections = if number == 0 { 1 } else { workload.connections };
        let created = MeterFile::create(&path, connections);
        let error = || format!("cannot create the meter {}: free some memory", path.display());
        meters.files.push(created.with_context(error)?);
        meters.paths.push(path);
    }
    let paths = meters.paths.clone();
    let outcome = with_children(setup, guard, interrupted, live, meters);
    for path in &paths {
        match std::fs::remove_file(path) {
            // A client that removed its own has not harmed the next round.
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).context("cannot remove a meter file");
            }
            _ => {}
        }
    }
    Ok(outcome)
}

/// The server's meter, and those of the client's processes.
struct Meters {
    files: Vec<MeterFile>,
    paths: Vec<PathBuf>,
}

fn with_children(
    setup: &Setup<'_>,
    guard: &Guard,
    interrupted: &AtomicBool,
    live: &mut OnSnapshot<'_>,
    meters: Meters,
) -> Outcome {
    let placement = setup.placement;
    let listener = match setup.server_inherits.then(|| open_listener(setup.plan)).transpose() {
        Ok(listener) => listener,
        Err(error) => {
            return Outcome::Failed(Reason::Harness { error: format!("{error:#}") });
        }
    };
    let shortage = Shortage::open();
    let started = || -> Result<_, Fault> {
        let for_server = Launch {
            cpus: Some(&placement.server),
            socket: listener.as_ref(),
            padding_bytes: setup.padding.server_bytes,
        };
        let for_client = Launch {
            cpus: Some(&placement.client),
            socket: None,
            padding_bytes: setup.padding.client_bytes,
        };
        let server = start(Peer::Server, setup.server, for_server, guard)?;
        // Opened in between: what this thread starts from now on is counted.
        let counters = setup.counters.then(Counters::open);
        let clients = (0..setup.plan.workload.clients)
            .map(|_| start(Peer::Client, setup.client, for_client, guard))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((server, clients, counters))
    };
    let (mut server, mut clients, counters) = match started() {
        Ok(children) => children,
        Err(fault) => return Outcome::Failed(blame(fault, &shortage)),
    };
    let listener_fd = listener.as_ref().map(AsRawFd::as_raw_fd);
    // Only the server holds it now, and closes the port when it ends.
    drop(listener);
    let mut children =
        Children { server: &mut server, listener_fd, clients: &mut clients, counters, interrupted };
    match children.play(setup, meters, live) {
        Ok(Played::Done(record)) => {
            // All exits are awaited, whatever the first child did.
            let exits: Vec<_> = clients.into_iter().map(|client| client.finish(EXIT)).collect();
            let server = server.finish(EXIT);
            match exits.into_iter().chain([server]).find_map(Result::err) {
                None => Outcome::Ran(record),
                Some(fault) => Outcome::Failed(blame(fault, &shortage)),
            }
        }
        Ok(Played::Unavailable(reason)) => Outcome::Unavailable(Unavailability::Client { reason }),
        Ok(Played::Interrupted) => Outcome::Interrupted,
        Err(error) => Outcome::Failed(failure(server.crash(), error, &shortage)),
    }
}

/// The listening socket of a server that inherits it.
fn open_listener(plan: &Plan) -> Result<TcpListener> {
    let congestion = plan.workload.congestion.as_deref();
    let opened = listener::open((Ipv4Addr::LOCALHOST, 0).into(), congestion);
    opened.context("cannot open the server's listening socket")
}

/// Why a round ended early. A client whose server has crashed fails too, and is noticed first:
/// then the server's fault is the reason.
fn failure(server_crash: Option<Fault>, error: anyhow::Error, shortage: &Shortage) -> Reason {
    match (server_crash, error.downcast::<Fault>()) {
        (Some(fault), _) | (None, Ok(fault)) => blame(fault, shortage),
        (None, Err(error)) => Reason::Harness { error: format!("{error:#}") },
    }
}

fn blame(fault: Fault, shortage: &Shortage) -> Reason {
    match shortage.explains(&fault) {
        Some(peer) => Reason::OutOfMemory { peer, fault },
        None => Reason::Fault { fault },
    }
}

enum Played {
    Done(Box<Record>),
    Unavailable(String),
    Interrupted,
}

/// What server and client have reported before tick 0.
struct Introduced {
    hello: ClientHello,
    server_versions: Vec<String>,
    connected: Vec<Connected>,
    congestion: Congestion,
}

struct Children<'a, 'g> {
    server: &'a mut Child<'g, FromServer>,
    /// The number of the listening socket that it has inherited.
    listener_fd: Option<RawFd>,
    clients: &'a mut [Child<'g, FromClient>],
    counters: Option<Counters>,
    interrupted: &'a AtomicBool,
}

impl Children<'_, '_> {
    fn play(
        &mut self,
        setup: &Setup<'_>,
        mut meters: Meters,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Played> {
        let introduced = match self.introduce(setup, &meters)? {
            Ok(introduced) => introduced,
            Err(reason) => return Ok(Played::Unavailable(reason)),
        };
        let connected = &introduced.connected;
        let server_meter = meters.files.remove(0);
        let probes: Vec<Probe> = connected.iter().map(|c| Probe::new(c.local, c.peer)).collect();
        let mut observer = Observer {
            client_meters: meters.files,
            connections: setup.plan.workload.connections,
            server_meter,
            dump: Dump::of(&probes),
            probes,
            clients: self.clients.iter().map(|c| Gauge::new(c.pid())).collect::<Result<_>>()?,
            server: Gauge::new(self.server.pid())?,
            last: Snapshot::default(),
            signals: SignalReader::open(setup.placement),
            processed_each: Vec::new(),
            bytes: Vec::new(),
        };
        let start_ns = now_ns() + LEAD_NS;
        self.server.send(&ToServer::Start(Start { at_ns: start_ns }));
        let mut scene = watch::Scene {
            plan: setup.plan,
            start_ns,
            observer: &mut observer,
            clients: self.clients,
            server: self.server,
            placement: setup.placement,
            counters: self.counters.as_mut(),
            interrupted: self.interrupted,
        };
        let Some((watched, early)) = watch::watch(&mut scene, live)? else {
            return Ok(Played::Interrupted);
        };
        let queues_by = observer.probes[0].method();
        let (connections, clients, server, fresh) =
            reports::read(self.server, self.clients, setup.plan, early, &mut observer)?;
        let Some(connected) = introduced.connected.into_iter().next() else {
            unreachable!("there is at least one connection")
        };
        Ok(Played::Done(Box::new(Record {
            hello: introduced.hello,
            connected,
            congestion: introduced.congestion,
            padding: setup.padding,
            server_versions: introduced.server_versions,
            queues_by,
            start_ns,
            watched,
            connections,
            clients,
            server,
            fresh,
        })))
    }

    /// Sends the plans, and waits for all connections; the inner error is why the client cannot
    /// run here.
    fn introduce(
        &mut self,
        setup: &Setup<'_>,
        meters: &Meters,
    ) -> Result<Result<Introduced, String>> {
        let limit = Duration::from_millis(setup.plan.connect_deadline_ms());
        let plan = setup.plan.for_server(setup.placement.spin, Some(meters.paths[0].clone()));
        let plan = ServerPlan { listener_fd: self.listener_fd, ..plan };
        self.server.send(&ToServer::Plan(plan));
        let reads = limit + reading(setup.plan);
        let server_hello = match self.server.expect(Awaited::Hello, reads)? {
            FromServer::Hello(hello) => hello,
            other => return Err(self.server.unexpected(&other, Awaited::Hello).into()),
        };
        let url = match self.server.expect(Awaited::Listening, limit)? {
            FromServer::Listening(listening) => listening.url,
            other => return Err(self.server.unexpected(&other, Awaited::Listening).into()),
        };
        for (number, client) in self.clients.iter_mut().enumerate() {
            let meter = Some(meters.paths[number + 1].clone());
            client.send(&ToClient::Plan(setup.plan.for_client(number, &url, meter)));
        }
        let hello = match self.get_ready(setup.plan, limit)? {
            Ok(hello) => hello,
            Err(reason) => return Ok(Err(reason)),
        };
        let connected = self.connections(setup.plan.connections(), limit)?;
        let planned = setup.plan.workload.congestion.as_deref();
        let congestion = congestion::in_force(&connected, planned)
            .map_err(|misstep| self.server.order(misstep))?;
        let server_versions = server_hello.versions;
        Ok(Ok(Introduced { hello, server_versions, connected, congestion }))
    }

    /// Reads every client's hello and `ready`; the inner error is why it cannot run here.
    fn get_ready(&mut self, plan: &Plan, limit: Duration) -> Result<Result<ClientHello, String>> {
        let mut first = None;
        for client in self.clients.iter_mut() {
            let hello = match client.expect(Awaited::Hello, limit)? {
                FromClient::Hello(hello) => hello,
                other => return Err(client.unexpected(&other, Awaited::Hello).into()),
            };
            check_hello(client, &hello, plan)?;
            first.get_or_insert(hello);
        }
        for client in self.clients.iter_mut() {
            match client.expect(Awaited::Ready, limit)? {
                FromClient::Ready(_) => {}
                FromClient::Unavailable { reason } => return Ok(Err(reason)),
                other => return Err(client.unexpected(&other, Awaited::Ready).into()),
            }
        }
        Ok(first.ok_or_else(|| "no process".to_owned()))
    }

    /// Every connection as the server reports it, in the order of their numbers.
    fn connections(&mut self, count: usize, limit: Duration) -> Result<Vec<Connected>> {
        let mut connected = Vec::new();
        for _ in 0..count {
            match self.server.expect(Awaited::Connected, limit)? {
                FromServer::Connected(one) => connected.push(one),
                other => return Err(self.server.unexpected(&other, Awaited::Connected).into()),
            }
        }
        connected.sort_by_key(|one| one.connection);
        Ok(connected)
    }
}

/// How long a server may read its recording before its hello: some times what ours needs.
fn reading(plan: &Plan) -> Duration {
    let ticks = plan.workload.tape.as_ref().map_or(0, |recording| recording.tape.ticks());
    Duration::from_micros(2 * ticks)
}

fn check_hello(
    client: &Child<'_, FromClient>,
    hello: &ClientHello,
    plan: &Plan,
) -> Result<(), Fault> {
    if hello.versions.is_empty() {
        return Err(client.order(Misstep::NoVersion));
    }
    if hello.class != plan.class {
        let (hello, manifest) = (hello.class, plan.class);
        return Err(client.order(Misstep::ClassMismatch { hello, manifest }));
    }
    Ok(())
}
