//! Slots for connections that are set up: how many there may be in all, and of one host.

use crate::accept::host::Host;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSlot {
    /// All are taken.
    Full,
    /// The host has as many as it may.
    HostFull,
}

/// The slots of a listener. Clones share them.
#[derive(Debug, Clone)]
pub struct Slots {
    counts: Arc<Mutex<Counts>>,
    ended: Sender<Host>,
}

#[derive(Debug)]
struct Counts {
    free: usize,
    most_of_host: usize,
    by_host: HashMap<Host, usize>,
    /// Hosts of connections that have ended since a slot was last taken.
    ended: Receiver<Host>,
}

/// A slot, which is free again when this is dropped.
#[derive(Debug)]
pub struct Slot {
    host: Host,
    ended: ConnectionSlots,
}

/// Where ended connections are reported. An engine does so without waiting for a lock.
#[derive(Debug, Clone)]
pub struct ConnectionSlots(Sender<Host>);

impl Slots {
    /// So many slots, of which one host may have `most_of_host`.
    #[must_use]
    pub fn new(most: usize, most_of_host: usize) -> Self {
        let (sender, ended) = channel();
        let counts = Counts { free: most, most_of_host, by_host: HashMap::new(), ended };
        Self { counts: Arc::new(Mutex::new(counts)), ended: sender }
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// Why there is none.
    pub fn take(&self, address: IpAddr) -> Result<Slot, NoSlot> {
        let host = address.into();
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).take(host)?;
        Ok(Slot { host, ended: self.ended() })
    }

    /// Where ended connections are reported.
    #[must_use]
    pub fn ended(&self) -> ConnectionSlots {
        ConnectionSlots(self.ended.clone())
    }
}

impl Counts {
    fn take(&mut self, host: Host) -> Result<(), NoSlot> {
        while let Ok(host) = self.ended.try_recv() {
            self.free += 1;
            if let Some(count) = self.by_host.get_mut(&host) {
                *count -= 1;
                if *count == 0 {
                    self.by_host.remove(&host);
                }
            }
        }
        if self.free == 0 {
            return Err(NoSlot::Full);
        }
        let count = self.by_host.get(&host).copied().unwrap_or(0);
        if count >= self.most_of_host {
            return Err(NoSlot::HostFull);
        }
        self.free -= 1;
        self.by_host.insert(host, count + 1);
        Ok(())
    }
}

impl Slot {
    /// Keeps the slot for the connection: [`ConnectionSlots::release`] gives it back.
    pub fn keep(self) {
        // Its drop would give it back.
        std::mem::forget(self);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = self.ended.0.send(self.host);
    }
}

impl ConnectionSlots {
    /// The connection of a client with this address has ended: another may take its slot.
    pub fn release(&self, address: IpAddr) {
        // Without its receiver nobody takes slots any more.
        let _ = self.0.send(address.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_bounded_in_all_and_for_each_host() {
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let slots = Slots::new(5, 3);
        for _ in 0..3 {
            slots.take(one).unwrap().keep();
        }
        assert_eq!(slots.take(one).unwrap_err(), NoSlot::HostFull);
        slots.take(two).unwrap().keep();
        let last = slots.take(two).unwrap();
        assert_eq!(slots.take(two).unwrap_err(), NoSlot::Full);
        drop(last);
        slots.ended().release(one);
        slots.take(one).unwrap().keep();
        assert_eq!(slots.take(one).unwrap_err(), NoSlot::HostFull);
        slots.take(two).unwrap().keep();
    }
}
