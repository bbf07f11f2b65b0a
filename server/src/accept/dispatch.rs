//! Gives each new connection to the engine that has the fewest.

use crate::accept::accepted::Accepted;
use polling::Poller;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// The way to one engine.
#[derive(Debug, Clone)]
struct EngineHandle {
    to: Sender<Accepted>,
    poller: Arc<Poller>,
    connections: Arc<AtomicUsize>,
}

/// The way to all engines.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    engines: Vec<EngineHandle>,
}

/// The receiving side of one engine.
#[derive(Debug)]
pub struct EngineInbox {
    /// New connections.
    pub accepted: Receiver<Accepted>,
    connections: Arc<AtomicUsize>,
}

impl EngineInbox {
    /// One of the engine's connections has ended.
    pub fn connection_ended(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Dispatcher {
    /// A dispatcher to engines that wait on these pollers, and the inbox of each.
    #[must_use]
    pub fn new(pollers: &[Arc<Poller>]) -> (Self, Vec<EngineInbox>) {
        let engine = |poller: &Arc<Poller>| {
            let (to, accepted) = channel();
            let connections = Arc::new(AtomicUsize::new(0));
            let inbox = EngineInbox { accepted, connections: Arc::clone(&connections) };
            (EngineHandle { to, poller: Arc::clone(poller), connections }, inbox)
        };
        let (engines, inboxes) = pollers.iter().map(engine).unzip();
        (Self { engines }, inboxes)
    }

    /// Gives a connection to an engine; false when that engine has ended.
    #[must_use]
    pub fn send(&self, accepted: Accepted) -> bool {
        let connections = |engine: &&EngineHandle| engine.connections.load(Ordering::Relaxed);
        let Some(engine) = self.engines.iter().min_by_key(connections) else { return false };
        engine.connections.fetch_add(1, Ordering::Relaxed);
        engine.to.send(accepted).is_ok() && engine.poller.notify().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::symbols::Symbols;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn each_connection_goes_to_the_engine_with_the_fewest() {
        let pollers: Vec<_> = (0..3).map(|_| Arc::new(Poller::new().unwrap())).collect();
        let (dispatcher, inboxes) = Dispatcher::new(&pollers);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let send = |number| {
            let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (peer, symbols) = (socket.local_addr().unwrap(), Symbols::all());
            assert!(dispatcher.send(Accepted { number, peer, wire: (socket, None), symbols }));
        };
        let numbers = |inbox: &EngineInbox| -> Vec<usize> {
            inbox.accepted.try_iter().map(|accepted| accepted.number).collect()
        };
        (0..7).for_each(send);
        assert_eq!(
            inboxes.iter().map(numbers).collect::<Vec<_>>(),
            [vec![0, 3, 6], vec![1, 4], vec![2, 5]]
        );
        (0..2).for_each(|_| inboxes[2].connection_ended());
        (7..9).for_each(send);
        assert_eq!(inboxes.iter().map(numbers).collect::<Vec<_>>(), [vec![], vec![], vec![7, 8]]);
    }
}
