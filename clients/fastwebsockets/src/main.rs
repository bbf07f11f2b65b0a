//! tokio + fastwebsockets, used as its documentation shows: hyper's upgrade, then
//! `FragmentCollector::read_frame` until a close frame.

use anyhow::{Context, Result};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, Processor, QueueKind, QueueShape, Session,
};
use fastwebsockets::{FragmentCollector, OpCode, WebSocket, handshake};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::{Request, rt::Executor};
use std::process::ExitCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(_args: &NoArgs, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "fastwebsockets",
        class: Class::Library,
        runtime: "tokio, multi-thread".to_owned(),
        transport: "tokio TcpStream (epoll)",
        queue: QueueShape { kind: QueueKind::None, bound: None },
        crates: &["tokio", "fastwebsockets", "hyper"],
    }
}

fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    let runtime = Builder::new_multi_thread().enable_io().build()?;
    // Each reader is a task on a worker thread, as in a service.
    runtime.block_on(async {
        let tasks: Vec<_> = sessions.into_iter().map(|s| tokio::spawn(client(s))).collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await??);
        }
        Ok(Outcome::combine(outcomes))
    })
}

async fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).await.context("cannot connect")?;
    session.register_socket(&stream)?;
    let request = Request::builder()
        .uri(session.url())
        .header(HOST, session.address().to_string())
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())?;
    let upgrade = handshake::client(&Spawn, request, stream).await;
    let (socket, _) = upgrade.context("the WebSocket handshake failed")?;
    let mut socket = collector(socket);
    let mut processor = session.ready()?;
    let end = read(&mut socket, &mut processor).await;
    Ok(processor.finish(end))
}

/// Assembles fragmented messages. The library answers pings and close frames by itself, as
/// is its default.
pub(crate) fn collector<S>(mut socket: WebSocket<S>) -> FragmentCollector<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.set_auto_pong(true);
    socket.set_auto_close(true);
    // This library refuses messages that are as long as its limit, the others only longer ones.
    socket.set_max_message_size(client_kit::MAX_MESSAGE_BYTES + 1);
    FragmentCollector::new(socket)
}

pub(crate) async fn read<S>(socket: &mut FragmentCollector<S>, processor: &mut Processor) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let frame = match socket.read_frame().await {
            Ok(frame) => frame,
            Err(error) => return End::Failed(error.to_string()),
        };
        let flow = match frame.opcode {
            OpCode::Binary => processor.process_binary(&frame.payload),
            OpCode::Text => match std::str::from_utf8(&frame.payload) {
                Ok(text) => processor.process_text(text),
                Err(error) => return End::Failed(error.to_string()),
            },
            OpCode::Close => {
                let code = frame.payload.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
                return End::Close(code.unwrap_or(1005));
            }
            _ => continue,
        };
        if flow.is_break() {
            return End::Stopped;
        }
    }
}

/// Runs hyper's connection as a tokio task until it is upgraded.
struct Spawn;

impl<F> Executor<F> for Spawn
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}
