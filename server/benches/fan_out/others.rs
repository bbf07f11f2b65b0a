//! Servers that are part of this program: two ways to use tokio-tungstenite after its
//! examples, and one without any library as a reference.

use crate::pacer::Pacer;
use anyhow::{Context, Result};
use clap::ValueEnum;
use futures_util::{SinkExt, StreamExt, future};
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tick::clock::now_ns;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// Ticks that a broadcast channel holds; a connection that is further behind loses the
/// oldest.
const CHANNEL_TICKS: usize = 4096;
/// Ticks made in a row before other tasks run.
const TICKS_IN_A_ROW: usize = 64;

/// How ticks are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// One write per tick and connection
    Bare,
    /// As interval-server.rs of tokio-tungstenite: `send` for each tick
    TungsteniteSend,
    /// As server.rs of tokio-tungstenite: a channel, forwarded into the sink
    TungsteniteForward,
}

/// Serves until it is killed.
///
/// # Errors
/// When it cannot listen.
pub fn serve(style: Style, rate_per_s: u64, connections: usize) -> Result<()> {
    if style == Style::Bare {
        return bare(rate_per_s, connections);
    }
    // What `#[tokio::main]` makes.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("ws://{}/ticks", listener.local_addr()?);
        match style {
            Style::TungsteniteForward => forward(&listener, rate_per_s, connections).await,
            _ => send(&listener, rate_per_s, connections).await,
        }
    })
}

async fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let (socket, _) = listener.accept().await?;
    // The examples leave Nagle's algorithm on; all other contenders switch it off.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Each connection is a task that receives ticks from a broadcast channel and sends them.
async fn send(listener: &TcpListener, rate_per_s: u64, connections: usize) -> Result<()> {
    let (to, _) = broadcast::channel(CHANNEL_TICKS);
    for _ in 0..connections {
        let socket = accept(listener).await?;
        let ticks = to.subscribe();
        tokio::spawn(async move {
            let _ = send_each(socket, ticks).await;
        });
    }
    pace(rate_per_s, |tick| drop(to.send(tick))).await
}

async fn send_each(
    socket: TcpStream,
    mut ticks: broadcast::Receiver<Bytes>,
) -> std::result::Result<(), Error> {
    let (mut sender, mut receiver) = accept_async(socket).await?.split();
    loop {
        tokio::select! {
            message = receiver.next() => match message {
                Some(message) => drop(message?),
                None => return Ok(()),
            },
            tick = ticks.recv() => match tick {
                Ok(tick) => sender.send(Message::Binary(tick)).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

/// Each connection has its own channel, which is forwarded into its sink.
async fn forward(listener: &TcpListener, rate_per_s: u64, connections: usize) -> Result<()> {
    let peers = Arc::new(Mutex::new(Vec::with_capacity(connections)));
    for _ in 0..connections {
        let socket = accept(listener).await?;
        let (to, mut ticks) = mpsc::unbounded_channel();
        peers.lock().unwrap_or_else(PoisonError::into_inner).push(to);
        tokio::spawn(async move {
            let Ok(socket) = accept_async(socket).await else { return };
            let (outgoing, incoming) = socket.split();
            let incoming = incoming.for_each(|_| future::ready(()));
            let ticks = futures_util::stream::poll_fn(move |context| ticks.poll_recv(context));
            let ticks = ticks.map(|tick| Ok(Message::Binary(tick))).forward(outgoing);
            tokio::select! { () = incoming => {}, _ = ticks => {} }
        });
    }
    pace(rate_per_s, |tick| {
        let mut peers = peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.retain(|to: &mpsc::UnboundedSender<Bytes>| to.send(tick.clone()).is_ok());
    })
    .await
}

/// Passes each tick to `give` when it is due. The handshake of the last connection may not
/// be complete yet, so that it misses the first ticks.
async fn pace(rate_per_s: u64, mut give: impl FnMut(Bytes)) -> Result<()> {
    let mut pacer = Pacer::new(rate_per_s)?;
    loop {
        for tick in std::iter::from_fn(|| pacer.due()).take(TICKS_IN_A_ROW) {
            give(tick.into());
        }
        match pacer.next_due_ns().saturating_sub(now_ns()) {
            0 => tokio::task::yield_now().await,
            ns => tokio::time::sleep(Duration::from_nanos(ns)).await,
        }
    }
}

/// One thread, one write per tick and connection. A tick is dropped while the socket is
/// full or an earlier one is sent in part: this is a reference, not a server.
fn bare(rate_per_s: u64, connections: usize) -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    eprintln!("ws://{}/ticks", listener.local_addr()?);
    let mut sockets = Vec::with_capacity(connections);
    for _ in 0..connections {
        let (mut socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        handshake(&mut socket)?;
        socket.set_nonblocking(true)?;
        sockets.push((socket, Vec::new()));
    }
    let _ = nix::sys::prctl::set_timerslack(1);
    let mut pacer = Pacer::new(rate_per_s)?;
    loop {
        while let Some(tick) = pacer.due() {
            let frame = [&[0x82, tick.len() as u8], &tick[..]].concat();
            for (socket, rest) in &mut sockets {
                match put(socket, rest, &frame) {
                    // The receiver leaves when the window is over, often before this process is
                    // killed.
                    Err(e) if client_has_left(&e) => return Ok(()),
                    done => done?,
                }
            }
        }
        std::thread::sleep(Duration::from_nanos(pacer.next_due_ns().saturating_sub(now_ns())));
    }
}

fn client_has_left(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn put(socket: &mut std::net::TcpStream, rest: &mut Vec<u8>, frame: &[u8]) -> std::io::Result<()> {
    let bytes = if rest.is_empty() { frame } else { &rest[..] };
    match socket.write(bytes) {
        Ok(sent) if sent == bytes.len() => rest.clear(),
        Ok(sent) => *rest = bytes[sent..].to_vec(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn handshake(socket: &mut std::net::TcpStream) -> Result<()> {
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let count = socket.read(&mut bytes)?;
        anyhow::ensure!(count > 0, "a client left within its handshake");
        head.extend_from_slice(&bytes[..count]);
    }
    let head = String::from_utf8_lossy(&head);
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.context("a request without a key")?.trim().as_bytes());
    write!(
        socket,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    Ok(())
}
