//! The end of the standalone server: signals, and how connections are drained.

use crate::connection::end::{CutOff, End};
use crate::run::standalone::worker::Worker;
use anyhow::{Context, Result};
use contract::signals;
use polling::Poller;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

/// The exit code after a second signal: what a shell gives for Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Watches for Ctrl-C, SIGTERM and SIGHUP: the first raises the flag and wakes the pollers, a
/// second ends the process at once. Those that the parent ignores stay ignored.
///
/// # Errors
/// When signals are already watched.
pub fn watch_signals(pollers: Vec<Arc<Poller>>) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let stopped = move || {
        if raised.swap(true, Ordering::SeqCst) {
            // Without closing connections: a second signal asks not to wait.
            std::process::exit(INTERRUPTED);
        }
        for poller in &pollers {
            let _ = poller.notify();
        }
    };
    signals::handle(|| ctrlc::set_handler(stopped)).context("cannot watch for Ctrl-C")?;
    Ok(stop)
}

/// Makes no more ticks, lets each connection take what waits for it, closes it with `code`,
/// and waits for the answer. Each of the two takes `limit_ns` at most; a connection that has
/// not taken everything by then is closed with 1001.
///
/// # Errors
/// When the poller fails.
pub fn drain(worker: &mut Worker, code: CloseCode, limit_ns: u64) -> Result<()> {
    worker.engine.finish();
    let drained_by_ns = now_ns() + limit_ns;
    while worker.engine.close_drained(code) > 0 && now_ns() < drained_by_ns {
        worker.step()?;
    }
    for connection in worker.engine.connections.iter_mut().flatten().filter(|c| !c.is_closing()) {
        connection.close(CutOff::Drain.code(), "");
    }
    let answered_by_ns = now_ns() + limit_ns;
    while worker.engine.connections.iter().any(Option::is_some) {
        // At least one step: it sends the close frames.
        worker.step()?;
        if now_ns() >= answered_by_ns {
            break;
        }
        // A connection may have been within its handshake when the port was closed.
        worker.engine.close_drained(code);
    }
    for key in 0..worker.engine.connections.len() {
        let end = match worker.engine.account(key) {
            Some(account) if account.waiting > 0 => End::CutOff(CutOff::Drain),
            _ => End::Unanswered,
        };
        worker.remove(key, &end);
    }
    Ok(())
}
