//! The standalone server from its arguments to its last line.

use crate::accept::access::{AccessControl, ReadableByOthers};
use crate::accept::certificate;
use crate::accept::counts::AcceptCounts;
use crate::accept::current::Current;
use crate::accept::dispatch::Dispatcher;
use crate::accept::listener::{self, Listener, ListenerConfig};
use crate::accept::subprotocol;
use crate::connection::stream::policy::Limits;
use crate::engine::counts::Counts;
use crate::engine::lateness::Lateness;
use crate::engine::load::Load;
use crate::engine::state::Engine;
use crate::log::segments::{Log, Metadata};
use crate::metrics::gauges::Gauges;
use crate::metrics::observer::Observer;
use crate::metrics::{http, page};
use crate::run::args::Args;
use crate::run::logging;
use crate::run::standalone::renewal::{self, Hangup, Renewable};
use crate::run::standalone::shutdown;
use crate::run::standalone::worker::Worker;
use anyhow::{Result, anyhow};
use contract::Policy;
use contract::meter::Meter;
use polling::Poller;
use rustls::ServerConfig;
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
/// Arguments that do not go together, or an address that cannot be listened on.
pub fn run(args: &Args) -> Result<()> {
    // Before any other thread: they all leave the signal to this one.
    let hangup = args.has_renewable_files().then(Hangup::take).transpose()?;
    let _log_writer = logging::start(&args.log, args.log_format);
    let (limits, batch_ns) = (args.limits()?, args.batch_ns()?);
    let pollers = (0..args.server_threads)
        .map(|_| Ok(Arc::new(Poller::new()?)))
        .collect::<Result<Vec<_>>>()?;
    let stop = shutdown::watch_signals(pollers.clone())?;
    let metrics = args.metrics.map(|address| http::bind(address, args.expose_metrics));
    let metrics = metrics.transpose()?;
    let accept_counts = AcceptCounts::default();
    let mut renewable = Vec::new();
    let (access, warning) = access(args, &mut renewable)?;
    let config = ListenerConfig {
        send_buffer_bytes: args.send_buffer,
        congestion: args.congestion.clone(),
        max_connections: args.capacity(),
        max_connections_of_host: args.max_connections_per_address,
        max_handshakes: args.max_handshakes,
        subprotocols: subprotocol::known(args.format),
        access,
        tls: tls(args, &mut renewable)?,
        counts: accept_counts.clone(),
        ..ListenerConfig::default()
    };
    let (dispatcher, inboxes) = Dispatcher::new(&pollers);
    let listener = listener::listen(args.address()?, args.port, config, dispatcher)?;
    let url = &listener.url;
    info!(target: logging::ADDRESS, url, "{url}");
    if listener.capacity < args.capacity() {
        let capacity = listener.capacity;
        warn!(
            "the descriptor limit allows {capacity} connections only: raise it (ulimit -n) for more"
        );
    }
    if let Some(warning) = warning {
        warn!("{warning}");
    }
    if let Some(hangup) = hangup {
        renewal::watch(renewable, hangup)?;
    }
    let healthy = Arc::new(AtomicBool::new(true));
    let gauges: Vec<Arc<Gauges>> = pollers.iter().map(|_| Arc::default()).collect();
    if let Some(metrics) = metrics {
        serve_metrics(metrics, gauges.clone(), &accept_counts, Arc::clone(&healthy))?;
    }
    let start_ns = now_ns();
    let mut workers = Vec::new();
    for ((poller, inbox), gauges) in pollers.into_iter().zip(inboxes).zip(gauges) {
        let load = load(args, start_ns, batch_ns)?;
        let mut engine = engine(args, limits, load, poller)?;
        let observer = args.metrics.map(|_| Observer::new(gauges));
        engine.lateness = observer.as_ref().map(|_| Lateness::default());
        workers.push(Worker { engine, inbox, slots: listener.slots(), observer });
    }
    let ending = Ending {
        listener: Mutex::new(Some(listener)),
        producing: AtomicUsize::new(workers.len()),
        healthy: &healthy,
    };
    let counts = serve(args, workers, &stop, &ending)?;
    let generated = counts.iter().map(|counts| counts.generated).max().unwrap_or(0);
    let sum = |count: fn(&Counts) -> u64| counts.iter().map(count).sum::<u64>();
    let (written, dropped) = (sum(|counts| counts.written), sum(|counts| counts.dropped));
    info!(
        generated,
        written,
        dropped,
        "total: made {generated} ticks; written {written} ticks, dropped {dropped}"
    );
    Ok(())
}

