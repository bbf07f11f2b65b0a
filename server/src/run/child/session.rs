//! One run as a child of the harness, from its plan to its report.

use crate::accept::accepted::Accepted;
use crate::accept::current::Current;
use crate::accept::dispatch::Dispatcher;
use crate::accept::listener::{self, ListenerConfig};
use crate::accept::subprotocol;
use crate::connection::endpoint::Wire;
use crate::connection::kernel;
use crate::engine::classic::{Classic, Style};
use crate::engine::counts::Counts;
use crate::engine::load::Load;
use crate::engine::stamps::Stamps;
use crate::engine::state::Engine;
use crate::log::segments::{Log, Metadata};
use crate::log::symbols::Symbols;
use crate::run::child::end::RunEnd;
use crate::run::child::lines::{self, LineReceiver, send};
use crate::run::child::plan::{self, CheckedPlan};
use crate::run::child::report::{FinishedEngine, report};
use crate::run::child::worker_threads::WorkerThreads;
use anyhow::{Context, Result, bail};
use contract::meter::Meter;
use contract::{Connected, FromServer, Lines, Listening, Policy, ServerHello, ToServer, Version};
use polling::Poller;
use std::collections::BTreeMap;
use std::io::{BufReader, IsTerminal, stdin};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market};

/// How often the server looks for lines while it waits for clients.
const LINES_EVERY: Duration = Duration::from_millis(5);

/// Serves one run.
///
/// # Errors
/// A plan that cannot be used, or a harness that has gone.
pub fn run(style: Style) -> Result<()> {
    if stdin().is_terminal() {
        bail!(
            "without arguments it reads its plan from the harness: for a standalone server try --rate 100000"
        );
    }
    let mut input = Lines::new(BufReader::new(stdin()));
    let plan = plan::read(&mut input, style)?;
    let deadline_ns = now_ns() + plan.plan.deadline_ms * 1_000_000;
    let poller = Arc::new(Poller::new()?);
    let lines = lines::read(input, Arc::clone(&poller));
    let name = env!("CARGO_PKG_NAME").to_owned();
    let versions = vec![format!("{name} {}", env!("CARGO_PKG_VERSION"))];
    send(&FromServer::Hello(ServerHello { contract: Version, name, versions }))?;
    let (finished, end) = Session { plan, style, lines, poller, deadline_ns }.serve()?;
    report(finished, &end)
}

struct Session {
    plan: CheckedPlan,
    style: Style,
    lines: LineReceiver,
    poller: Arc<Poller>,
    deadline_ns: u64,
}

impl Session {
    fn serve(self) -> Result<(Vec<FinishedEngine>, RunEnd)> {
        let wires = match self.connect()? {
            Ok(wires) => wires,
            Err(end) => return Ok((Vec::new(), end)),
        };
        let start_ns = match self.start() {
            Ok(start_ns) => start_ns,
            Err(end) => return Ok((Vec::new(), end)),
        };
        let engines = match self.engines(start_ns, wires)? {
            Ok(engines) => engines,
            Err(end) => return Ok((Vec::new(), end)),
        };
        WorkerThreads::new(&self.plan.plan, self.deadline_ns, self.lines).run(engines)
    }

    /// Waits for all connections of the plan, by their numbers.
    fn connect(&self) -> Result<Result<BTreeMap<usize, Wire>, RunEnd>> {
        let plan = &self.plan.plan;
        let config = ListenerConfig {
            send_buffer_bytes: plan.send_buffer_bytes,
            congestion: plan.congestion.clone(),
            expected: Some(plan.connections),
            tls: self.plan.tls.clone().map(Current::new),
            subprotocols: subprotocol::known(plan.format),
            ..ListenerConfig::default()
        };
        let (dispatcher, inboxes) = Dispatcher::new(&[Arc::clone(&self.poller)]);
        let inbox = &inboxes[0].accepted;
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let listener = listener::listen(host, 0, config, dispatcher)?;
        send(&FromServer::Listening(Listening { url: listener.url }))?;
        let mut wires = BTreeMap::new();
        while wires.len() < plan.connections {
            let Accepted { number, wire, .. } = match self.next_client(inbox) {
                Ok(accepted) => accepted,
                Err(end) => return Ok(Err(end)),
            };
            // It may have left since its handshake.
            match connected(number, &wire.0) {
                Ok(connected) => send(&FromServer::Connected(connected))?,
                Err(error) => return Ok(Err(RunEnd::ClientLeftEarly(Arc::new(error.into())))),
            }
            wires.insert(number, wire);
        }
        Ok(Ok(wires))
    }

