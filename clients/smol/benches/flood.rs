//! The client's own loop beside a bare smol + async-tungstenite loop that only counts, over
//! loopback with the same bytes. The client has to reach 0.85 of it.

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Message, protocol::Role};
use client_kit::testing::{Flood, compare_with_bare_loop};
use client_kit::tungstenite::{config, read_stream};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::StreamExt;
use smol::net::TcpStream;
use std::time::Duration;

const TICKS: u64 = 1_000_000;

async fn socket(stream: std::net::TcpStream) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::try_from(stream).expect("a reactor");
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

fn bare(flood: &Flood) -> Duration {
    flood.time_bare(|stream| smol::block_on(smol::spawn(count(stream))))
}

fn smol(flood: &Flood) -> Duration {
    flood.time_client(|stream, mut processor| {
        smol::block_on(smol::spawn(async move {
            let mut socket = socket(stream).await;
            let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
            (end, processor)
        }))
    })
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    compare_with_bare_loop(c, &flood, "smol", || bare(&flood), || smol(&flood));
}

criterion_group!(benches, flood);
criterion_main!(benches);