/// Who may connect, and what to warn about.
fn access(
    args: &Args,
    renewable: &mut Vec<Renewable>,
) -> Result<(AccessControl, Option<ReadableByOthers>)> {
    let origins = args.allow_origin.clone();
    let Some(((token, warning), file)) = args.token()?.zip(args.token_file.clone()) else {
        return Ok((AccessControl { token: None, origins }, None));
    };
    let token = Current::new(token);
    renewable.push(Renewable::Token { file, current: token.clone() });
    Ok((AccessControl { token: Some(token), origins }, warning))
}

/// The certificate and its key, under TLS.
fn tls(args: &Args, renewable: &mut Vec<Renewable>) -> Result<Option<Current<Arc<ServerConfig>>>> {
    let Some((cert, key)) = args.certificate_files()? else { return Ok(None) };
    let current = Current::new(certificate::load(cert, key)?);
    let (cert, key) = (cert.to_owned(), key.to_owned());
    renewable.push(Renewable::Certificate { cert, key, current: current.clone() });
    Ok(Some(current))
}

/// What is done once, when several engines come to their end.
struct Ending<'a> {
    listener: Mutex<Option<Listener>>,
    /// Engines that still make ticks.
    producing: AtomicUsize,
    healthy: &'a AtomicBool,
}

impl Ending<'_> {
    /// An engine makes no more ticks, and has published all that it made: the port is
    /// closed, and after the last engine the server is unhealthy. So whoever sees it
    /// unhealthy sees all that it has made.
    fn engine_finished(&self) {
        drop(self.listener.lock().unwrap_or_else(PoisonError::into_inner).take());
        if self.producing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.healthy.store(false, Ordering::Release);
        }
    }
}

/// Runs every worker in a thread of its own, the first in this one.
fn serve(
    args: &Args,
    workers: Vec<Worker>,
    stop: &AtomicBool,
    ending: &Ending<'_>,
) -> Result<Vec<Counts>> {
    let ceiling_bytes = args.log_ceiling / workers.len() as u64;
    let drain_ns = args.drain_ms * 1_000_000;
    let serve = |mut worker: Worker| -> Result<Counts> {
        let _ = nix::sys::prctl::set_timerslack(1);
        while !stop.load(Ordering::SeqCst) && !worker.engine.is_finished() {
            // When one worker fails, all end.
            worker.step().inspect_err(|_| stop.store(true, Ordering::SeqCst))?;
            worker.cut_off_slowest(ceiling_bytes);
        }
        worker.engine.finish();
        worker.publish();
        ending.engine_finished();
        let stopped = stop.load(Ordering::SeqCst);
        let code = if stopped { CloseCode::Away } else { CloseCode::Normal };
        let open = worker.engine.connections.iter().flatten().count();
        info!(connections = open, "ending: {open} connections may read what waits for them");
        shutdown::drain(&mut worker, code, drain_ns)?;
        worker.publish();
        Ok(worker.engine.counts)
    };
    std::thread::scope(|scope| {
        let mut workers = workers.into_iter();
        let first = workers.next();
        let others: Vec<_> = workers.map(|worker| scope.spawn(move || serve(worker))).collect();
        let mut counts = first.map(serve).transpose()?.into_iter().collect::<Vec<_>>();
        for other in others {
            let ended = other.join().map_err(|_| anyhow!("the thread of an engine panicked"))?;
            counts.push(ended?);
        }
        Ok(counts)
    })
}

fn load(args: &Args, start_ns: u64, batch_ns: Option<NonZeroU64>) -> Result<Load> {
    Ok(Load {
        timetable: Timetable::new(args.rate.0, None)?,
        start_ns,
        duration_ns: args.duration.map(|time| time.as_nanos() as u64),
        spin: args.spin,
        batch_ns,
    })
}

fn engine(args: &Args, limits: Limits, load: Load, poller: Arc<Poller>) -> Result<Engine> {
    let framer = Framer::new(args.format, Market::new(args.seed), unix_offset_ns());
    let times = limits.age_ns.is_some() || limits.policy == Policy::Disconnect;
    let log = Log::new(framer).with_metadata(Metadata { symbols: true, times });
    let counts = Counts::new(Arc::new(Meter::unread(1)?), 1);
    Ok(Engine::new(log, load, counts, None, poller).with_policy(limits, false))
}

/// Serves metrics on a listener from now on.
fn serve_metrics(
    listener: TcpListener,
    gauges: Vec<Arc<Gauges>>,
    accept_counts: &AcceptCounts,
    healthy: Arc<AtomicBool>,
) -> Result<()> {
    let address = listener.local_addr()?;
    let url = format!("http://{address}/metrics");
    let registry = page::registry(gauges, accept_counts);
    http::serve(listener, registry, healthy, http::CONNECTION_LIMIT)?;
    info!(target: logging::ADDRESS, url, "metrics: {url}");
    if !address.ip().is_loopback() {
        warn!(
            "--expose-metrics: whoever reaches {address} can read the metrics, without token or TLS"
        );
    }
    Ok(())
}
