//! One client, one load, one fresh server: from the first line to the last.

use crate::affinity::Placement;
use crate::child::{Child, Fault};
use crate::guard::Guard;
use crate::kernel::{Method, Probe};
use crate::observe::{Observer, Snapshot};
use crate::plan::Plan;
use crate::process::Gauge;
use crate::watch::{self, Watched};
use anyhow::{Context, Result};
use contract::meter::{MeterFile, Slot};
use contract::{
    ClientFinal, ClientHello, Connected, FromClient, FromServer, SampleRow, ServerFinal, Start,
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

/// What runs in a round.
pub struct Setup<'a> {
    /// The server's binary.
    pub server: &'a Path,
    /// The client's program and arguments.
    pub client: &'a [String],
    /// The client's folder.
    pub client_dir: &'a Path,
    /// The load.
    pub plan: &'a Plan,
    /// Where both run.
    pub placement: &'a Placement,
    /// A private folder in memory for the meters.
    pub room: &'a Path,
}

/// All that a round gave.
#[derive(Debug, Clone)]
pub struct Record {
    /// What the client said of itself.
    pub hello: ClientHello,
    /// The connection.
    pub connected: Connected,
    /// The server's versions.
    pub server_versions: Vec<String>,
    /// How the kernel queues were read.
    pub queues_by: Method,
    /// When tick 0 was due.
    pub start_ns: u64,
    /// What was seen from outside.
    pub watched: Watched,
    /// `[seq, received_ns, processed_ns]`.
    pub client_rows: Vec<SampleRow>,
    /// `[seq, encoded_ns, written_ns]`.
    pub server_rows: Vec<SampleRow>,
    /// The client's books.
    pub client: ClientFinal,
    /// The server's books.
    pub server: ServerFinal,
    /// What stood in the client's meter at the very end: received, processed.
    pub meter: [u64; 2],
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
    live: &mut dyn FnMut(&Snapshot),
) -> Result<Outcome> {
    let meters = [setup.room.join("server.meter"), setup.room.join("client.meter")];
    let files = [MeterFile::create(&meters[0])?, MeterFile::create(&meters[1])?];
    let outcome = with_server(setup, guard, interrupted, live, &meters, files);
    for meter in &meters {
        std::fs::remove_file(meter).context("a meter file")?;
    }
    outcome
}

