//! The floor's own loop beside a bare loop of `read`, over loopback with the same bytes. The
//! floor has to reach half of it.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client::frames::FrameReader;
use client_kit::MAX_MESSAGE_BYTES;
use client_kit::testing::{Flood, compare_with_bare_loop};
use criterion::{Criterion, criterion_group, criterion_main};
use std::io::Read;
use std::time::Duration;

const TICKS: u64 = 4_000_000;

/// Reads all bytes once and does nothing with them.
fn bare(flood: &Flood) -> Duration {
    let mut buffer = vec![0; client::BUFFER_BYTES];
    let (spent, ()) = flood.time(|mut stream| {
        let mut left = flood.bytes();
        while left > 0 {
            left -= stream.read(&mut buffer).expect("loopback") as u64;
        }
    });
    spent
}

fn floor(flood: &Flood) -> Duration {
    let frames = FrameReader::new(client::BUFFER_BYTES, MAX_MESSAGE_BYTES, &[]);
    flood.time_client(|mut stream, mut processor| {
        (client::read(&mut stream, frames, &mut processor), processor)
    })
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    compare_with_bare_loop(c, &flood, "floor", || bare(&flood), || floor(&flood));
}

criterion_group!(benches, flood);
criterion_main!(benches);
