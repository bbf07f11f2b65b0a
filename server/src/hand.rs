//! The server by hand: any number of clients, until Ctrl-C.

use crate::args::Args;
use crate::books::Books;
use crate::door::{self, Arrival, Tuning};
use crate::engine::Engine;
use crate::load::Load;
use crate::log::{Log, Memory};
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
        max_connections: args.max_connections,
        gate: args.gate()?,
        ..Tuning::default()
    };
    let (to, arrivals) = channel();
    let door = door::open(args.address()?, args.port, tuning, to, Arc::clone(&poller))?;
    say(format_args!("ws://{}/ticks", door.address));
    if door.places < args.max_connections {
        let places = door.places;
        say(format_args!("room for {places} connections: raise the descriptor limit (ulimit -n)"));
    }
    let load = Load {
        timetable: Timetable::new(args.rate.0, None).map_err(anyhow::Error::msg)?,
        start_ns: now_ns(),
        duration_ns: args.duration.map(|s| s * 1_000_000_000),
        spin: args.spin,
    };
    let framer = Framer::new(args.format, Market::new(args.seed), unix_offset_ns());
    let books = Books::new(Arc::new(Meter::unread(1)?), 1);
    let _ = nix::sys::prctl::set_timerslack(1);
    let mut engine = Engine::new(
        Log::new(framer).remembering(Memory { symbols: true, times: false }),
        load,
        books,
        None,
        poller,
    );
    while !stop.load(Ordering::SeqCst) && !engine.is_finished() {
        engine.turn(now_ns() + TURN_NS)?;
        for Arrival { socket, symbols, .. } in arrivals.try_iter() {
            let peer = socket.peer_addr();
            match (engine.admit(socket, symbols), peer) {
                (Ok(()), Ok(peer)) => {
                    say(format_args!("{peer} joined at tick {}", engine.feeds.whole().ticks()))
                }
                (Err(error), _) => {
                    door.vacate();
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
                door.vacate();
            }
        }
    }
    let away = stop.load(Ordering::SeqCst);
    close(&mut engine, if away { CloseCode::Away } else { CloseCode::Normal })
}

/// The connection that holds most of the log, once that is over its ceiling.
fn laggard(engine: &Engine, ceiling_bytes: u64) -> Option<usize> {
    if engine.feeds.held_bytes() <= ceiling_bytes {
        return None;
    }
    let cursors = engine.outlets.iter().enumerate();
    cursors
        .filter_map(|(key, o)| Some((o.as_ref()?.stream().cursor(), key)))
        .min()
        .map(|(_, key)| key)
}

fn say_goodbye(engine: &mut Engine, key: usize, why: &str) {
    let Some(outlet) = engine.dismiss(key) else { return };
    let (peer, stream) = (outlet.peer(), outlet.stream());
    let (written, dropped) = (stream.ticks(), stream.dropped());
    say(format_args!("{peer} left: {why}; written {written} ticks, dropped {dropped}"));
}

/// Closes every connection: at once when the server goes away, else once it has
/// everything, as far as that does not take too long.
fn close(engine: &mut Engine, code: CloseCode) -> Result<()> {
    engine.finish();
    let limit_ns = now_ns() + GOODBYE_NS;
    if code == CloseCode::Away {
        engine.outlets.iter_mut().flatten().for_each(|outlet| outlet.close(code, ""));
    }
    while now_ns() < limit_ns && engine.outlets.iter().any(Option::is_some) {
        engine.close_drained(code);
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
    let (made, books) = (engine.books.generated, &engine.books);
    let (written, dropped) = (books.written, books.dropped);
    say(format_args!("in all: made {made} ticks; written {written} ticks, dropped {dropped}"));
    Ok(())
}

/// A line for people. Whoever started the server may have closed its stderr:
/// no reason to end.
fn say(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
