//! The server as a child of the harness: speaks the contract, serves one
//! client, reports and ends.

use crate::books::{Books, Stamps};
use crate::classic::{Classic, Style};
use crate::door::{self, Arrival, Tuning};
use crate::engine::{Engine, Load};
use crate::kernel;
use crate::log::Log;
use crate::outlet::Outlet;
use anyhow::{Context, Result, anyhow, bail};
use contract::meter::Meter;
use contract::{
    Connected, Fresh, FromServer, LineError, Lines, Listening, SAMPLES_PER_LINE, SampleRow,
    Samples, ServerEnd, ServerFinal, ServerHello, ServerPlan, ToServer, Version, write,
};
use polling::Poller;
use std::collections::BTreeMap;
use std::io::{BufReader, IsTerminal, stdin, stdout};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market, Tape, Timetable};
use tungstenite::protocol::frame::coding::CloseCode;

/// Time for the client to answer the last ping. Both kernel queues may stand
/// before that, some MB that a slow client takes seconds to read.
const LAST_PONG_NS: u64 = 30_000_000_000;
/// Time for it to answer the close frame then.
const GOODBYE_NS: u64 = 2_000_000_000;
/// Time for it to leave by itself after a `stop`.
const LINGER_NS: u64 = 500_000_000;
/// The longest turn: how soon a `stop` is seen at the latest.
const TURN_NS: u64 = 5_000_000;
/// The most connections of one run.
const MAX_CONNECTIONS: usize = 10_000;

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
    let tape = plan.tape.as_deref().map(read_tape).transpose()?;
    let timetable = Timetable::new(plan.schedule, tape.clone()).map_err(anyhow::Error::msg)?;
    if style == Style::Classic {
        Classic::new(plan.schedule, 0).map_err(anyhow::Error::msg)?;
    }
    let deadline_ns = now_ns() + plan.deadline_ms * 1_000_000;
    let poller = Arc::new(Poller::new()?);
    let words = listen(lines, Arc::clone(&poller));
    let name = env!("CARGO_PKG_NAME").to_owned();
    let versions = vec![format!("{name} {}", env!("CARGO_PKG_VERSION"))];
    say(&FromServer::Hello(ServerHello { contract: Version, name, versions }))?;
    let run = Run { plan, style, tape, timetable, words, poller, deadline_ns };
    let (engine, ended) = run.serve()?;
    report(engine.as_ref(), ended)
}

fn read_tape(path: &Path) -> Result<Arc<Tape>> {
    let text = std::fs::read_to_string(path).context("the plan's tape cannot be read")?;
    let tape = Tape::parse(&text).map_err(|error| anyhow!("the plan's tape: {error}"))?;
    Ok(Arc::new(tape))
}

/// Why a run ended, and in words.
type End = (ServerEnd, Option<String>);

/// Lines after the plan; `Err` is why there are no more.
type Words = Receiver<Result<ToServer, LineError>>;

struct Run {
    plan: ServerPlan,
    style: Style,
    tape: Option<Arc<Tape>>,
    timetable: Timetable,
    words: Words,
    poller: Arc<Poller>,
    deadline_ns: u64,
}

