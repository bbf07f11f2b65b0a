//! The server as a child of the harness: speaks the contract, serves one
//! client, reports and ends.

use crate::accept::accepted::Arrival;
use crate::accept::dispatch::Spread;
use crate::accept::listener::{self, Tuning};
use crate::connection::endpoint::Wire;
use crate::connection::kernel;
use crate::engine::classic::{Classic, Style};
use crate::engine::counts::Books;
use crate::engine::load::Load;
use crate::engine::stamps::Stamps;
use crate::engine::state::Engine;
use crate::log::segments::{Log, Memory};
use crate::log::symbols::Symbols;
use crate::run::child::end::{End, out_of_order, went};
use crate::run::child::lines::{Words, listen, say};
use crate::run::child::plan::{self, Planned};
use crate::run::child::report::report;
use crate::run::child::worker_threads::{Crew, Played};
use anyhow::{Context, Result, bail};
use contract::meter::Meter;
use contract::{
    Connected, FromServer, Lines, Listening, Policy, ServerEnd, ServerHello, ToServer, Version,
};
use polling::Poller;
use std::collections::BTreeMap;
use std::io::{BufReader, IsTerminal, stdin};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market};

/// Serves one run in a style.
///
/// # Errors
/// A plan that cannot be used, or a harness that has gone.
pub fn run(style: Style) -> Result<()> {
    if stdin().is_terminal() {
        bail!("without arguments it takes its plan from the harness; by hand, try --rate 100000");
    }
    let mut lines = Lines::new(BufReader::new(stdin()));
    let planned = plan::read(&mut lines, style)?;
    let deadline_ns = now_ns() + planned.plan.deadline_ms * 1_000_000;
    let poller = Arc::new(Poller::new()?);
    let words = listen(lines, Arc::clone(&poller));
    let name = env!("CARGO_PKG_NAME").to_owned();
    let versions = vec![format!("{name} {}", env!("CARGO_PKG_VERSION"))];
    say(&FromServer::Hello(ServerHello { contract: Version, name, versions }))?;
    let run = Run { planned, style, words, poller, deadline_ns };
    let (played, ended) = run.serve()?;
    report(played, ended)
}

struct Run {
    planned: Planned,
    style: Style,
    words: Words,
    poller: Arc<Poller>,
    deadline_ns: u64,
}

impl Run {
    fn serve(self) -> Result<(Vec<Played>, End)> {
        let tuning = Tuning {
            send_buffer_bytes: self.planned.plan.send_buffer_bytes,
            congestion: self.planned.plan.congestion.clone(),
            expected: Some(self.planned.plan.connections),
            tls: self.planned.tls.clone(),
            ..Tuning::default()
        };
        let (to, seats) = Spread::over(&[Arc::clone(&self.poller)]);
        let arrivals = &seats[0].arrivals;
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let door = listener::open(host, 0, tuning, to)?;
        say(&FromServer::Listening(Listening { url: door.url.clone() }))?;
        let mut wires = BTreeMap::new();
        while wires.len() < self.planned.plan.connections {
            let Arrival { number: connection, wire, .. } = match self.next_client(arrivals) {
                Ok(arrival) => arrival,
                Err(end) => return Ok((Vec::new(), end)),
            };
            // It may have gone again since its handshake.
            let connected = match connected(connection, &wire.0) {
                Ok(connected) => connected,
                Err(error) => return Ok((Vec::new(), went(&error))),
            };
            say(&FromServer::Connected(connected))?;
            wires.insert(connection, wire);
        }
        drop(door);
        let start_ns = match self.start() {
            Ok(start_ns) => start_ns,
            Err(end) => return Ok((Vec::new(), end)),
        };
        let engines = match self.engines(start_ns, wires)? {
            Ok(engines) => engines,
            Err(end) => return Ok((Vec::new(), end)),
        };
        Crew::new(&self.planned.plan, self.deadline_ns, self.words).play(engines)
    }

