//! A well-behaved client beside the misbehaving ones, and the memory of the server: what
//! "nothing else is disturbed" means in the tests of hostile input.

#![allow(dead_code)] // each test file uses its own part

use crate::common::PATIENCE;
use crate::common::clients::connect;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tick::{Format, Market, cents};
use tungstenite::Message;

/// Reads every tick from where it joined, and checks each.
pub struct ReferenceClient {
    /// When the newest tick that it has was due, in ns.
    newest_ns: Arc<AtomicU64>,
    is_leaving: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl ReferenceClient {
    /// A client of a standalone server with seed 1 and the format `binary`.
    pub fn new(url: &str) -> Self {
        let mut socket = connect(url);
        let (newest_ns, is_leaving) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (newest, leaving) = (Arc::<AtomicU64>::clone(&newest_ns), Arc::clone(&is_leaving));
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
        let client = Self { newest_ns, is_leaving, reader };
        client.assert_served_after("joining");
        client
    }

    /// Waits until it has a tick that was due after this call, and so all before.
    pub fn assert_served_after(&self, what: &str) {
        let now = tick::clock::now_ns();
        let limit = Instant::now() + PATIENCE;
        while self.newest_ns.load(SeqCst) < now {
            assert!(!self.reader.is_finished(), "the reference client failed after {what}");
            assert!(Instant::now() < limit, "the reference client gets nothing after {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Leaves; all that it has read was in order.
    pub fn leave(self) {
        self.is_leaving.store(true, SeqCst);
        self.reader.join().unwrap();
    }
}

/// A line of /proc/PID/status in KiB, such as `VmRSS` or `VmHWM` (man 5 proc).
pub fn memory_kib(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let value = status.lines().find_map(|text| text.strip_prefix(&format!("{line}:"))).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}
