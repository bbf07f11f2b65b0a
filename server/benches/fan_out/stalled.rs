//! One connection of a hundred that never reads: its effect on the p99 of the others, beside
//! the difference between two runs without it.

use crate::contender::{Contender, Load, Running};
use crate::receiver::{self, Receiver};
use crate::rounds::Setup;
use anyhow::{Context, Result, ensure};
use procfs::net::TcpNetEntry;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::net::SocketAddr;
use std::time::Duration;

/// Connections that are read and measured in every run.
const MEASURED: u64 = 99;
/// Ticks per second, each to every connection.
const RATE_PER_S: u64 = 1000;
/// The send buffer of all connections: small, because the one of the hundredth has to be
/// full before the window.
const SEND_BUFFER_BYTES: u32 = 16 * 1024;
const RECEIVE_BUFFER_BYTES: usize = 4 * 1024;
/// Between the first reading of the queue of the hundredth and the window.
const SETTLE: Duration = Duration::from_millis(500);

/// One round: p99 of the response time of the 99, in ns.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// The hundredth is read like the others; twice, to see the effect of chance.
    pub without_ns: [u64; 2],
    /// The hundredth is never read.
    pub with_ns: u64,
}

/// Measures the three runs of each round, in a newly shuffled order.
///
/// # Errors
/// A contender that fails, or a connection that did not stall.
pub fn run(setup: &Setup, contender: Contender) -> Result<Vec<Round>> {
    let mut random = ChaCha8Rng::seed_from_u64(setup.seed);
    let mut rounds = Vec::new();
    for _ in 0..setup.rounds {
        let mut order = [0, 1, 2];
        order.shuffle(&mut random);
        let mut p99_ns = [0; 3];
        for place in order {
            p99_ns[place] = p99(setup, contender, place == 2)?;
        }
        rounds.push(Round { without_ns: [p99_ns[0], p99_ns[1]], with_ns: p99_ns[2] });
    }
    Ok(rounds)
}

fn p99(setup: &Setup, contender: Contender, stalls: bool) -> Result<u64> {
    let load = Load {
        rate_per_s: RATE_PER_S,
        connections: MEASURED + 1,
        send_buffer_bytes: Some(SEND_BUFFER_BYTES),
    };
    let server = contender.start(load, setup.server_cpu)?;
    let small = |socket: &socket2::Socket| socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    let stalled = stalls.then(|| receiver::open(server.address, 1, small)).transpose()?;
    let connections = if stalls { MEASURED } else { MEASURED + 1 };
    let mut receiver = Receiver::connect(server.address, connections)?;
    receiver.read_for(setup.warm_up)?;
    let queued =
        |(socket, _): &(std::net::TcpStream, Vec<u8>)| queued_bytes(&server, socket.local_addr()?);
    let stalled = stalled.as_ref().and_then(|sockets| sockets.first());
    let before = stalled.map(queued).transpose()?;
    // Reading the queue takes long among many sockets of earlier runs, in which nothing was
    // received.
    receiver.read_for(SETTLE)?;
    let count = receiver.read_first(MEASURED as usize, setup.window)?;
    ensure!(count.lost == 0, "{} connections were lost", count.lost);
    let after = stalled.map(queued).transpose()?;
    ensure!(
        before == after && before != Some(0),
        "the connection that is not read did not stall: {before:?} bytes queued, then {after:?}"
    );
    Ok(count.response_ns.value_at_quantile(0.99))
}

/// Bytes in the send queue of the server to `peer`, from /proc/net/tcp: constant while it
/// cannot write.
fn queued_bytes(server: &Running, peer: SocketAddr) -> Result<u32> {
    let is_wanted =
        |entry: &TcpNetEntry| entry.local_address == server.address && entry.remote_address == peer;
    let entry = procfs::net::tcp()?.into_iter().find(is_wanted);
    Ok(entry.context("the connection has ended")?.tx_queue)
}
