//! The soak test: a standalone `tick-server` under a fast load, while clients come and go:
//! `cargo bench -p tick-server --bench soak -- --seconds 1800`. At the end its memory has to
//! be flat, its descriptors as many as at the start, and every tick accounted for. The exit
//! code is 1 if one of these does not hold.

#[path = "soak/client.rs"]
mod client;
#[path = "soak/counts.rs"]
mod counts;
#[path = "../tests/common/events.rs"]
#[allow(dead_code)] // the tests use all of it
mod events;
#[path = "soak/memory.rs"]
mod memory;
#[path = "soak/server.rs"]
mod server;

use clap::Parser;
use client::{Client, Kind, LeaveSignal, Visit};
use counts::Counts;
use memory::Memory;
use server::Server;
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
    /// Seed of the clients: their kinds, how long they stay, and how they leave
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bytes that may wait for all clients before the slowest one is cut off
    #[arg(long, default_value_t = 16 << 20)]
    log_ceiling: u64,
    /// Passed by cargo to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// Clients that are still connected when the server is ended.
const LAST: u64 = 8;
/// How long the server has to notice that the last client of the crowd has left.
const SETTLE: Duration = Duration::from_secs(2);
/// A client that takes longer to leave hangs.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let args = Args::parse();
    let mut server = Server::start(args.rate, args.log_ceiling);
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
    crowd.leave();
    sleep(SETTLE);
    let settled = server.usage();
    crowd.add_last();
    let events = server.end();
    crowd.leave();

    println!(
        "{} s at {} ticks/s, crowd of {}, seed {}",
        args.seconds, args.rate, args.crowd, args.seed
    );
    let flat = memory.judge(settled, args.crowd);
    let reconciled = Counts::of(&events).judge(&crowd.visits);
    if flat && reconciled { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The clients that are connected, and what became of the others.
struct Crowd {
    address: String,
    size: usize,
    seed: u64,
    /// How many clients have connected.
    count: u64,
    connected: Vec<JoinHandle<Visit>>,
    leave_signal: Arc<LeaveSignal>,
    visits: Vec<Visit>,
}

impl Crowd {
    fn new(args: &Args, address: String) -> Self {
        Self {
            address,
            size: args.crowd,
            seed: args.seed,
            count: 0,
            connected: Vec::new(),
            leave_signal: Arc::default(),
            visits: Vec::new(),
        }
    }

    /// Adds clients in place of those that have left.
    fn fill(&mut self) {
        self.collect_finished();
        while self.connected.len() < self.size {
            let client = Client::drawn(self.seed, self.count);
            self.add(client);
        }
    }

    fn add(&mut self, client: Client) {
        self.count += 1;
        let (address, leave_signal) = (self.address.clone(), Arc::clone(&self.leave_signal));
        self.connected.push(std::thread::spawn(move || client.visit(&address, &leave_signal)));
    }

    fn collect_finished(&mut self) {
        for thread in std::mem::take(&mut self.connected) {
            match thread.is_finished() {
                true => self.visits.push(thread.join().expect("a client that does not panic")),
                false => self.connected.push(thread),
            }
        }
    }

    /// All clients leave, each in its own way.
    fn leave(&mut self) {
        self.leave_signal.raise();
        let begin = Instant::now();
        while !self.connected.is_empty() {
            assert!(
                begin.elapsed() < PATIENCE,
                "{} clients do not come to an end",
                self.connected.len()
            );
            self.collect_finished();
            sleep(Duration::from_millis(10));
        }
    }

    /// Adds clients that stay until the server closes their connections.
    fn add_last(&mut self) {
        self.leave_signal = Arc::default();
        for _ in 0..LAST {
            self.add(Client { kind: Kind::Steady, stay: Duration::MAX, closes: true });
        }
        sleep(Duration::from_secs(1));
    }
}
