//! An engine with the connections that come and go, in a thread of its own.

use crate::accept::accepted::Arrival;
use crate::accept::dispatch::Seat;
use crate::accept::listener::Vacancies;
use crate::connection::account::Account;
use crate::connection::end::Reason;
use crate::connection::endpoint::Outlet;
use crate::engine::state::Engine;
use crate::metrics::observer::Observer;
use anyhow::Result;
use tick::clock::now_ns;
use tracing::{info, warn};
use tungstenite::protocol::frame::coding::CloseCode;

/// The longest turn: how soon a signal is seen at the latest.
const TURN_NS: u64 = 20_000_000;

/// An engine with those who come and go.
pub struct Hand {
    /// Makes and writes.
    pub engine: Engine,
    pub(super) seat: Seat,
    pub(super) vacancies: Vacancies,
    /// Where somebody looks.
    pub(super) observer: Option<Observer>,
}

impl Hand {
    /// One turn of the engine; takes in who has come, and lets go who is gone.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn turn(&mut self) -> Result<()> {
        self.engine.turn(now_ns() + TURN_NS)?;
        while let Ok(arrival) = self.seat.arrivals.try_recv() {
            self.admit(arrival);
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

    fn admit(&mut self, Arrival { wire, symbols, .. }: Arrival) {
        let tick = self.engine.feeds.whole().ticks();
        let peer = wire.0.peer_addr();
        match (self.engine.admit(wire, symbols), peer) {
            (Ok(()), Ok(peer)) => info!(%peer, tick, "{peer} joined at tick {tick}"),
            (Ok(()), Err(_)) => {}
            (Err(error), _) => {
                self.vacancies.vacate();
                self.seat.left();
                warn!(%error, "a client went before its first tick: {error}");
            }
        }
    }

    /// Cuts off the connection for which most waits, once the log is over its ceiling.
    /// It may come again later: the server is at its limit, and not the client at fault.
    pub(super) fn cut_laggards(&mut self, ceiling_bytes: u64) {
        let engine = &mut self.engine;
        if engine.backlog_bytes() <= ceiling_bytes {
            return;
        }
        let feeds = &engine.feeds;
        let staying = engine.outlets.iter_mut().flatten().filter(|outlet| !outlet.is_closing());
        let waiting = |o: &&mut Outlet| o.stream().waiting_bytes(feeds.log(o.feed()));
        if let Some(laggard) = staying.max_by_key(waiting) {
            let log = feeds.log(laggard.feed());
            let (words, why) = ("too far behind: come again later", "too far behind, cut off");
            laggard.cut_off(log, CloseCode::Again, words, Reason::CutOff, why);
        }
    }

    /// Shows the figures of this moment to whoever looks.
    pub(super) fn show(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.show(&self.engine, now_ns());
        }
    }

    /// Lets a connection go and says what it got, if there is one at that place.
    pub fn let_go(&mut self, key: usize, reason: Reason, why: &str) {
        let Some(account) = self.engine.account(key) else { return };
        let Some(outlet) = self.engine.dismiss(key) else { return };
        self.vacancies.vacate();
        self.seat.left();
        if let Some(observer) = &mut self.observer {
            observer.left(key, reason, account);
        }
        let (peer, reason) = (outlet.peer(), reason.label());
        let Account { written, dropped, waiting, given_up, .. } = account;
        let waiting = waiting + given_up;
        info!(
            %peer, reason, why, tick = outlet.joined(), written, dropped, waiting,
            "{peer} left: {why}; written {written} ticks, dropped {dropped}"
        );
    }
}
