//! The client's own loop beside a bare nexus-web loop that only counts, over loopback with
//! the same bytes.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client_kit::testing::{Flood, compare_with_bare_loop};
use client_kit::{MAX_MESSAGE_BYTES, READ_BUFFER_BYTES};
use criterion::{Criterion, criterion_group, criterion_main};
use nexus_web::ws::{Client, FrameReader, FrameWriter, Message, Role};
use std::net::TcpStream;
use std::time::Duration;

const TICKS: u64 = 4_000_000;

/// With the settings of the client, for a stream after its handshake.
fn socket(stream: TcpStream) -> Client<TcpStream> {
    let reader = FrameReader::builder()
        .role(Role::Client)
        .buffer_capacity(READ_BUFFER_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES as u64)
        .max_message_size(MAX_MESSAGE_BYTES)
        .build();
    Client::from_parts(stream, reader, FrameWriter::new(Role::Client))
}

fn count(stream: TcpStream) -> u64 {
    let (mut socket, mut count) = (socket(stream), 0);
    while let Ok(Some(message)) = socket.recv() {
        match message {
            Message::Close(_) => break,
            _ => count += 1,
        }
    }
    count
}

fn bare(flood: &Flood) -> Duration {
    flood.time_bare(count)
}

fn nexus_web(flood: &Flood) -> Duration {
    flood.time_client(|stream, mut processor| {
        (client::read(&mut socket(stream), &mut processor), processor)
    })
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    compare_with_bare_loop(c, &flood, "nexus-web", || bare(&flood), || nexus_web(&flood));
}

criterion_group!(benches, flood);
criterion_main!(benches);
