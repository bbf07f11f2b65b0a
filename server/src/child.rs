//! The server as a child of the harness: speaks the contract, serves one
//! client, reports and ends.

use crate::books::{Books, Stamps};
use crate::certificate;
use crate::classic::{Classic, Style};
use crate::crew::{Crew, End, Played, Words, out_of_order};
use crate::door::{self, Arrival, Tuning};
use crate::engine::Engine;
use crate::kernel;
use crate::load::Load;
use crate::log::{Log, Memory};
use crate::outlet::Wire;
use crate::policy::Limits;
use crate::spread::Spread;
use crate::subscription::Symbols;
use anyhow::{Context, Result, anyhow, bail};
use contract::meter::Meter;
use contract::{
    Connected, Dropped, Fresh, FromServer, LineError, Lines, Listening, Policy, SAMPLES_PER_LINE,
    SampleRow, Samples, ServerEnd, ServerFinal, ServerHello, ServerPlan, ToServer, Version, write,
};
use polling::Poller;
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::io::{BufReader, IsTerminal, stdin, stdout};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market, Tape, Timetable};

/// The most connections of one run.
const MAX_CONNECTIONS: usize = 10_000;
/// The most threads of one run.
const MAX_THREADS: usize = 64;

/// Serves one run in a style.
///
/// # Errors
/// A plan that cannot be used, or a harness that has gone.
pub fn run(style: Style) -> Result<()> {
    if stdin().is_terminal() {
        bail!("without arguments it takes its plan from the harness; by hand, try --rate 100000");
    }
    let mut lines = Lines::new(BufReader::new(stdin()));
    let plan = match lines.next_line().context("no plan")? {
        Some(ToServer::Plan(plan)) => plan,
        Some(_) => bail!("the first line has to be the plan"),
        None => bail!("standard input ended before the plan"),
    };
    if plan.sample.stride == 0 {
        bail!("the plan's sample.stride is 0: it has to be at least 1");
    }
    if !(1..=MAX_CONNECTIONS).contains(&plan.connections) {
        bail!("the plan's connections are {}: choose 1 to {MAX_CONNECTIONS}", plan.connections);
    }
    if !(1..=MAX_THREADS).contains(&plan.threads) {
        bail!("the plan's threads are {}: choose 1 to {MAX_THREADS}", plan.threads);
    }
    if plan.threads > 1 && !plan.schedule.is_open_loop() {
        bail!(
            "the plan spreads a flood over threads, each of which would set a pace of its own: choose one"
        );
    }
    let limits = Limits::of_plan(plan.slow_consumer, plan.schedule, plan.format, plan.connections)
        .map_err(|error| anyhow!("the plan's slow_consumer: {error}"))?;
    let tape = plan.tape.as_deref().map(read_tape).transpose()?;
    let timetable = Timetable::new(plan.schedule, tape.clone()).map_err(anyhow::Error::msg)?;
    if style == Style::Classic {
        Classic::new(plan.schedule, 0).map_err(anyhow::Error::msg)?;
    }
    let deadline_ns = now_ns() + plan.deadline_ms * 1_000_000;
    let tls = plan.tls.as_ref().map(|tls| certificate::load(&tls.cert, &tls.key));
    let tls = tls.transpose().context("the plan's tls")?;
    let poller = Arc::new(Poller::new()?);
    let words = listen(lines, Arc::clone(&poller));
    let name = env!("CARGO_PKG_NAME").to_owned();
    let versions = vec![format!("{name} {}", env!("CARGO_PKG_VERSION"))];
    say(&FromServer::Hello(ServerHello { contract: Version, name, versions }))?;
    let run = Run { plan, style, limits, tape, timetable, tls, words, poller, deadline_ns };
    let (played, ended) = run.serve()?;
    report(played, ended)
}

fn read_tape(path: &Path) -> Result<Arc<Tape>> {
    let text = std::fs::read_to_string(path).context("the plan's tape cannot be read")?;
    let tape = Tape::parse(&text).map_err(|error| anyhow!("the plan's tape: {error}"))?;
    Ok(Arc::new(tape))
}

struct Run {
    plan: ServerPlan,
    style: Style,
    limits: Limits,
    tape: Option<Arc<Tape>>,
    timetable: Timetable,
    tls: Option<Arc<ServerConfig>>,
    words: Words,
    poller: Arc<Poller>,
    deadline_ns: u64,
}

