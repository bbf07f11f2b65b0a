//! Places for connections that are being set up, or that ask for a page. When all are taken, a
//! new connection displaces an old one, so that clients who take places and stay silent keep
//! nobody out.

use crate::accept::host::Host;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

/// A place cannot be displaced before: what a client sends takes its way through the network.
/// More connections than places within that time wait in the kernel.
const GRACE: Duration = Duration::from_millis(20);

/// A number of places. Clones share them.
#[derive(Debug, Clone)]
pub struct Places {
    taken: Arc<Mutex<Taken>>,
    /// Told when a place is left.
    left: Arc<Notify>,
}

/// A place, which is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    number: u64,
    places: Places,
    displaced: oneshot::Receiver<()>,
}

impl Places {
    /// So many places, all of them free.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let (places, by_host) = (BTreeMap::new(), HashMap::new());
        let taken = Taken { most, next: 0, places, by_host };
        Self { taken: Arc::new(Mutex::new(taken)), left: Arc::default() }
    }

    /// Takes a place. If none is free, the oldest connection of the host that has the most of
    /// them is displaced, once it is [`GRACE`] old.
    pub async fn take(&self, address: IpAddr) -> Place {
        loop {
            let taken = self.lock().take(address.into(), Instant::now());
            match taken {
                Ok((number, displaced)) => {
                    return Place { number, places: self.clone(), displaced };
                }
                Err(until) => tokio::select! {
                    () = self.left.notified() => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until the place is displaced by a newer connection.
    pub async fn displaced(&mut self) {
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().leave(self.number);
        self.places.left.notify_one();
    }
}

/// The places that are taken.
#[derive(Debug)]
struct Taken {
    most: usize,
    /// The number of the next place: a higher one is newer.
    next: u64,
    places: BTreeMap<u64, Holder>,
    by_host: HashMap<Host, BTreeSet<u64>>,
}

/// Who has a place.
#[derive(Debug)]
struct Holder {
    host: Host,
    since: Instant,
    displaced: oneshot::Sender<()>,
}

impl Taken {
    /// Takes a place; the error is when one may be displaced.
    fn take(&mut self, host: Host, now: Instant) -> Result<(u64, oneshot::Receiver<()>), Instant> {
        if self.places.len() >= self.most
            && let Some((oldest, since)) = self.displaceable()
        {
            if now < since + GRACE {
                return Err(since + GRACE);
            }
            if let Some(holder) = self.leave(oldest) {
                let _ = holder.displaced.send(());
            }
        }
        let (displaced, receiver) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.places.insert(number, Holder { host, since: now, displaced });
        self.by_host.entry(host).or_default().insert(number);
        Ok((number, receiver))
    }

    /// The oldest place of the host that has the most; of several such hosts, of all of them.
    fn displaceable(&self) -> Option<(u64, Instant)> {
        let oldest = |numbers: &BTreeSet<u64>| numbers.first().copied();
        let hosts = self.by_host.values();
        let most = hosts.max_by_key(|numbers| (numbers.len(), Reverse(oldest(numbers))));
        let number = most.and_then(oldest)?;
        Some((number, self.places.get(&number)?.since))
    }

    fn leave(&mut self, number: u64) -> Option<Holder> {
        let holder = self.places.remove(&number)?;
        if let Some(numbers) = self.by_host.get_mut(&holder.host) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_host.remove(&holder.host);
            }
        }
        Some(holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8) -> Host {
        IpAddr::from([192, 0, 2, last]).into()
    }

    fn taken(most: usize) -> Taken {
        Taken { most, next: 0, places: BTreeMap::new(), by_host: HashMap::new() }
    }

    fn is_displaced(place: &mut (u64, oneshot::Receiver<()>)) -> bool {
        place.1.try_recv().is_ok()
    }

    #[test]
    fn the_oldest_of_the_host_that_has_the_most_makes_room() {
        let (mut taken, now) = (taken(4), Instant::now());
        let mut honest = taken.take(host(1), now).unwrap();
        let mut many: Vec<_> = (0..3).map(|_| taken.take(host(2), now).unwrap()).collect();
        let later = now + GRACE;
        let _new = taken.take(host(3), later).unwrap();
        assert!(is_displaced(&mut many[0]) && !is_displaced(&mut honest));
        let _newer = taken.take(host(2), later).unwrap();
        assert!(is_displaced(&mut many[1]) && !is_displaced(&mut many[2]));
        assert!(!is_displaced(&mut honest));
    }

    #[test]
    fn among_hosts_with_one_place_each_the_oldest_makes_room() {
        let (mut taken, now) = (taken(3), Instant::now());
        let mut places: Vec<_> = (1..=3).map(|n| taken.take(host(n), now).unwrap()).collect();
        let _new = taken.take(host(9), now + GRACE).unwrap();
        assert_eq!(places.iter_mut().map(is_displaced).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn nobody_is_displaced_who_has_just_come() {
        let (mut taken, now) = (taken(1), Instant::now());
        let mut first = taken.take(host(1), now).unwrap();
        let soon = now + GRACE / 2;
        assert_eq!(taken.take(host(1), soon).unwrap_err(), now + GRACE);
        assert!(!is_displaced(&mut first));
        taken.leave(first.0);
        assert!(taken.take(host(1), soon).is_ok());
    }

    #[test]
    fn a_place_that_was_left_is_free() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let places = Places::new(2);
        let address = IpAddr::from([192, 0, 2, 1]);
        let take = || runtime.block_on(places.take(address));
        let mut first = take();
        for _ in 0..10 {
            drop(take());
        }
        assert!(first.displaced.try_recv().is_err());
        drop(first);
        let taken = places.lock();
        assert!(taken.places.is_empty() && taken.by_host.is_empty());
    }
}
