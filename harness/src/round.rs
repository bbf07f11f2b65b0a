//! One client, one load, one fresh server: from the first line to the last.

use crate::affinity::Placement;
use crate::child::{Child, Fault};
use crate::guard::Guard;
use crate::kernel::Probe;
use crate::kernel_dump::Dump;
use crate::observe::{Observer, Snapshot};
use crate::plan::Plan;
use crate::process::Gauge;
use crate::record::{Link, Record};
use crate::watch::{self, Onlooker};
use anyhow::{Context, Result};
use contract::meter::{MeterFile, Slot};
use contract::{
    ClientFinal, ClientHello, Connected, FromClient, FromServer, Policy, ServerFinal, Start,
    ToClient, ToServer,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tick::clock::now_ns;

/// From `connected` to tick 0: time for both to fall silent.
const LEAD_NS: u64 = 50_000_000;
/// Time for a whole report, and for the exit after it.
const REPORT: Duration = Duration::from_secs(10);
const EXIT: Duration = Duration::from_secs(3);
/// More rows than any plan asks for: a client that sends more is ended.
const MAX_ROWS: usize = 4_000_000;
/// The same of a server's dropped ranges, of one connection: about 1 GB of them.
const MAX_DROPS: usize = 1 << 25;

/// What runs in a round.
pub struct Setup<'a> {
    /// The server's program and arguments.
    pub server: &'a [String],
    /// The server's folder.
    pub server_dir: &'a Path,
    /// The client's program and arguments.
    pub client: &'a [String],
    /// The client's folder.
    pub client_dir: &'a Path,
    /// The load.
    pub plan: &'a Plan,
    /// Where both run.
    pub placement: &'a Placement,
}

/// How a round went.
#[derive(Debug)]
pub enum Outcome {
    /// It ran to its end; the audit has the next word.
    Ran(Box<Record>),
    /// The client cannot run here.
    Unavailable(String),
    /// It broke off.
    Failed(String),
    /// The user broke it off.
    Interrupted,
}

/// Runs one round. `live` sees each snapshot as it is taken.
///
/// # Errors
/// When the harness itself cannot go on (no memory for meters, no guard).
/// Whatever a child does wrong is an [`Outcome`].
pub fn run(
    setup: &Setup<'_>,
    guard: &mut Guard,
    interrupted: &AtomicBool,
    live: &mut Onlooker<'_>,
) -> Result<Outcome> {
    let workload = &setup.plan.workload;
    let mut meters = Meters { files: Vec::new(), paths: Vec::new() };
    for number in 0..=workload.clients {
        let path = guard.room().join(format!("{number}.meter"));
        // The server's comes first, and has one set of counters for all.
        let connections = if number == 0 { 1 } else { workload.connections };
        let made = MeterFile::create(&path, connections);
        let shown = || format!("cannot make the meter {}: make room there", path.display());
        meters.files.push(made.with_context(shown)?);
        meters.paths.push(path);
    }
    let paths = meters.paths.clone();
    let outcome = with_server(setup, guard, interrupted, live, meters);
    for path in &paths {
        std::fs::remove_file(path).context("a meter file")?;
    }
    outcome
}

/// The server's meter, and those of the client's processes.
struct Meters {
    files: Vec<MeterFile>,
    paths: Vec<PathBuf>,
}

fn with_server(
    setup: &Setup<'_>,
    guard: &mut Guard,
    interrupted: &AtomicBool,
    live: &mut Onlooker<'_>,
    meters: Meters,
) -> Result<Outcome> {
    let cpus = setup.placement.server.as_ref();
    let mut server = Child::spawn("the server", setup.server, setup.server_dir, cpus, guard)?;
    let cpus = setup.placement.client.as_ref();
    let mut clients = Vec::new();
    for _ in 0..setup.plan.workload.clients {
        match Child::spawn("the client", setup.client, setup.client_dir, cpus, guard) {
            Ok(client) => clients.push(client),
            Err(error) => {
                clients.into_iter().for_each(|client: Child<FromClient>| client.kill(guard));
                server.kill(guard);
                return Ok(Outcome::Failed(format!("{error:#}")));
            }
        }
    }
    let mut cast = Cast { server: &mut server, clients: &mut clients, interrupted };
    let done = cast.play(setup, meters, live);
    // A client whose server has gone fails too, and sooner than that is found out.
    let done = match server.crash() {
        Some(crash) if done.is_err() => Err(crash.into()),
        _ => done,
    };
    let exits = match done {
        Ok(Play::Done(_)) => {
            // All are seen out, whatever the first of them did.
            let exits: Vec<_> = clients.into_iter().map(|c| c.finish(EXIT, guard)).collect();
            let server = server.finish(EXIT, guard);
            exits.into_iter().chain([server]).collect::<Result<(), _>>()
        }
        _ => {
            clients.into_iter().for_each(|client| client.kill(guard));
            server.kill(guard);
            Ok(())
        }
    };
    Ok(match (done, exits) {
        (Ok(Play::Done(record)), Ok(())) => Outcome::Ran(record),
        (Ok(Play::Unavailable(reason)), _) => Outcome::Unavailable(reason),
        (Ok(Play::Interrupted), _) => Outcome::Interrupted,
        (Ok(Play::Done(_)), Err(fault)) => Outcome::Failed(fault.to_string()),
        (Err(error), _) => Outcome::Failed(format!("{error:#}")),
    })
}

