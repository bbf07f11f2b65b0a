//! Hands each connection that has come through the door to one of the engines: to that
//! which has the fewest.

use crate::accept::accepted::Arrival;
use polling::Poller;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// One engine as the door sees it.
#[derive(Debug, Clone)]
struct Place {
    to: Sender<Arrival>,
    poller: Arc<Poller>,
    connections: Arc<AtomicUsize>,
}

/// All engines.
#[derive(Debug, Clone)]
pub struct Spread {
    places: Vec<Place>,
}

/// What an engine gets from it.
#[derive(Debug)]
pub struct Seat {
    /// Who comes.
    pub arrivals: Receiver<Arrival>,
    connections: Arc<AtomicUsize>,
}

impl Seat {
    /// One of the engine's connections has gone.
    pub fn left(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Spread {
    /// One over engines that wait by these pollers, and a seat for each.
    #[must_use]
    pub fn over(pollers: &[Arc<Poller>]) -> (Self, Vec<Seat>) {
        let place = |poller: &Arc<Poller>| {
            let (to, arrivals) = channel();
            let connections = Arc::new(AtomicUsize::new(0));
            let seat = Seat { arrivals, connections: Arc::clone(&connections) };
            (Place { to, poller: Arc::clone(poller), connections }, seat)
        };
        let (places, seats) = pollers.iter().map(place).unzip();
        (Self { places }, seats)
    }

    /// Hands one over; false when its engine has ended.
    #[must_use]
    pub fn send(&self, arrival: Arrival) -> bool {
        let load = |place: &&Place| place.connections.load(Ordering::Relaxed);
        let Some(place) = self.places.iter().min_by_key(load) else { return false };
        place.connections.fetch_add(1, Ordering::Relaxed);
        place.to.send(arrival).is_ok() && place.poller.notify().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::symbols::Symbols;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn each_goes_to_the_engine_that_has_the_fewest() {
        let pollers: Vec<_> = (0..3).map(|_| Arc::new(Poller::new().unwrap())).collect();
        let (spread, seats) = Spread::over(&pollers);
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let come = |number| {
            let socket = TcpStream::connect(door.local_addr().unwrap()).unwrap();
            assert!(spread.send(Arrival { number, wire: (socket, None), symbols: Symbols::all() }));
        };
        let numbers = |seat: &Seat| -> Vec<usize> {
            seat.arrivals.try_iter().map(|arrival| arrival.number).collect()
        };
        (0..7).for_each(come);
        assert_eq!(
            seats.iter().map(numbers).collect::<Vec<_>>(),
            [vec![0, 3, 6], vec![1, 4], vec![2, 5]]
        );
        (0..2).for_each(|_| seats[2].left());
        (7..9).for_each(come);
        assert_eq!(seats.iter().map(numbers).collect::<Vec<_>>(), [vec![], vec![], vec![7, 8]]);
    }
}
