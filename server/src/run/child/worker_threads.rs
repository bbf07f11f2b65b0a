//! The engines of one run under the contract, each with its connections in a thread of
//! its own, from tick 0 to the last goodbye.

use crate::connection::endpoint::Outlet;
use crate::connection::stream::outgoing::Stream;
use crate::engine::state::Engine;
use crate::run::child::end::{End, end_of};
use crate::run::child::lines::Words;
use anyhow::Result;
use contract::{ServerEnd, ServerPlan};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

/// Time for the client to answer the last ping. Both kernel queues may stand
/// before that, some MB that a slow client takes seconds to read.
const LAST_PONG_NS: u64 = 30_000_000_000;
/// Time for it to answer the close frame then.
const GOODBYE_NS: u64 = 2_000_000_000;
/// Time for it to leave by itself after a `stop`.
const LINGER_NS: u64 = 500_000_000;
/// Time for a `stop` to come after the client has left: it may have heard of it first.
const LATE_STOP: Duration = Duration::from_millis(500);
/// The longest turn: how soon a `stop` is seen at the latest.
const TURN_NS: u64 = 5_000_000;

/// What all engines of a run go by.
pub struct Crew<'a> {
    /// The plan.
    pub plan: &'a ServerPlan,
    /// When everything has to be over, in ns.
    pub deadline_ns: u64,
    /// Each engine's share of what may wait for the client.
    ceiling_bytes: u64,
    words: Mutex<Words>,
    /// How the run is to end by the word that came, once one has: whichever engine
    /// heard it, it is meant for all.
    told: OnceLock<End>,
    /// Why the run broke off, once it has.
    broken: OnceLock<End>,
}

/// An engine after its run, and its connections by their places.
pub type Played = (Engine, Vec<Stream>);

impl<'a> Crew<'a> {
    /// A crew that listens to those words.
    pub fn new(plan: &'a ServerPlan, deadline_ns: u64, words: Words) -> Self {
        // As many engines as `play` gets.
        let engines = plan.threads.min(plan.connections).max(1) as u64;
        Self {
            plan,
            deadline_ns,
            ceiling_bytes: plan.log_ceiling_bytes / engines,
            words: Mutex::new(words),
            told: OnceLock::new(),
            broken: OnceLock::new(),
        }
    }

    /// Lets all engines play, the first of them in this thread.
    ///
    /// # Errors
    /// When a poller fails.
    pub fn play(&self, engines: Vec<Engine>) -> Result<(Vec<Played>, End)> {
        let mut results = Vec::new();
        std::thread::scope(|scope| {
            let mut engines = engines.into_iter();
            let first = engines.next();
            let others: Vec<_> =
                engines.map(|engine| scope.spawn(move || self.play_one(engine))).collect();
            results.extend(first.map(|engine| self.play_one(engine)));
            results.extend(others.into_iter().map(|other| {
                other.join().unwrap_or_else(|_| Err(anyhow::anyhow!("an engine's thread panicked")))
            }));
        });
        let (mut played, mut silent) = (Vec::new(), None);
        for result in results {
            let (engine, streams, detail) = result?;
            silent = silent.or(detail);
            played.push((engine, streams));
        }
        let end = self.broken.get().cloned().unwrap_or((ServerEnd::Complete, silent));
        Ok((played, end))
    }

    fn play_one(&self, mut engine: Engine) -> Result<(Engine, Vec<Stream>, Option<String>)> {
        // A precise sleep where there is no spinning.
        let _ = nix::sys::prctl::set_timerslack(1);
        while self.broken.get().is_none() && !(engine.is_finished() && engine.is_drained()) {
            engine.turn(now_ns() + TURN_NS)?;
            if let Some(end) = self.heard().or_else(|| self.trouble(&engine)) {
                let _ = self.broken.set(end);
            }
        }
        let detail = match self.broken.get() {
            None => self.goodbye(&mut engine)?,
            Some((end, _)) => {
                engine.finish();
                match end {
                    ServerEnd::Stopped => linger(&mut engine)?,
                    ServerEnd::CutOff => drop(turn_until(&mut engine, GOODBYE_NS, is_gone)?),
                    _ => {}
                }
                None
            }
        };
        engine.look();
        // A client may wait for this before it reports, and its report is read
        // before ours.
        let places = 0..engine.outlets.len();
        let streams = places.filter_map(|key| engine.dismiss(key)).map(Outlet::into_stream);
        let streams = streams.collect();
        Ok((engine, streams, detail))
    }

    /// How the run is to end by a word, if one has come.
    fn heard(&self) -> Option<End> {
        // Where another engine has them, that one listens already.
        if let Ok(words) = self.words.try_lock()
            && let Ok(word) = words.try_recv()
        {
            let _ = self.told.set(end_of(word));
        }
        self.told.get().cloned()
    }

    /// The same, and waits for one.
    fn heard_within(&self, limit: Duration) -> Option<End> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if self.told.get().is_none()
            && let Ok(word) = words.recv_timeout(limit)
        {
            let _ = self.told.set(end_of(word));
        }
        self.told.get().cloned()
    }

    /// What breaks the run off.
    fn trouble(&self, engine: &Engine) -> Option<End> {
        let outlets =
            || engine.outlets.iter().enumerate().filter_map(|(k, o)| Some((k, o.as_ref()?)));
        if let Some((_, waiting)) = outlets().find_map(|(key, o)| Some((key, o.cut()?))) {
            return Some((ServerEnd::CutOff, Some(waiting.to_string())));
        }
        if let Some(why) = outlets().find_map(|(_, outlet)| outlet.gone()) {
            let abandoned = || (ServerEnd::Abandoned, Some(why.to_owned()));
            return Some(self.heard_within(LATE_STOP).unwrap_or_else(abandoned));
        }
        if engine.backlog_bytes() > self.ceiling_bytes {
            let ticks: u64 =
                outlets().map(|(_, o)| o.stream().waiting_ticks(engine.log_of(o))).sum();
            let megabytes = self.ceiling_bytes / 1_000_000;
            let why = format!("{ticks} ticks waited for the client, more than {megabytes} MB");
            return Some((ServerEnd::LogCeiling, Some(why)));
        }
        (now_ns() > self.deadline_ns)
            .then(|| (ServerEnd::Deadline, Some("the load was not drained in time".into())))
    }

    /// Asks for a last pong, for a client may drop it when it finds the close
    /// frame behind the ping; then closes, and waits for the answer. Gives what was
    /// amiss.
    fn goodbye(&self, engine: &mut Engine) -> Result<Option<String>> {
        engine.ping();
        let pong_ns = LAST_PONG_NS.min(self.deadline_ns.saturating_sub(now_ns()));
        // Any word now is a `stop`: for this engine it ends only the wait, and the run
        // of those that are not so far.
        let told = || self.heard().is_some() || self.broken.get().is_some();
        let done = |engine: &Engine| is_gone(engine) || engine.is_confirmed() || told();
        turn_until(engine, pong_ns, done)?;
        for outlet in engine.outlets.iter_mut().flatten() {
            outlet.close(CloseCode::Normal, "");
        }
        let answered = turn_until(engine, GOODBYE_NS, is_gone)?;
        Ok((!answered).then(|| "the client did not answer the close frame".to_owned()))
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
