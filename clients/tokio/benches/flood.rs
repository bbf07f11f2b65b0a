//! The client's own loop beside a bare tokio-tungstenite loop that only counts, over
//! loopback with the same bytes. The client has to reach 0.85 of it.

use client_kit::testing::{Flood, compare_with_bare_loop};
use client_kit::tungstenite::{config, read_stream};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

const TICKS: u64 = 1_000_000;

async fn socket(stream: std::net::TcpStream) -> WebSocketStream<TcpStream> {
    stream.set_nonblocking(true).expect("a socket option");
    let stream = TcpStream::from_std(stream).expect("a runtime");
    WebSocketStream::from_raw_socket(stream, Role::Client, Some(config())).await
}

fn spawn<T: Send + 'static>(
    runtime: &Runtime,
    task: impl Future<Output = T> + Send + 'static,
) -> T {
    runtime.block_on(runtime.spawn(task)).expect("the reader")
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
    flood.time_bare(|stream| spawn(runtime, count(stream)))
}

fn tokio(flood: &Flood, runtime: &Runtime) -> Duration {
    flood.time_client(|stream, mut processor| {
        spawn(runtime, async move {
            let mut socket = socket(stream).await;
            let end = read_stream(&mut socket, |message| processor.process_message(message)).await;
            (end, processor)
        })
    })
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    let runtime = Builder::new_multi_thread().enable_io().build().expect("a runtime");
    let (bare, own) = (|| bare(&flood, &runtime), || tokio(&flood, &runtime));
    compare_with_bare_loop(c, &flood, "tokio", bare, own);
}

criterion_group!(benches, flood);
criterion_main!(benches);