enum Play {
    Done(Box<Record>),
    Unavailable(String),
    Interrupted,
}

struct Cast<'a> {
    server: &'a mut Child<FromServer>,
    clients: &'a mut [Child<FromClient>],
    interrupted: &'a AtomicBool,
}

impl Cast<'_> {
    fn play(
        &mut self,
        setup: &Setup<'_>,
        mut meters: Meters,
        live: &mut Onlooker<'_>,
    ) -> Result<Play> {
        let connect = Duration::from_millis(setup.plan.connect_deadline_ms());
        let plan = setup.plan.for_server(setup.placement.spin, Some(meters.paths[0].clone()));
        self.server.send(&ToServer::Plan(plan));
        let server_hello = match self.server.expect("say hello", connect)? {
            FromServer::Hello(hello) => hello,
            other => return Err(wrong_server(self.server, &other, "its hello").into()),
        };
        let url = match self.server.expect("listen", connect)? {
            FromServer::Listening(listening) => listening.url,
            other => return Err(wrong_server(self.server, &other, "`listening`").into()),
        };
        for (number, client) in self.clients.iter_mut().enumerate() {
            let meter = Some(meters.paths[number + 1].clone());
            client.send(&ToClient::Plan(setup.plan.for_client(number, &url, meter)));
        }
        let hello = match self.get_ready(setup.plan, connect)? {
            Ok(hello) => hello,
            Err(reason) => return Ok(Play::Unavailable(reason)),
        };
        let connected = self.connections(setup.plan.links(), connect)?;
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
            processed_each: Vec::new(),
        };
        let start_ns = now_ns() + LEAD_NS;
        self.server.send(&ToServer::Start(Start { at_ns: start_ns }));
        let queues_by = observer.probes[0].method();
        let watch = watch::watch(
            &mut watch::Scene {
                plan: setup.plan,
                start_ns,
                observer: &mut observer,
                clients: self.clients,
                server: self.server,
                placement: setup.placement,
                interrupted: self.interrupted,
            },
            live,
        )?;
        let Some((watched, early)) = watch else { return Ok(Play::Interrupted) };
        let mut links = vec![Link::default(); setup.plan.links()];
        let policy = setup.plan.workload.policy();
        let clients = self.client_reports(early.clients, &mut links)?;
        let (mut server, fresh) = self.server_report(early.server, &mut links, policy)?;
        server.generated = server.generated.saturating_mul(links.len() as u64);
        let (received, processed) =
            (observer.counts(Slot::RECEIVED)?, observer.counts(Slot::PROCESSED)?);
        for (link, (received, processed)) in
            links.iter_mut().zip(received.into_iter().zip(processed))
        {
            (link.received, link.processed) = (received, processed);
        }
        let Some(connected) = connected.into_iter().next() else { unreachable!("one at least") };
        Ok(Play::Done(Box::new(Record {
            hello,
            connected,
            server_versions: server_hello.versions,
            queues_by,
            start_ns,
            watched,
            links,
            clients,
            server,
            fresh,
        })))
    }

    /// Hears every client's hello and `ready`; the inner error is why it cannot
    /// run here.
    fn get_ready(&mut self, plan: &Plan, limit: Duration) -> Result<Result<ClientHello, String>> {
        let mut first = None;
        for client in self.clients.iter_mut() {
            let hello = match client.expect("say hello", limit)? {
                FromClient::Hello(hello) => hello,
                other => return Err(wrong_client(client, &other, "its hello").into()),
            };
            check_hello(client, &hello, plan)?;
            first.get_or_insert(hello);
        }
        for client in self.clients.iter_mut() {
            match client.expect("get ready", limit)? {
                FromClient::Ready(_) => {}
                FromClient::Unavailable { reason } => return Ok(Err(reason)),
                other => return Err(wrong_client(client, &other, "`ready`").into()),
            }
        }
        Ok(first.ok_or_else(|| "no process".to_owned()))
    }

    /// Every connection as the server tells it, in the order of their numbers.
    fn connections(&mut self, count: usize, limit: Duration) -> Result<Vec<Connected>> {
        let mut connected = Vec::new();
        for _ in 0..count {
            match self.server.expect("see the client connect", limit)? {
                FromServer::Connected(one) => connected.push(one),
                other => return Err(wrong_server(self.server, &other, "`connected`").into()),
            }
        }
        connected.sort_by_key(|one| one.connection);
        Ok(connected)
    }

    fn client_reports(
        &mut self,
        early: Vec<Option<FromClient>>,
        links: &mut [Link],
    ) -> Result<Vec<ClientFinal>> {
        let connections = links.len() / self.clients.len();
        let places = links.chunks_mut(connections);
        let each = self.clients.iter_mut().zip(early).zip(places);
        Ok(each
            .map(|((client, line), links)| client_report(client, line, links))
            .collect::<Result<_, _>>()?)
    }

    fn server_report(
        &mut self,
        mut line: Option<FromServer>,
        links: &mut [Link],
        policy: Policy,
    ) -> Result<(ServerFinal, Vec<u64>), Fault> {
        let mut fresh = Vec::new();
        loop {
            match line.take().map_or_else(|| self.server.expect("report", REPORT), Ok)? {
                FromServer::Samples(samples) => match links.get_mut(samples.connection) {
                    Some(link) => link.server_rows.extend(samples.rows),
                    None => return Err(self.server.order("samples of no connection")),
                },
                FromServer::Fresh(more) => fresh.extend(more.seqs),
                FromServer::Dropped(_) if !policy.is_lossy() => {
                    return Err(self.server.order("drops that no policy asked for"));
                }
                FromServer::Dropped(dropped) => match links.get_mut(dropped.connection) {
                    Some(link) if link.drops.len() <= MAX_DROPS => {
                        link.drops.extend(dropped.ranges);
                    }
                    Some(_) => return Err(self.server.order("more dropped ranges than fit")),
                    None => return Err(self.server.order("drops of no connection")),
                },
                FromServer::Final(last) => return Ok((last, fresh)),
                other => return Err(wrong_server(self.server, &other, "its report")),
            }
        }
    }
}

