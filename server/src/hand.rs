//! The server by hand: any number of clients, until a signal.

use crate::args::Args;
use crate::books::Books;
use crate::departure::Reason;
use crate::door::{self, Arrival, Tuning};
use crate::engine::{Engine, Load};
use crate::log::Log;
use crate::metrics::admissions::Admissions;
use crate::metrics::gauges::Gauges;
use crate::metrics::lateness::Lateness;
use crate::metrics::observer::Observer;
use crate::{logging, metrics, shutdown};
use anyhow::Result;
use contract::meter::Meter;
use polling::Poller;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market, Timetable};
use tracing::{info, warn};
use tungstenite::protocol::frame::coding::CloseCode;

/// The longest turn: how soon a signal is seen at the latest.
const TURN_NS: u64 = 20_000_000;

/// Serves until a signal, or for the given time.
///
/// # Errors
/// When an address cannot be listened on.
pub fn run(args: &Args) -> Result<()> {
    let _lines = logging::start(&args.log, args.log_format);
    let poller = Arc::new(Poller::new()?);
    let stop = shutdown::watch(Arc::clone(&poller))?;
    let window = args.metrics.map(metrics::bind).transpose()?;
    let admissions = Admissions::default();
    let tuning = Tuning {
        send_buffer_bytes: args.send_buffer,
        congestion: args.congestion.clone(),
        expected: None,
        admissions: admissions.clone(),
    };
    let (to, arrivals) = channel();
    let door = door::open(args.host, args.port, tuning, to, Arc::clone(&poller))?;
    let url = format!("ws://{}/ticks", door.address);
    info!(target: logging::ADDRESS, url, "{url}");
    let healthy = Arc::new(AtomicBool::new(true));
    let observer = window.map(|w| observe(w, &admissions, Arc::clone(&healthy))).transpose()?;
    let mut hand = Hand { engine: engine(args, poller)?, arrivals, observer };
    hand.engine.lateness = hand.observer.as_ref().map(|_| Lateness::default());
    while !stop.load(Ordering::SeqCst) && !hand.engine.is_finished() {
        hand.turn()?;
        if let Some(laggard) = laggard(&hand.engine, args.log_ceiling) {
            hand.let_go(laggard, Reason::CutOff, "too far behind, cut off");
        }
    }
    drop(door);
    hand.engine.finish();
    // Who sees it unhealthy sees all that it has ever made.
    hand.show();
    healthy.store(false, Ordering::Release);
    let code = if stop.load(Ordering::SeqCst) { CloseCode::Away } else { CloseCode::Normal };
    let open = hand.engine.outlets.iter().flatten().count();
    info!(connections = open, "ending: {open} connections take what waits for them");
    shutdown::drain(&mut hand, code, args.drain_ms * 1_000_000)?;
    let Books { generated, written, .. } = hand.engine.books;
    info!(generated, written, "ended: {generated} ticks made, {written} written");
    Ok(())
}

fn engine(args: &Args, poller: Arc<Poller>) -> Result<Engine> {
    let load = Load {
        timetable: Timetable::new(args.rate.0, None).map_err(anyhow::Error::msg)?,
        start_ns: now_ns(),
        duration_ns: args.duration.map(|s| s * 1_000_000_000),
        spin: args.spin,
    };
    let framer = Framer::new(args.format, Market::new(args.seed), unix_offset_ns());
    let books = Books::new(Meter::unread(1)?);
    let _ = nix::sys::prctl::set_timerslack(1);
    Ok(Engine::new(Log::new(framer), load, books, None, poller))
}

/// Serves metrics there from now on.
fn observe(
    window: TcpListener,
    admissions: &Admissions,
    healthy: Arc<AtomicBool>,
) -> Result<Observer> {
    let url = format!("http://{}/metrics", window.local_addr()?);
    let gauges = Arc::new(Gauges::default());
    let registry = metrics::registry(vec![Arc::clone(&gauges)], admissions);
    metrics::serve(window, registry, healthy)?;
    info!(target: logging::ADDRESS, url, "metrics: {url}");
    Ok(Observer::new(gauges))
}

/// The connection that holds most of the log, once that is over its ceiling.
fn laggard(engine: &Engine, ceiling_bytes: u64) -> Option<usize> {
    if engine.log.held_bytes() <= ceiling_bytes {
        return None;
    }
    let cursors = engine.outlets.iter().enumerate();
    cursors.filter_map(|(key, o)| Some((o.as_ref()?.cursor(), key))).min().map(|(_, key)| key)
}

/// The engine with those who come and go.
pub struct Hand {
    /// Makes and writes.
    pub engine: Engine,
    arrivals: Receiver<Arrival>,
    /// Where somebody looks.
    observer: Option<Observer>,
}

impl Hand {
    /// One turn of the engine; takes in who has come, and lets go who is gone.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn turn(&mut self) -> Result<()> {
        self.engine.turn(now_ns() + TURN_NS)?;
        while let Ok((_, socket)) = self.arrivals.try_recv() {
            let tick = self.engine.log.ticks();
            match socket.peer_addr().map_err(Into::into).and_then(|peer| {
                self.engine.admit(socket)?;
                Ok(peer)
            }) {
                Ok(peer) => info!(%peer, tick, "{peer} joined at tick {tick}"),
                Err::<_, anyhow::Error>(error) => {
                    warn!(%error, "a client went before its first tick: {error}");
                }
            }
        }
        for key in 0..self.engine.outlets.len() {
            let gone = self.engine.outlets[key].as_ref().and_then(|outlet| outlet.departed());
            if let Some((reason, why)) = gone {
                let why = why.to_owned();
                self.let_go(key, reason, &why);
            }
        }
        if let Some(observer) = &mut self.observer {
            observer.look(&self.engine, now_ns());
        }
        Ok(())
    }

    /// Shows the figures of this moment to whoever looks.
    fn show(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.show(&self.engine, now_ns());
        }
    }

    /// Lets a connection go and says what it got, if there is one at that place.
    pub fn let_go(&mut self, key: usize, reason: Reason, why: &str) {
        let Some(account) = self.engine.account(key) else { return };
        let Some(outlet) = self.engine.dismiss(key) else { return };
        if let Some(observer) = &mut self.observer {
            observer.left(key, reason, account);
        }
        let (peer, reason) = (outlet.peer(), reason.label());
        let crate::departure::Account { written, dropped, waiting, .. } = account;
        info!(
            %peer, reason, why, tick = outlet.joined(), written, dropped, waiting,
            "{peer} left: {why}; written {written} ticks, dropped {dropped}"
        );
    }

    /// Closes each connection that has taken everything; gives how many have not.
    pub fn close_drained(&mut self, code: CloseCode) -> usize {
        let engine = &mut self.engine;
        let mut waiting = 0;
        for outlet in engine.outlets.iter_mut().flatten().filter(|outlet| !outlet.is_closing()) {
            match outlet.is_drained(&engine.log) {
                true => outlet.close(code),
                false => waiting += 1,
            }
        }
        waiting
    }
}
