//! The server by hand: any number of clients, until a signal.

use crate::accept::admissions::Admissions;
use crate::accept::dispatch::Spread;
use crate::accept::listener::{self, Door, Tuning};
use crate::connection::stream::policy::Limits;
use crate::engine::counts::Books;
use crate::engine::lateness::Lateness;
use crate::engine::load::Load;
use crate::engine::state::Engine;
use crate::log::segments::{Log, Memory};
use crate::metrics::gauges::Gauges;
use crate::metrics::observer::Observer;
use crate::metrics::{http, page};
use crate::run::args::Args;
use crate::run::logging;
use crate::run::standalone::shutdown;
use crate::run::standalone::worker::Hand;
use anyhow::{Result, anyhow};
use contract::Policy;
use contract::meter::Meter;
use polling::Poller;
use std::net::TcpListener;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market, Timetable};
use tracing::{info, warn};
use tungstenite::protocol::frame::coding::CloseCode;

/// Serves until a signal, or for the given time.
///
/// # Errors
/// Options that do not go together, or an address that cannot be listened on.
pub fn run(args: &Args) -> Result<()> {
    let _lines = logging::start(&args.log, args.log_format);
    let (limits, batch_ns) = (args.limits()?, args.batch_ns()?);
    let pollers = (0..args.server_threads)
        .map(|_| Ok(Arc::new(Poller::new()?)))
        .collect::<Result<Vec<_>>>()?;
    let stop = shutdown::watch(pollers.clone())?;
    let window = args.metrics.map(http::bind).transpose()?;
    let admissions = Admissions::default();
    let tuning = Tuning {
        send_buffer_bytes: args.send_buffer,
        congestion: args.congestion.clone(),
        max_connections: args.places(),
        gate: args.gate()?,
        tls: args.tls()?,
        admissions: admissions.clone(),
        ..Tuning::default()
    };
    let (spread, seats) = Spread::over(&pollers);
    let door = listener::open(args.address()?, args.port, tuning, spread)?;
    let url = &door.url;
    info!(target: logging::ADDRESS, url, "{url}");
    if door.places < args.places() {
        let places = door.places;
        warn!("room for {places} connections: raise the descriptor limit (ulimit -n)");
    }
    let healthy = Arc::new(AtomicBool::new(true));
    let gauges: Vec<Arc<Gauges>> = pollers.iter().map(|_| Arc::default()).collect();
    if let Some(window) = window {
        observe(window, gauges.clone(), &admissions, Arc::clone(&healthy))?;
    }
    let start_ns = now_ns();
    let mut hands = Vec::new();
    for ((poller, seat), gauges) in pollers.into_iter().zip(seats).zip(gauges) {
        let load = load(args, start_ns, batch_ns)?;
        let mut engine = engine(args, limits, load, poller)?;
        let observer = args.metrics.map(|_| Observer::new(gauges));
        engine.lateness = observer.as_ref().map(|_| Lateness::default());
        hands.push(Hand { engine, seat, vacancies: door.vacancies(), observer });
    }
    let closing = Closing {
        door: Mutex::new(Some(door)),
        serving: AtomicUsize::new(hands.len()),
        healthy: &healthy,
    };
    let books = serve(args, hands, &stop, &closing)?;
    let generated = books.iter().map(|books| books.generated).max().unwrap_or(0);
    let sum = |count: fn(&Books) -> u64| books.iter().map(count).sum::<u64>();
    let (written, dropped) = (sum(|books| books.written), sum(|books| books.dropped));
    info!(
        generated,
        written,
        dropped,
        "in all: made {generated} ticks; written {written} ticks, dropped {dropped}"
    );
    Ok(())
}

/// What is to be done once when several engines come to their end.
struct Closing<'a> {
    door: Mutex<Option<Door>>,
    /// Engines that still make ticks.
    serving: AtomicUsize,
    healthy: &'a AtomicBool,
}

impl Closing<'_> {
    /// An engine makes no more ticks, and has shown all that it made: nobody comes in any
    /// more, and after the last of them the server is unhealthy. So who sees it unhealthy
    /// sees all that it has ever made.
    fn ended(&self) {
        drop(self.door.lock().unwrap_or_else(PoisonError::into_inner).take());
        if self.serving.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.healthy.store(false, Ordering::Release);
        }
    }
}

/// Lets every engine serve in a thread of its own, the first in this one.
fn serve(
    args: &Args,
    hands: Vec<Hand>,
    stop: &AtomicBool,
    closing: &Closing<'_>,
) -> Result<Vec<Books>> {
    let ceiling_bytes = args.log_ceiling / hands.len() as u64;
    let drain_ns = args.drain_ms * 1_000_000;
    let serve = |mut hand: Hand| -> Result<Books> {
        let _ = nix::sys::prctl::set_timerslack(1);
        while !stop.load(Ordering::SeqCst) && !hand.engine.is_finished() {
            // One that fails takes the others along.
            hand.turn().inspect_err(|_| stop.store(true, Ordering::SeqCst))?;
            hand.cut_laggards(ceiling_bytes);
        }
        hand.engine.finish();
        hand.show();
        closing.ended();
        let away = stop.load(Ordering::SeqCst);
        let code = if away { CloseCode::Away } else { CloseCode::Normal };
        let open = hand.engine.outlets.iter().flatten().count();
        info!(connections = open, "ending: {open} connections take what waits for them");
        shutdown::drain(&mut hand, code, drain_ns)?;
        hand.show();
        Ok(hand.engine.books)
    };
    std::thread::scope(|scope| {
        let mut hands = hands.into_iter();
        let first = hands.next();
        let others: Vec<_> = hands.map(|hand| scope.spawn(move || serve(hand))).collect();
        let mut books = first.map(serve).transpose()?.into_iter().collect::<Vec<_>>();
        for other in others {
            let ended = other.join().map_err(|_| anyhow!("an engine's thread panicked"))?;
            books.push(ended?);
        }
        Ok(books)
    })
}

fn load(args: &Args, start_ns: u64, batch_ns: Option<NonZeroU64>) -> Result<Load> {
    Ok(Load {
        timetable: Timetable::new(args.rate.0, None).map_err(anyhow::Error::msg)?,
        start_ns,
        duration_ns: args.duration.map(|s| s * 1_000_000_000),
        spin: args.spin,
        batch_ns,
    })
}

fn engine(args: &Args, limits: Limits, load: Load, poller: Arc<Poller>) -> Result<Engine> {
    let framer = Framer::new(args.format, Market::new(args.seed), unix_offset_ns());
    let times = limits.age_ns.is_some() || limits.policy == Policy::Disconnect;
    let log = Log::new(framer).remembering(Memory { symbols: true, times });
    let books = Books::new(Arc::new(Meter::unread(1)?), 1);
    Ok(Engine::new(log, load, books, None, poller).held_to(limits, false))
}

/// Serves metrics there from now on.
fn observe(
    window: TcpListener,
    gauges: Vec<Arc<Gauges>>,
    admissions: &Admissions,
    healthy: Arc<AtomicBool>,
) -> Result<()> {
    let url = format!("http://{}/metrics", window.local_addr()?);
    let registry = page::registry(gauges, admissions);
    http::serve(window, registry, healthy)?;
    info!(target: logging::ADDRESS, url, "metrics: {url}");
    Ok(())
}
