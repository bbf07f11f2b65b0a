//! The engines of one run, each with its connections in a thread of its own, from tick 0 to
//! the last close frame.

use crate::connection::endpoint::Connection;
use crate::connection::stream::outgoing::Stream;
use crate::engine::state::Engine;
use crate::run::child::end::RunEnd;
use crate::run::child::lines::LineReceiver;
use crate::run::child::report::FinishedEngine;
use anyhow::{Result, anyhow};
use contract::{ServerEnd, ServerPlan};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

/// How long a client has to answer the last ping, in ns. Before the ping it has to read what
/// both kernel queues hold: some MB, which take a slow client seconds.
const LAST_PONG_NS: u64 = 30_000_000_000;
/// How long it has to answer the close frame, in ns.
const CLOSE_NS: u64 = 2_000_000_000;
/// How long it has to leave by itself after a `stop`, in ns.
const LEAVE_NS: u64 = 500_000_000;
/// How long a `stop` may come after the client has left: the client may have seen its own
/// `stop` first.
const LATE_STOP: Duration = Duration::from_millis(500);
/// The longest step, in ns: how soon a `stop` is seen at the latest.
const STEP_NS: u64 = 5_000_000;

/// What all engines of a run share.
pub struct WorkerThreads {
    /// When everything has to be over, in ns.
    deadline_ns: u64,
    /// Each engine's share of what may wait for the clients.
    ceiling_bytes: u64,
    lines: Mutex<LineReceiver>,
    /// How the run ends by the line that came, once one has: whichever engine received it,
    /// it is for all.
    line_end: OnceLock<RunEnd>,
    /// Why the run broke off, once it has.
    broken_off: OnceLock<RunEnd>,
}

impl WorkerThreads {
    /// For a run that ends by these lines.
    #[must_use]
    pub fn new(plan: &ServerPlan, deadline_ns: u64, lines: LineReceiver) -> Self {
        // As many engines as `run` gets.
        let engines = plan.threads.min(plan.connections).max(1) as u64;
        Self {
            deadline_ns,
            ceiling_bytes: plan.log_ceiling_bytes / engines,
            lines: Mutex::new(lines),
            line_end: OnceLock::new(),
            broken_off: OnceLock::new(),
        }
    }

    /// Runs all engines, the first of them in this thread.
    ///
    /// # Errors
    /// When a poller fails.
    pub fn run(&self, engines: Vec<Engine>) -> Result<(Vec<FinishedEngine>, RunEnd)> {
        let mut results = Vec::new();
        std::thread::scope(|scope| {
            let mut engines = engines.into_iter();
            let first = engines.next();
            let others: Vec<_> =
                engines.map(|engine| scope.spawn(move || self.run_one(engine))).collect();
            results.extend(first.map(|engine| self.run_one(engine)));
            results.extend(others.into_iter().map(|other| {
                other.join().unwrap_or_else(|_| Err(anyhow!("the thread of an engine panicked")))
            }));
        });
        let (mut finished, mut all_answered) = (Vec::new(), true);
        for result in results {
            let (engine, streams, answered) = result?;
            all_answered &= answered;
            finished.push((engine, streams));
        }
        let completed = if all_answered { RunEnd::Complete } else { RunEnd::Unanswered };
        Ok((finished, self.broken_off.get().cloned().unwrap_or(completed)))
    }

    /// Runs one engine; gives whether its clients answered their close frames, if it was
    /// not broken off.
    fn run_one(&self, mut engine: Engine) -> Result<(Engine, Vec<Stream>, bool)> {
        // A precise sleep where the engine does not spin.
        let _ = nix::sys::prctl::set_timerslack(1);
        while self.broken_off.get().is_none() && !(engine.is_finished() && engine.is_drained()) {
            engine.step(now_ns() + STEP_NS)?;
            if let Some(end) = self.received_end().or_else(|| self.failure(&engine)) {
                let _ = self.broken_off.set(end);
            }
        }
        let answered = match self.broken_off.get().map(RunEnd::kind) {
            None => self.close(&mut engine)?,
            Some(end) => {
                engine.finish();
                match end {
                    ServerEnd::Stopped => wait_for_clients(&mut engine)?,
                    ServerEnd::CutOff => drop(step_until(&mut engine, CLOSE_NS, all_ended)?),
                    _ => {}
                }
                true
            }
        };
        engine.read_progress();
        // A client may wait for the end of its connection before it reports, and its report
        // is read before ours.
        let keys = 0..engine.connections.len();
        let streams = keys.filter_map(|key| engine.remove(key)).map(Connection::into_stream);
        let streams = streams.collect();
        Ok((engine, streams, answered))
    }

