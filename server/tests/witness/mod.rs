//! A good client beside the bad ones, and the server's memory meanwhile: what
//! "nothing else is disturbed" means in the tests of hostile input.

#![allow(dead_code)] // each test file uses its own part

use crate::common::connect;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tick::{Format, Market, cents};
use tungstenite::Message;

/// Ends a hang, and nothing else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads every tick from where it joined, and looks at each.
pub struct Witness {
    next_seq: Arc<AtomicU64>,
    leaves: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Witness {
    /// Of a server by hand with seed 1 in the format `binary`.
    pub fn new(url: &str) -> Self {
        let mut socket = connect(url);
        let (next_seq, leaves) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, leaving) = (Arc::clone(&next_seq), Arc::clone(&leaves));
        let market = Market::new(1);
        let reader = std::thread::spawn(move || {
            while !leaving.load(SeqCst) {
                let Message::Binary(payload) = socket.read().unwrap() else { continue };
                let tick = Format::Binary.decode(&payload, 0).unwrap();
                let due = seen.swap(tick.seq + 1, SeqCst);
                assert!(due == 0 || due == tick.seq, "tick {} came for {due}", tick.seq);
                assert_eq!((tick.symbol, cents(tick.price)), market.tick(tick.seq));
            }
        });
        let witness = Self { next_seq, leaves, reader };
        witness.is_served_after("it joined");
        witness
    }

    /// Waits until it has got ticks that were made from now on.
    pub fn is_served_after(&self, what: &str) {
        // The log's newest tick is not further ahead than this at the rates here.
        let target = self.next_seq.load(SeqCst) + 50;
        let limit = Instant::now() + PATIENCE;
        while self.next_seq.load(SeqCst) < target {
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
