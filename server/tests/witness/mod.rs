//! A good client beside the bad ones, and the server's memory meanwhile: what
//! "nothing else is disturbed" means in the tests of hostile input.

#![allow(dead_code)] // each test file uses its own part

use crate::common::{PATIENCE, connect};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tick::{Format, Market, cents};
use tungstenite::Message;

/// Reads every tick from where it joined, and looks at each.
pub struct Witness {
    /// When the newest tick that it has was due, in ns.
    newest_ns: Arc<AtomicU64>,
    leaves: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Witness {
    /// Of a server by hand with seed 1 in the format `binary`.
    pub fn new(url: &str) -> Self {
        let mut socket = connect(url);
        let (newest_ns, leaves) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (newest, leaving) = (Arc::clone(&newest_ns), Arc::clone(&leaves));
        let (market, mut next) = (Market::new(1), None);
        let reader = std::thread::spawn(move || {
            while !leaving.load(SeqCst) {
                let Message::Binary(payload) = socket.read().unwrap() else { continue };
                let tick = Format::Binary.decode(&payload, 0).unwrap();
                assert_eq!(tick.seq, next.unwrap_or(tick.seq));
                assert_eq!((tick.symbol, cents(tick.price)), market.tick(tick.seq));
                next = Some(tick.seq + 1);
                newest.store(tick.ts as u64, SeqCst);
            }
        });
        let witness = Self { newest_ns, leaves, reader };
        witness.is_served_after("it joined");
        witness
    }

    /// Waits until it has got a tick that was made from now on, and so all before.
    pub fn is_served_after(&self, what: &str) {
        let now = tick::clock::now_ns();
        let limit = Instant::now() + PATIENCE;
        while self.newest_ns.load(SeqCst) < now {
            assert!(!self.reader.is_finished(), "the good client broke after {what}");
            assert!(Instant::now() < limit, "the good client gets nothing after {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// It leaves: all that it read was in order.
    pub fn leave(self) {
        self.leaves.store(true, SeqCst);
        self.reader.join().unwrap();
    }
}

/// A line of /proc/PID/status in KiB, as `VmRSS` or `VmHWM` (man 5 proc).
pub fn memory_kib(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let value = status.lines().find_map(|text| text.strip_prefix(&format!("{line}:"))).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}