fn with_server(
    setup: &Setup<'_>,
    guard: &mut Guard,
    interrupted: &AtomicBool,
    live: &mut dyn FnMut(&Snapshot),
    meters: &[PathBuf; 2],
    files: [MeterFile; 2],
) -> Result<Outcome> {
    let words = [setup.server.to_string_lossy().into_owned()];
    let cpus = setup.placement.server.as_ref();
    let mut server = Child::spawn("the server", &words, setup.room, cpus, guard)?;
    let cpus = setup.placement.client.as_ref();
    let mut client = match Child::spawn("the client", setup.client, setup.client_dir, cpus, guard) {
        Ok(client) => client,
        Err(error) => {
            server.kill(guard);
            return Ok(Outcome::Failed(format!("{error:#}")));
        }
    };
    let mut pair = Pair { server: &mut server, client: &mut client, interrupted };
    let done = pair.play(setup, meters, files, live);
    let exits = match done {
        Ok(Play::Done(_)) => client.finish(EXIT, guard).and_then(|()| server.finish(EXIT, guard)),
        _ => {
            client.kill(guard);
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

struct Pair<'a> {
    server: &'a mut Child<FromServer>,
    client: &'a mut Child<FromClient>,
    interrupted: &'a AtomicBool,
}

impl Pair<'_> {
    fn play(
        &mut self,
        setup: &Setup<'_>,
        meters: &[PathBuf; 2],
        [server_meter, client_meter]: [MeterFile; 2],
        live: &mut dyn FnMut(&Snapshot),
    ) -> Result<Play> {
        let connect = Duration::from_millis(setup.plan.connect_deadline_ms());
        let plan = setup.plan.for_server(setup.placement.spin, Some(meters[0].clone()));
        self.server.send(&ToServer::Plan(plan));
        let server_hello = match self.server.expect("say hello", connect)? {
            FromServer::Hello(hello) => hello,
            other => return Err(wrong_server(self.server, &other, "its hello").into()),
        };
        let url = match self.server.expect("listen", connect)? {
            FromServer::Listening(listening) => listening.url,
            other => return Err(wrong_server(self.server, &other, "`listening`").into()),
        };
        let plan = setup.plan.for_client(&url, Some(meters[1].clone()));
        self.client.send(&ToClient::Plan(plan));
        let hello = match self.client.expect("say hello", connect)? {
            FromClient::Hello(hello) => hello,
            other => return Err(wrong_client(self.client, &other, "its hello").into()),
        };
        self.check_hello(&hello, setup.plan)?;
        match self.client.expect("get ready", connect)? {
            FromClient::Ready(_) => {}
            FromClient::Unavailable { reason } => return Ok(Play::Unavailable(reason)),
            other => return Err(wrong_client(self.client, &other, "`ready`").into()),
        }
        let connected = match self.server.expect("see the client connect", connect)? {
            FromServer::Connected(connected) => connected,
            other => return Err(wrong_server(self.server, &other, "`connected`").into()),
        };
        let mut observer = Observer {
            client_meter,
            server_meter,
            probe: Probe::new(connected.local, connected.peer),
            client: Gauge::new(self.client.pid())?,
            server: Gauge::new(self.server.pid())?,
            last: Snapshot::default(),
        };
        let start_ns = now_ns() + LEAD_NS;
        self.server.send(&ToServer::Start(Start { at_ns: start_ns }));
        let queues_by = observer.probe.method();
        let watch = watch::watch(
            &mut watch::Scene {
                plan: setup.plan,
                start_ns,
                observer: &mut observer,
                client: self.client,
                server: self.server,
                interrupted: self.interrupted,
            },
            live,
        )?;
        let Some((watched, early)) = watch else { return Ok(Play::Interrupted) };
        let (client_rows, client) = self.client_report(early.client)?;
        let (server_rows, server) = self.server_report(early.server)?;
        let meter =
            [Slot::RECEIVED, Slot::PROCESSED].map(|s| observer.client_meter.read(s).unwrap_or(0));
        Ok(Play::Done(Box::new(Record {
            hello,
            connected,
            server_versions: server_hello.versions,
            queues_by,
            start_ns,
            watched,
            client_rows,
            server_rows,
            client,
            server,
            meter,
        })))
    }

    fn check_hello(&self, hello: &ClientHello, plan: &Plan) -> Result<(), Fault> {
        if hello.versions.is_empty() {
            return Err(self.client.order("its hello names no version"));
        }
        if hello.class != plan.class {
            let what = format!(
                "its hello says class {:?}, its client.toml says {:?}",
                hello.class, plan.class
            );
            return Err(self.client.order(what.to_lowercase()));
        }
        Ok(())
    }

    fn client_report(
        &mut self,
        mut line: Option<FromClient>,
    ) -> Result<(Vec<SampleRow>, ClientFinal), Fault> {
        let mut rows = Vec::new();
        loop {
            match line.take().map_or_else(|| self.client.expect("report", REPORT), Ok)? {
                FromClient::Samples(samples) => rows.extend(samples.rows),
                FromClient::Final(last) => return Ok((rows, last)),
                other => return Err(wrong_client(self.client, &other, "its report")),
            }
            if rows.len() > MAX_ROWS {
                return Err(self.client.order("more samples than planned"));
            }
        }
    }

    fn server_report(
        &mut self,
        mut line: Option<FromServer>,
    ) -> Result<(Vec<SampleRow>, ServerFinal), Fault> {
        let mut rows = Vec::new();
        loop {
            match line.take().map_or_else(|| self.server.expect("report", REPORT), Ok)? {
                FromServer::Samples(samples) => rows.extend(samples.rows),
                FromServer::Final(last) => return Ok((rows, last)),
                other => return Err(wrong_server(self.server, &other, "its report")),
            }
        }
    }
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