    fn next_client(&self, inbox: &Receiver<Accepted>) -> Result<Accepted, RunEnd> {
        let within = Duration::from_millis(self.plan.plan.connect_deadline_ms);
        let until_ns = now_ns().saturating_add(within.as_nanos() as u64).min(self.deadline_ns);
        loop {
            match inbox.recv_timeout(LINES_EVERY) {
                Ok(accepted) => return Ok(accepted),
                Err(RecvTimeoutError::Disconnected) => return Err(RunEnd::ListenerEnded),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Ok(line) = self.lines.try_recv() {
                return Err(RunEnd::by_line(line));
            }
            if now_ns() > until_ns {
                return Err(RunEnd::NoClient { within });
            }
        }
    }

    /// Waits for the `start`; gives when tick 0 is due, in ns.
    fn start(&self) -> Result<u64, RunEnd> {
        let left = Duration::from_nanos(self.deadline_ns.saturating_sub(now_ns()));
        match self.lines.recv_timeout(left) {
            Ok(Ok(ToServer::Start(start))) => Ok(start.at_ns),
            Ok(line) => Err(RunEnd::by_line(line)),
            Err(_) => Err(RunEnd::NoStart),
        }
    }

    /// Connection n goes to engine n modulo their count, so that its key there is n divided
    /// by it.
    fn engines(
        &self,
        start_ns: u64,
        wires: BTreeMap<usize, Wire>,
    ) -> Result<Result<Vec<Engine>, RunEnd>> {
        let plan = &self.plan.plan;
        let meter = Arc::new(match &plan.meter {
            Some(path) => Meter::open(path, 1).context("the plan's meter")?,
            None => Meter::unread(1)?,
        });
        let mut engines = (0..plan.threads.min(wires.len()))
            .map(|number| self.engine(number, start_ns, &meter))
            .collect::<Result<Vec<_>>>()?;
        let count = engines.len();
        for (number, wire) in wires {
            if let Err(error) = engines[number % count].add(wire, Symbols::all()) {
                return Ok(Err(RunEnd::ClientLeftEarly(Arc::new(error))));
            }
        }
        Ok(Ok(engines))
    }

    fn engine(&self, number: usize, start_ns: u64, meter: &Arc<Meter>) -> Result<Engine> {
        let CheckedPlan { plan, limits, tape, timetable, .. } = &self.plan;
        let market = Market::new(plan.seed).replaying(tape.clone());
        let framer = Framer::new(plan.format, market, unix_offset_ns());
        let metadata = Metadata {
            symbols: limits.policy == Policy::Conflate,
            times: limits.age_ns.is_some() || limits.policy == Policy::Disconnect,
        };
        let load = Load {
            timetable: timetable.clone(),
            start_ns,
            duration_ns: Some(plan.duration_ns),
            spin: plan.spin,
            batch_ns: None,
        };
        let ticks = plan.schedule.about_ticks(plan.duration_ns);
        let stamps = Some(Stamps::new(plan.sample, ticks, plan.connections.div_ceil(plan.threads)));
        // The poller of the first engine is woken when a line comes.
        let poller = match number {
            0 => Arc::clone(&self.poller),
            _ => Arc::new(Poller::new()?),
        };
        let classic = match self.style {
            Style::Schedule => None,
            Style::Classic => Some(Classic::new(plan.schedule, start_ns)?),
        };
        let counts = Counts::new(Arc::clone(meter), plan.threads.min(plan.connections));
        let log = Log::new(framer).with_metadata(metadata);
        let engine = Engine::new(log, load, counts, stamps, poller);
        Ok(engine.with_classic(classic).with_policy(*limits, true))
    }
}

fn connected(connection: usize, socket: &TcpStream) -> std::io::Result<Connected> {
    Ok(Connected {
        connection,
        peer: socket.peer_addr()?,
        local: socket.local_addr()?,
        congestion: Some(kernel::congestion(socket)?),
        send_buffer_bytes: kernel::send_buffer_bytes(socket)?,
    })
}