fn client_report(
    client: &mut Child<FromClient>,
    mut line: Option<FromClient>,
    links: &mut [Link],
) -> Result<ClientFinal, Fault> {
    let mut rows = 0;
    loop {
        match line.take().map_or_else(|| client.expect("report", REPORT), Ok)? {
            FromClient::Samples(samples) => {
                rows += samples.rows.len();
                match links.get_mut(samples.connection) {
                    Some(link) => link.client_rows.extend(samples.rows),
                    None => {
                        return Err(client.order("samples of a connection that it was not given"));
                    }
                }
            }
            FromClient::Final(last) => return Ok(last),
            other => return Err(wrong_client(client, &other, "its report")),
        }
        if rows > MAX_ROWS {
            return Err(client.order("more samples than planned"));
        }
    }
}

fn check_hello(client: &Child<FromClient>, hello: &ClientHello, plan: &Plan) -> Result<(), Fault> {
    if hello.versions.is_empty() {
        return Err(client.order("its hello names no version"));
    }
    if hello.class != plan.class {
        let what = format!(
            "its hello says class {:?}, its client.toml says {:?}",
            hello.class, plan.class
        );
        return Err(client.order(what.to_lowercase()));
    }
    Ok(())
}

pub(crate) fn wrong_client(child: &Child<FromClient>, line: &FromClient, wanted: &str) -> Fault {
    child.order(format!("`{}` instead of {wanted}", kind(line)))
}

fn wrong_server(child: &Child<FromServer>, line: &FromServer, wanted: &str) -> Fault {
    child.order(format!("`{}` instead of {wanted}", kind(line)))
}

/// The `type` of a line.
fn kind(line: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(line).unwrap_or_default();
    value["type"].as_str().unwrap_or("?").to_owned()
}
