//! Blocking tungstenite on a reader thread, a bounded crossbeam channel, and a worker thread.
//! A full channel stops the reader, which applies back-pressure through TCP.

use anyhow::{Context, Result, anyhow};
use client_kit::tungstenite::{close, config};
use client_kit::{
    Class, ClientPlan, End, Identity, NoArgs, Outcome, Processor, QueueKind, QueueShape,
    ReceiveCounter, Session, Stamp,
};
use crossbeam_channel::{Receiver, Sender, bounded};
use rustls::{ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use tungstenite::{Message, WebSocket, client::client_with_config};

type Item = (Stamp, Message);

fn main() -> ExitCode {
    client_kit::main_with_tls(identify, run)
}

fn identify(_args: &NoArgs, plan: &ClientPlan) -> Identity {
    Identity {
        name: "blocking",
        class: Class::Library,
        runtime: "two threads for each connection: reader, worker".to_owned(),
        transport: match plan.ca {
            None => "std TcpStream (blocking)",
            Some(_) => "std TcpStream (blocking), rustls",
        },
        queue: QueueShape { kind: QueueKind::Bounded, bound: Some(plan.queue_bound) },
        crates: &["tungstenite", "crossbeam-channel"],
    }
}

/// A pipeline of its own for each connection.
fn run(_args: &NoArgs, sessions: Vec<Session>) -> Result<Outcome> {
    client_kit::thread_for_each(sessions, client)
}

fn client(session: Session) -> Result<Outcome> {
    let stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.register_socket(&stream)?;
    match session.tls()? {
        None => run_websocket(session, stream),
        Some(tls) => {
            let connection = ClientConnection::new(tls.config, tls.name)?;
            run_websocket(session, StreamOwned::new(connection, stream))
        }
    }
}

fn run_websocket<S: Read + Write + Send + 'static>(session: Session, stream: S) -> Result<Outcome> {
    let handshake = client_with_config(session.url(), stream, Some(config()));
    let (socket, _) = handshake.map_err(|e| anyhow!("the WebSocket handshake failed: {e}"))?;
    let (sender, receiver) = bounded(usize::try_from(session.plan().queue_bound)?);
    let (counter, mut processor) = session.ready_with_queue()?;

    let reader = thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || read(socket, counter, &sender))?;
    work(&receiver, &mut processor);
    // After a stop: the ticks that are left. Counting takes them out, which unblocks a reader
    // that waits for room; it then notices the stop and ends.
    let queued = receiver.iter().count();
    let (end, counter) = reader.join().map_err(|_| anyhow!("the reader panicked"))?;
    Ok(processor.finish_queued(end, &counter, queued))
}

fn read<S: Read + Write>(
    mut socket: WebSocket<S>,
    mut counter: ReceiveCounter,
    queue: &Sender<Item>,
) -> (End, ReceiveCounter) {
    let end = loop {
        match socket.read() {
            Ok(message @ (Message::Binary(_) | Message::Text(_))) => {
                let stamp = counter.count_message();
                if queue.send((stamp, message)).is_err() || counter.is_stopped() {
                    break End::Stopped;
                }
            }
            Ok(Message::Close(frame)) => {
                // The library has prepared the reply; a peer that does not wait for it is
                // no failure.
                let _ = socket.flush();
                break close(frame.as_ref());
            }
            // The library answers a ping when it is asked for the next message.
            Ok(_) => {}
            Err(error) => break End::Failed(error.to_string()),
        }
    };
    (end, counter)
}

/// Processes until the reader has ended and the channel is empty, or the kit stops it.
fn work(queue: &Receiver<Item>, processor: &mut Processor) {
    for (stamp, message) in queue {
        if processor.process_queued_message(&message, stamp).is_break() {
            return;
        }
    }
}