impl Run {
    fn serve(&self) -> Result<(Option<Engine>, End)> {
        let tuning = Tuning {
            send_buffer_bytes: self.plan.send_buffer_bytes,
            congestion: self.plan.congestion.clone(),
            expected: Some(self.plan.connections),
        };
        let (to, arrivals) = channel();
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let door = door::open(host, 0, tuning, to, Arc::clone(&self.poller))?;
        say(&FromServer::Listening(Listening { url: format!("ws://{}/ticks", door.address) }))?;
        let mut sockets = BTreeMap::new();
        while sockets.len() < self.plan.connections {
            let (connection, socket) = match self.next_client(&arrivals) {
                Ok(arrival) => arrival,
                Err(end) => return Ok((None, end)),
            };
            // It may have gone again since its handshake.
            let connected = match connected(connection, &socket) {
                Ok(connected) => connected,
                Err(error) => return Ok((None, went(&error))),
            };
            say(&FromServer::Connected(connected))?;
            sockets.insert(connection, socket);
        }
        drop(door);
        let start_ns = match self.start() {
            Ok(start_ns) => start_ns,
            Err(end) => return Ok((None, end)),
        };
        let mut engine = self.engine(start_ns)?;
        // In the order of their numbers, which are then the outlets' places.
        for socket in sockets.into_values() {
            if let Err(error) = engine.admit(socket) {
                return Ok((None, went(&error)));
            }
        }
        let end = self.play(&mut engine)?;
        Ok((Some(engine), end))
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

    fn engine(&self, start_ns: u64) -> Result<Engine> {
        let plan = &self.plan;
        let market = Market::new(plan.seed).replaying(self.tape.clone());
        let framer = Framer::new(plan.format, market, unix_offset_ns());
        let meter = match &plan.meter {
            Some(path) => Meter::open(path, 1).context("the plan's meter")?,
            None => Meter::unread(1)?,
        };
        let load = Load {
            timetable: self.timetable.clone(),
            start_ns,
            duration_ns: Some(plan.duration_ns),
            spin: plan.spin,
        };
        // A precise sleep where there is no spinning.
        let _ = nix::sys::prctl::set_timerslack(1);
        let ticks = plan.schedule.about_ticks(plan.duration_ns);
        let stamps = Some(Stamps::new(plan.sample, ticks, plan.connections));
        let poller = Arc::clone(&self.poller);
        let classic = match self.style {
            Style::Schedule => None,
            Style::Classic => {
                Some(Classic::new(plan.schedule, start_ns).map_err(anyhow::Error::msg)?)
            }
        };
        let engine = Engine::new(Log::new(framer), load, Books::new(meter), stamps, poller);
        Ok(engine.paced_by(classic))
    }

    fn play(&self, engine: &mut Engine) -> Result<End> {
        let drained = loop {
            engine.turn(now_ns() + TURN_NS)?;
            match self.words.try_recv() {
                Ok(Ok(ToServer::Stop(_))) => break Err((ServerEnd::Stopped, None)),
                Ok(Ok(_)) => break Err(out_of_order()),
                Ok(Err(error)) => break Err((ServerEnd::Stopped, Some(error.to_string()))),
                Err(_) => {}
            }
            if engine.is_finished() && engine.is_drained() {
                break Ok(());
            }
            if let Some(why) = engine.outlets.iter().flatten().find_map(Outlet::gone) {
                break Err((ServerEnd::Abandoned, Some(why.to_owned())));
            }
            if engine.log.held_bytes() > self.plan.log_ceiling_bytes {
                break Err((ServerEnd::LogCeiling, Some(self.ceiling(engine))));
            }
            if now_ns() > self.deadline_ns {
                break Err((ServerEnd::Deadline, Some("the load was not drained in time".into())));
            }
        };
        let end = match drained {
            Ok(()) => self.goodbye(engine)?,
            Err(end) => end,
        };
        engine.look();
        if end.0 == ServerEnd::Stopped {
            linger(engine)?;
        }
        // A client may wait for this before it reports, and its report is read
        // before ours.
        for key in 0..engine.outlets.len() {
            engine.dismiss(key);
        }
        Ok(end)
    }

    /// Asks for a last pong, for a client may drop it when it finds the close
    /// frame behind the ping; then closes, and waits for the answer.
    fn goodbye(&self, engine: &mut Engine) -> Result<End> {
        for outlet in engine.outlets.iter_mut().flatten() {
            outlet.ping(&engine.log);
        }
        let pong_ns = LAST_PONG_NS.min(self.deadline_ns.saturating_sub(now_ns()));
        // Any word now is a `stop`, and one that comes now ends only the wait.
        let told = || self.words.try_recv().is_ok();
        let done = |engine: &Engine| is_gone(engine) || engine.is_confirmed() || told();
        turn_until(engine, pong_ns, done)?;
        for outlet in engine.outlets.iter_mut().flatten() {
            outlet.close(CloseCode::Normal);
        }
        let answered = turn_until(engine, GOODBYE_NS, is_gone)?;
        let silent = || "the client did not answer the close frame".to_owned();
        Ok((ServerEnd::Complete, (!answered).then(silent)))
    }

    fn ceiling(&self, engine: &Engine) -> String {
        format!(
            "{} ticks waited for the client, more than {} MB",
            engine.books.generated * self.plan.connections as u64 - engine.books.written,
            self.plan.log_ceiling_bytes / 1_000_000
        )
    }
}

/// Its client is told to stop at the same time, and may hear of it later: it would
/// take a connection that is closed at once for a lost one.
fn linger(engine: &mut Engine) -> Result<()> {
    let until_ns = now_ns() + LINGER_NS;
    while !is_gone(engine) && now_ns() < until_ns {
        engine.listen(now_ns() + TURN_NS)?;
    }
    Ok(())
}

fn is_gone(engine: &Engine) -> bool {
    engine.outlets.iter().flatten().all(|outlet| outlet.gone().is_some())
}

/// Goes on until `done`; false when that takes longer than `limit_ns`.
fn turn_until(engine: &mut Engine, limit_ns: u64, done: impl Fn(&Engine) -> bool) -> Result<bool> {
    let until_ns = now_ns() + limit_ns;
    while !done(engine) {
        if now_ns() >= until_ns {
            return Ok(false);
        }
        engine.turn(now_ns() + TURN_NS)?;
    }
    Ok(true)
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

fn out_of_order() -> End {
    (ServerEnd::Stopped, Some("a line out of order".into()))
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

fn report(engine: Option<&Engine>, (ended, detail): End) -> Result<()> {
    let mut last = ServerFinal {
        generated: 0,
        written: 0,
        acknowledged: 0,
        confirmed: 0,
        written_bytes: 0,
        ended,
        detail,
    };
    if let Some(engine) = engine {
        for connection in 0..engine.outlets.len() {
            let Some(stamps) = &engine.stamps else { break };
            let rows: Vec<SampleRow> = stamps.rows(connection).collect();
            for rows in rows.chunks(SAMPLES_PER_LINE) {
                say(&FromServer::Samples(Samples { connection, rows: rows.to_vec() }))?;
            }
        }
        for seqs in engine.fresh().unwrap_or_default().chunks(SAMPLES_PER_LINE) {
            say(&FromServer::Fresh(Fresh { seqs: seqs.to_vec() }))?;
        }
        let books = &engine.books;
        last.generated = books.generated;
        last.written = books.written;
        last.acknowledged = books.acknowledged;
        last.confirmed = books.confirmed;
        last.written_bytes = books.written_bytes;
    }
    say(&FromServer::Final(last))
}