    /// Connection n goes to engine n modulo their count, so that its place there is n
    /// divided by it. The inner error: one of them has gone already.
    fn engines(
        &self,
        start_ns: u64,
        wires: BTreeMap<usize, Wire>,
    ) -> Result<Result<Vec<Engine>, End>> {
        let meter = Arc::new(match &self.planned.plan.meter {
            Some(path) => Meter::open(path, 1).context("the plan's meter")?,
            None => Meter::unread(1)?,
        });
        let mut engines = (0..self.planned.plan.threads.min(wires.len()))
            .map(|number| self.engine(number, start_ns, &meter))
            .collect::<Result<Vec<_>>>()?;
        let count = engines.len();
        for (number, wire) in wires {
            if let Err(error) = engines[number % count].admit(wire, Symbols::all()) {
                return Ok(Err(went(&error)));
            }
        }
        Ok(Ok(engines))
    }

    fn next_client(&self, arrivals: &Receiver<Arrival>) -> Result<Arrival, End> {
        let limit_ns = (self.planned.plan.connect_deadline_ms * 1_000_000).saturating_add(now_ns());
        let limit_ns = limit_ns.min(self.deadline_ns);
        loop {
            match arrivals.recv_timeout(Duration::from_millis(5)) {
                Ok(arrival) => return Ok(arrival),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err((ServerEnd::Abandoned, Some("the door fell shut".into())));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            match self.words.try_recv() {
                Ok(Err(error)) => return Err((ServerEnd::Stopped, Some(error.to_string()))),
                Ok(Ok(ToServer::Stop(_))) => return Err((ServerEnd::Stopped, None)),
                Ok(Ok(_)) => return Err(out_of_order()),
                Err(_) => {}
            }
            if now_ns() > limit_ns {
                let seconds = self.planned.plan.connect_deadline_ms as f64 / 1e3;
                let why = format!("no client came within {seconds} s");
                return Err((ServerEnd::Deadline, Some(why)));
            }
        }
    }

    fn start(&self) -> Result<u64, End> {
        let left = Duration::from_nanos(self.deadline_ns.saturating_sub(now_ns()));
        match self.words.recv_timeout(left) {
            Ok(Ok(ToServer::Start(start))) => Ok(start.at_ns),
            Ok(Ok(ToServer::Stop(_))) => Err((ServerEnd::Stopped, None)),
            Ok(Ok(_)) => Err(out_of_order()),
            Ok(Err(error)) => Err((ServerEnd::Stopped, Some(error.to_string()))),
            Err(_) => Err((ServerEnd::Deadline, Some("no `start` came".into()))),
        }
    }

    fn engine(&self, number: usize, start_ns: u64, meter: &Arc<Meter>) -> Result<Engine> {
        let plan = &self.planned.plan;
        let market = Market::new(plan.seed).replaying(self.planned.tape.clone());
        let framer = Framer::new(plan.format, market, unix_offset_ns());
        let memory = Memory {
            symbols: self.planned.limits.policy == Policy::Conflate,
            times: self.planned.limits.age_ns.is_some()
                || self.planned.limits.policy == Policy::Disconnect,
        };
        let load = Load {
            timetable: self.planned.timetable.clone(),
            start_ns,
            duration_ns: Some(plan.duration_ns),
            spin: plan.spin,
            batch_ns: None,
        };
        let ticks = plan.schedule.about_ticks(plan.duration_ns);
        let stamps = Some(Stamps::new(plan.sample, ticks, plan.connections.div_ceil(plan.threads)));
        // The first is woken when a word comes.
        let poller = match number {
            0 => Arc::clone(&self.poller),
            _ => Arc::new(Poller::new()?),
        };
        let classic = match self.style {
            Style::Schedule => None,
            Style::Classic => {
                Some(Classic::new(plan.schedule, start_ns).map_err(anyhow::Error::msg)?)
            }
        };
        let books = Books::new(Arc::clone(meter), plan.threads.min(plan.connections));
        let log = Log::new(framer).remembering(memory);
        let engine = Engine::new(log, load, books, stamps, poller);
        Ok(engine.paced_by(classic).held_to(self.planned.limits, true))
    }
}

fn connected(connection: usize, socket: &TcpStream) -> std::io::Result<Connected> {
    Ok(Connected {
        connection,
        peer: socket.peer_addr()?,
        local: socket.local_addr()?,
        congestion: kernel::congestion(socket)?,
        send_buffer_bytes: kernel::send_buffer_bytes(socket)?,
    })
}
