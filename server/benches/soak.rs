//! The soak: `tick-server` by hand under a fast load, while clients come and go:
//! `cargo bench -p tick-server --bench soak -- --seconds 1800`. In the end its memory
//! has to be flat, its descriptors where they began, and its books have to balance
//! to the tick. Exit code 1 says that one of these does not hold.

#[path = "soak/books.rs"]
mod books;
#[path = "soak/client.rs"]
mod client;
#[path = "soak/memory.rs"]
mod memory;
#[path = "soak/served.rs"]
mod served;

use books::Books;
use clap::Parser;
use client::{Client, Kind, Orders, Visit};
use memory::Memory;
use served::Served;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Runs the server under load with clients that come and go.
#[derive(Debug, Parser)]
struct Args {
    /// How long clients come and go
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Ticks per second
    #[arg(long, default_value_t = 200_000)]
    rate: u64,
    /// Clients at a time
    #[arg(long, default_value_t = 24)]
    crowd: usize,
    /// Of who comes, how long they stay, and how they leave
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bytes that may wait for a laggard before it is cut off
    #[arg(long, default_value_t = 16 << 20)]
    log_ceiling: u64,
    /// What cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// Clients that are still there when the server is told to go away.
const LAST: u64 = 8;
/// After the last client of the crowd has left: time for the server to notice.
const SETTLE: Duration = Duration::from_secs(2);
/// A client that takes longer to leave than this hangs.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let args = Args::parse();
    let mut server = Served::start(args.rate, args.log_ceiling);
    let mut memory = Memory::new(server.usage());
    let mut crowd = Crowd::new(&args, server.address());
    let begin = Instant::now();
    let mut next = begin;
    while begin.elapsed() < Duration::from_secs(args.seconds) {
        crowd.fill();
        if Instant::now() >= next {
            next += Duration::from_secs(1);
            memory.take(begin.elapsed(), server.usage());
        }
        sleep(Duration::from_millis(20));
    }
    crowd.dismiss();
    sleep(SETTLE);
    let settled = server.usage();
    crowd.last_visitors();
    let words = server.end();
    crowd.dismiss();

    println!(
        "{} s at {} ticks/s, crowd of {}, seed {}",
        args.seconds, args.rate, args.crowd, args.seed
    );
    let flat = memory.judge(settled, args.crowd);
    let balanced = Books::read(&words).judge(&crowd.visits);
    if flat && balanced { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whoever is connected, and what became of those who were.
struct Crowd {
    address: String,
    size: usize,
    seed: u64,
    come: u64,
    here: Vec<JoinHandle<Visit>>,
    orders: Arc<Orders>,
    visits: Vec<Visit>,
}

impl Crowd {
    fn new(args: &Args, address: String) -> Self {
        Self {
            address,
            size: args.crowd,
            seed: args.seed,
            come: 0,
            here: Vec::new(),
            orders: Arc::default(),
            visits: Vec::new(),
        }
    }

    /// Lets others come in place of those who left.
    fn fill(&mut self) {
        self.see_off();
        while self.here.len() < self.size {
            let client = Client::drawn(self.seed, self.come);
            self.admit(client);
        }
    }

    fn admit(&mut self, client: Client) {
        self.come += 1;
        let (address, orders) = (self.address.clone(), Arc::clone(&self.orders));
        self.here.push(std::thread::spawn(move || client.visit(&address, &orders)));
    }

    fn see_off(&mut self) {
        for thread in std::mem::take(&mut self.here) {
            match thread.is_finished() {
                true => self.visits.push(thread.join().expect("a client that does not panic")),
                false => self.here.push(thread),
            }
        }
    }

    /// Everybody leaves, each in its own way.
    fn dismiss(&mut self) {
        self.orders.leave();
        let begin = Instant::now();
        while !self.here.is_empty() {
            assert!(
                begin.elapsed() < PATIENCE,
                "{} clients do not come to an end",
                self.here.len()
            );
            self.see_off();
            sleep(Duration::from_millis(10));
        }
    }

    /// Some more who stay until the server closes.
    fn last_visitors(&mut self) {
        self.orders = Arc::default();
        for _ in 0..LAST {
            self.admit(Client { kind: Kind::Steady, stay: Duration::MAX, closes: true });
        }
        sleep(Duration::from_secs(1));
    }
}
