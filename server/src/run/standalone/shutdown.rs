//! The end of the server by hand: signals, and how connections are let go.

use crate::connection::end::Reason;
use crate::run::standalone::worker::Hand;
use anyhow::{Context, Result};
use polling::Poller;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

/// The exit code after a second signal: what a shell gives for Ctrl-C.
const AT_ONCE: i32 = 130;

/// Watches for Ctrl-C, SIGTERM and SIGHUP: the first raises the flag and wakes
/// the pollers, a second ends the process at once.
///
/// # Errors
/// When there is a watch already.
pub fn watch(pollers: Vec<Arc<Poller>>) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            // Not a panic, and no goodbyes: whoever asks twice does not want to wait.
            std::process::exit(AT_ONCE);
        }
        for poller in &pollers {
            let _ = poller.notify();
        }
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(stop)
}

/// Makes no more ticks, lets each connection take what waits for it, closes it
/// with `code`, and waits for the answer. Each of the two takes `limit_ns` at
/// most; one that has not taken everything by then is closed with 1001.
///
/// # Errors
/// When the poller fails.
pub fn drain(hand: &mut Hand, code: CloseCode, limit_ns: u64) -> Result<()> {
    hand.engine.finish();
    let drained_by_ns = now_ns() + limit_ns;
    while hand.engine.close_drained(code) > 0 && now_ns() < drained_by_ns {
        hand.turn()?;
    }
    for outlet in hand.engine.outlets.iter_mut().flatten().filter(|outlet| !outlet.is_closing()) {
        outlet.close(CloseCode::Away, "");
    }
    let answered_by_ns = now_ns() + limit_ns;
    while hand.engine.outlets.iter().any(Option::is_some) {
        // A turn at least: it puts the close frames on their way.
        hand.turn()?;
        if now_ns() >= answered_by_ns {
            break;
        }
        // One whose handshake was under way when the door fell shut.
        hand.engine.close_drained(code);
    }
    for key in 0..hand.engine.outlets.len() {
        match hand.engine.account(key) {
            Some(account) if account.waiting > 0 => {
                hand.let_go(key, Reason::CutOff, "took too long for what waited for it, cut off");
            }
            _ => hand.let_go(key, Reason::Unanswered, "did not answer the close frame in time"),
        }
    }
    Ok(())
}
