//! The client's own loop beside a bare compio + async-tungstenite loop that only counts,
//! over loopback with the same bytes.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Message, protocol::Role};
use client_kit::testing::{Flood, compare_with_bare_loop};
use client_kit::tungstenite::{config, read_stream};
use compio::net::TcpStream;
use compio::runtime::Runtime;
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::StreamExt;
use std::time::Duration;

const TICKS: u64 = 1_000_000;

async fn socket(stream: std::net::TcpStream) -> WebSocketStream<client::Stream> {
    let stream = client::adapt(TcpStream::from_std(stream).expect("a ring"));
    WebSocketStream::from_raw_socket(stream, Role::Client, Some(config())).await
}

async fn count(stream: std::net::TcpStream) -> u64 {
    let (mut socket, mut count) = (socket(stream).await, 0);
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Close(_) => break,
            _ => count += 1,
        }
    }
    count
}

fn bare(flood: &Flood, runtime: &Runtime) -> Duration {
    flood.time_bare(|stream| runtime.block_on(count(stream)))
}

fn compio(flood: &Flood, runtime: &Runtime) -> Duration {
    flood.time_client(|stream, mut processor| {
        runtime.block_on(async move {
            let mut socket = socket(stream).await;
            let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
            (end, processor)
        })
    })
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    let runtime = Runtime::new().expect("io_uring");
    let (bare, own) = (|| bare(&flood, &runtime), || compio(&flood, &runtime));
    compare_with_bare_loop(c, &flood, "compio", bare, own);
}

criterion_group!(benches, flood);
criterion_main!(benches);