impl Run {
    fn serve(self) -> Result<(Vec<Played>, End)> {
        let tuning = Tuning {
            send_buffer_bytes: self.plan.send_buffer_bytes,
            congestion: self.plan.congestion.clone(),
            expected: Some(self.plan.connections),
            tls: self.tls.clone(),
            ..Tuning::default()
        };
        let (to, seats) = Spread::over(&[Arc::clone(&self.poller)]);
        let arrivals = &seats[0].arrivals;
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let door = door::open(host, 0, tuning, to)?;
        say(&FromServer::Listening(Listening { url: door.url.clone() }))?;
        let mut wires = BTreeMap::new();
        while wires.len() < self.plan.connections {
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
        Crew::new(&self.plan, self.deadline_ns, self.words).play(engines)
    }

    /// Connection n goes to engine n modulo their count, so that its place there is n
    /// divided by it. The inner error: one of them has gone already.
    fn engines(
        &self,
        start_ns: u64,
        wires: BTreeMap<usize, Wire>,
    ) -> Result<Result<Vec<Engine>, End>> {
        let meter = Arc::new(match &self.plan.meter {
            Some(path) => Meter::open(path, 1).context("the plan's meter")?,
            None => Meter::unread(1)?,
        });
        let mut engines = (0..self.plan.threads.min(wires.len()))
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
        let limit_ns = (self.plan.connect_deadline_ms * 1_000_000).saturating_add(now_ns());
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
                let seconds = self.plan.connect_deadline_ms as f64 / 1e3;
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
        let plan = &self.plan;
        let market = Market::new(plan.seed).replaying(self.tape.clone());
        let framer = Framer::new(plan.format, market, unix_offset_ns());
        let memory = Memory {
            symbols: self.limits.policy == Policy::Conflate,
            times: self.limits.age_ns.is_some() || self.limits.policy == Policy::Disconnect,
        };
        let load = Load {
            timetable: self.timetable.clone(),
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
        Ok(engine.paced_by(classic).held_to(self.limits, true))
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

fn went(error: &impl std::fmt::Display) -> End {
    (ServerEnd::Abandoned, Some(format!("a client went before its first tick: {error}")))
}

/// Reads the lines after the plan, in a thread of its own. The end of the
/// lines is a `stop`.
fn listen<R>(mut lines: Lines<R>, poller: Arc<Poller>) -> Words
where
    R: std::io::BufRead + Send + 'static,
{
    let (to, words) = channel();
    std::thread::spawn(move || {
        while hear(&mut lines, &to) {
            let _ = poller.notify();
        }
        let _ = poller.notify();
    });
    words
}

/// Passes one line on; false after the last.
fn hear<R: std::io::BufRead>(
    lines: &mut Lines<R>,
    to: &Sender<Result<ToServer, LineError>>,
) -> bool {
    let line = lines.next_line();
    let more = matches!(line, Ok(Some(_)));
    let word = line.map(|line| line.unwrap_or(ToServer::Stop(contract::Empty {})));
    to.send(word).is_ok() && more
}

fn say(line: &FromServer) -> Result<()> {
    write(&mut stdout().lock(), line).context("the harness does not listen")
}

/// Says everything about the run: samples of each connection, seqs made anew, drops,
/// and the sums.
fn report(played: Vec<Played>, (ended, detail): End) -> Result<()> {
    let mut last = ServerFinal {
        generated: 0,
        written: 0,
        acknowledged: 0,
        confirmed: 0,
        written_bytes: 0,
        dropped: 0,
        ended,
        detail,
    };
    let engines = played.len();
    let connections: usize = played.iter().map(|(_, streams)| streams.len()).sum();
    for connection in 0..connections {
        let engine = &played[connection % engines].0;
        let Some(stamps) = &engine.stamps else { break };
        let rows: Vec<SampleRow> = stamps.rows(connection / engines).collect();
        for rows in rows.chunks(SAMPLES_PER_LINE) {
            say(&FromServer::Samples(Samples { connection, rows: rows.to_vec() }))?;
        }
    }
    let fresh = played.first().and_then(|(engine, _)| engine.fresh()).unwrap_or_default();
    for seqs in fresh.chunks(SAMPLES_PER_LINE) {
        say(&FromServer::Fresh(Fresh { seqs: seqs.to_vec() }))?;
    }
    for (number, (engine, streams)) in played.into_iter().enumerate() {
        let books = &engine.books;
        last.generated = last.generated.max(books.generated);
        last.written += books.written;
        last.acknowledged += books.acknowledged;
        last.confirmed += books.confirmed;
        last.written_bytes += books.written_bytes;
        last.dropped += books.dropped;
        for (place, stream) in streams.into_iter().enumerate() {
            let connection = number + place * engines;
            for ranges in stream.into_dropped(engine.feeds.whole()).chunks(SAMPLES_PER_LINE) {
                say(&FromServer::Dropped(Dropped { connection, ranges: ranges.to_vec() }))?;
            }
        }
    }
    say(&FromServer::Final(last))
}
