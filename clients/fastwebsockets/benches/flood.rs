//! The client's own loop beside a bare fastwebsockets loop that only counts, over loopback
//! with the same bytes. The client has to reach 0.85 of it.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client_kit::testing::{Flood, compare_with_bare_loop};
use criterion::{Criterion, criterion_group, criterion_main};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

const TICKS: u64 = 1_000_000;

fn socket(stream: std::net::TcpStream) -> FragmentCollector<TcpStream> {
    stream.set_nonblocking(true).expect("a socket option");
    let stream = TcpStream::from_std(stream).expect("a runtime");
    client::collector(WebSocket::after_handshake(stream, Role::Client))
}

fn spawn<T: Send + 'static>(
    runtime: &Runtime,
    task: impl Future<Output = T> + Send + 'static,
) -> T {
    runtime.block_on(runtime.spawn(task)).expect("the reader")
}

async fn count(stream: std::net::TcpStream) -> u64 {
    let (mut socket, mut count) = (socket(stream), 0);
    while let Ok(frame) = socket.read_frame().await {
        match frame.opcode {
            OpCode::Close => break,
            _ => count += 1,
        }
    }
    count
}

fn bare(flood: &Flood, runtime: &Runtime) -> Duration {
    flood.time_bare(|stream| spawn(runtime, count(stream)))
}

fn fastwebsockets(flood: &Flood, runtime: &Runtime) -> Duration {
    flood.time_client(|stream, mut processor| {
        spawn(runtime, async move {
            let end = client::read(&mut socket(stream), &mut processor).await;
            (end, processor)
        })
    })
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    let runtime = Builder::new_multi_thread().enable_io().build().expect("a runtime");
    let (bare, own) = (|| bare(&flood, &runtime), || fastwebsockets(&flood, &runtime));
    compare_with_bare_loop(c, &flood, "fastwebsockets", bare, own);
}

criterion_group!(benches, flood);
criterion_main!(benches);
