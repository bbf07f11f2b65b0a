//! The server by hand: any number of clients, until Ctrl-C.

use crate::args::Args;
use crate::books::Books;
use crate::door::{self, Tuning};
use crate::engine::{Engine, Load};
use crate::log::Log;
use anyhow::{Context, Result};
use contract::meter::Meter;
use polling::Poller;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use tick::clock::{now_ns, unix_offset_ns};
use tick::{Framer, Market, Timetable};
use tungstenite::protocol::frame::coding::CloseCode;

/// The longest turn: how soon a Ctrl-C is seen at the latest.
const TURN_NS: u64 = 20_000_000;
/// Time for clients to take what is left and their close frame.
const GOODBYE_NS: u64 = 2_000_000_000;

/// Serves until Ctrl-C, or for the given time.
///
/// # Errors
/// When the address cannot be listened on.
pub fn run(args: &Args) -> Result<()> {
    let poller = Arc::new(Poller::new()?);
    let stop = Arc::new(AtomicBool::new(false));
    let (raised, woken) = (Arc::clone(&stop), Arc::clone(&poller));
    ctrlc::set_handler(move || {
        raised.store(true, Ordering::SeqCst);
        let _ = woken.notify();
    })
    .context("cannot watch for Ctrl-C")?;
    let tuning = Tuning {
        send_buffer_bytes: args.send_buffer,
        congestion: args.congestion.clone(),
        expected: None,
    };
    let (to, arrivals) = channel();
    let door = door::open(args.host, args.port, tuning, to, Arc::clone(&poller))?;
    say(format_args!("ws://{}/ticks", door.address));
    let load = Load {
        timetable: Timetable::new(args.rate.0, None).map_err(anyhow::Error::msg)?,
        start_ns: now_ns(),
        duration_ns: args.duration.map(|s| s * 1_000_000_000),
        spin: args.spin,
    };
    let framer = Framer::new(args.format, Market::new(args.seed), unix_offset_ns());
    let books = Books::new(Meter::unread(1)?);
    let _ = nix::sys::prctl::set_timerslack(1);
    let mut engine = Engine::new(Log::new(framer), load, books, None, poller);
    while !stop.load(Ordering::SeqCst) && !engine.is_finished() {
        engine.turn(now_ns() + TURN_NS)?;
        for (_, socket) in arrivals.try_iter() {
            let peer = socket.peer_addr();
            match (engine.admit(socket), peer) {
                (Ok(()), Ok(peer)) => {
                    say(format_args!("{peer} joined at tick {}", engine.log.ticks()))
                }
                (Err(error), _) => {
                    say(format_args!("a client went before its first tick: {error}"))
                }
                _ => {}
            }
        }
        let laggard = laggard(&engine, args.log_ceiling);
        for key in 0..engine.outlets.len() {
            let outlet = engine.outlets[key].as_ref();
            let gone = outlet.and_then(|outlet| outlet.gone().map(str::to_owned));
            let cut = (Some(key) == laggard).then(|| "too far behind, cut off".to_owned());
            if let Some(why) = gone.or(cut) {
                say_goodbye(&mut engine, key, &why);
            }
        }
    }
    let away = stop.load(Ordering::SeqCst);
    close(&mut engine, if away { CloseCode::Away } else { CloseCode::Normal })?;
    let books = &engine.books;
    say(format_args!(
        "in all: made {} ticks; written {} ticks, dropped 0",
        books.generated, books.written
    ));
    Ok(())
}

/// The connection that holds most of the log, once that is over its ceiling.
fn laggard(engine: &Engine, ceiling_bytes: u64) -> Option<usize> {
    if engine.log.held_bytes() <= ceiling_bytes {
        return None;
    }
    let cursors = engine.outlets.iter().enumerate();
    cursors.filter_map(|(key, o)| Some((o.as_ref()?.cursor(), key))).min().map(|(_, key)| key)
}

fn say_goodbye(engine: &mut Engine, key: usize, why: &str) {
    let Some(outlet) = engine.dismiss(key) else { return };
    let (peer, written) = (outlet.peer(), outlet.written(&engine.log));
    say(format_args!("{peer} left: {why}; written {written} ticks, dropped 0"));
}

/// Closes every connection: at once when the server goes away, else once it has
/// everything, as far as that does not take too long.
fn close(engine: &mut Engine, code: CloseCode) -> Result<()> {
    engine.finish();
    let limit_ns = now_ns() + GOODBYE_NS;
    let mut open: Vec<usize> = (0..engine.outlets.len()).collect();
    while now_ns() < limit_ns && engine.outlets.iter().any(Option::is_some) {
        open.retain(|&key| {
            let Some(outlet) = engine.outlets[key].as_mut() else { return false };
            let closes = code == CloseCode::Away || outlet.is_drained(&engine.log);
            if closes {
                outlet.close(code);
            }
            !closes
        });
        engine.turn(now_ns() + TURN_NS)?;
        for key in 0..engine.outlets.len() {
            let outlet = engine.outlets[key].as_ref();
            if let Some(why) = outlet.and_then(|outlet| outlet.gone().map(str::to_owned)) {
                say_goodbye(engine, key, &why);
            }
        }
    }
    for key in 0..engine.outlets.len() {
        say_goodbye(engine, key, "it did not answer the close frame in time");
    }
    Ok(())
}

/// A line for people. Whoever started the server may have closed its stderr:
/// no reason to end.
fn say(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