    /// How the run ends by a line, if one has come.
    fn received_end(&self) -> Option<RunEnd> {
        // If another engine holds the lock, it is already waiting for a line.
        if let Ok(lines) = self.lines.try_lock()
            && let Ok(line) = lines.try_recv()
        {
            let _ = self.line_end.set(RunEnd::by_line(line));
        }
        self.line_end.get().cloned()
    }

    /// The same, after waiting for a line.
    fn received_end_within(&self, limit: Duration) -> Option<RunEnd> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if self.line_end.get().is_none()
            && let Ok(line) = lines.recv_timeout(limit)
        {
            let _ = self.line_end.set(RunEnd::by_line(line));
        }
        self.line_end.get().cloned()
    }

    /// Why the run has to be broken off, if it has to.
    fn failure(&self, engine: &Engine) -> Option<RunEnd> {
        let connections = || engine.connections.iter().flatten();
        if let Some(waiting) = connections().find_map(Connection::cut_off_by_policy) {
            return Some(RunEnd::CutOff(waiting));
        }
        if let Some(end) = connections().find_map(Connection::end) {
            let left = || RunEnd::ClientLeft(end.clone());
            return Some(self.received_end_within(LATE_STOP).unwrap_or_else(left));
        }
        if engine.backlog_bytes() > self.ceiling_bytes {
            let ticks = connections().map(|c| c.stream().waiting_ticks(engine.log_of(c))).sum();
            return Some(RunEnd::LogCeiling { ticks, ceiling_bytes: self.ceiling_bytes });
        }
        (now_ns() > self.deadline_ns).then_some(RunEnd::NotDrained)
    }

    /// Waits for a last pong, because a client may drop a ping when it finds a close frame
    /// after it; then closes. Gives whether all clients answered.
    fn close(&self, engine: &mut Engine) -> Result<bool> {
        engine.ping();
        let pong_ns = LAST_PONG_NS.min(self.deadline_ns.saturating_sub(now_ns()));
        // Any line now is a `stop`: for this engine it ends only the wait, and for engines
        // that are not yet drained the run.
        let is_stopped = || self.received_end().is_some() || self.broken_off.get().is_some();
        let done = |engine: &Engine| all_ended(engine) || engine.is_confirmed() || is_stopped();
        step_until(engine, pong_ns, done)?;
        for connection in engine.connections.iter_mut().flatten() {
            connection.close(CloseCode::Normal, "");
        }
        step_until(engine, CLOSE_NS, all_ended)
    }
}

/// Clients are stopped at the same time and may see it later: they would take a connection
/// that is closed at once for a lost one.
fn wait_for_clients(engine: &mut Engine) -> Result<()> {
    let until_ns = now_ns() + LEAVE_NS;
    while !all_ended(engine) && now_ns() < until_ns {
        engine.read_until(now_ns() + STEP_NS)?;
    }
    Ok(())
}

fn all_ended(engine: &Engine) -> bool {
    engine.connections.iter().flatten().all(|connection| connection.end().is_some())
}

/// Steps until `done`; false when that takes longer than `limit_ns`.
fn step_until(engine: &mut Engine, limit_ns: u64, done: impl Fn(&Engine) -> bool) -> Result<bool> {
    let until_ns = now_ns() + limit_ns;
    while !done(engine) {
        if now_ns() >= until_ns {
            return Ok(false);
        }
        engine.step(now_ns() + STEP_NS)?;
    }
    Ok(true)
}
