//! A simulated JavaScript page: the network side never stops reading and queues every message
//! as an event, without bound; one main loop processes them one by one, at a fixed cost each.

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use client_kit::tungstenite::{close, config};
use client_kit::{
    Class, ClientPlan, End, Identity, Outcome, Processor, QueueKind, QueueShape, ReceiveCounter,
    Session, Stamp, spin_ns,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use tungstenite::{Message, WebSocket, client::client_with_config};

/// A client of the tick bench that imitates a JavaScript page.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// What one event costs the main loop (parse and render), in µs; 35 µs are
    /// about 28 000 events a second.
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 35,
          value_parser = clap::value_parser!(u64).range(..=100_000))]
    cost_us: u64,
}

/// A message, with the index of its connection.
type Event = (usize, Stamp, Message);

fn main() -> ExitCode {
    client_kit::main(identify, run)
}

fn identify(args: &Args, _plan: &ClientPlan) -> Identity {
    Identity {
        name: "js-sim",
        class: Class::Simulated,
        runtime: format!("simulated event loop, {} µs an event", args.cost_us),
        transport: "std TcpStream (blocking)",
        queue: QueueShape { kind: QueueKind::Unbounded, bound: None },
        crates: &["tungstenite", "crossbeam-channel"],
    }
}

fn run(args: &Args, sessions: Vec<Session>) -> Result<Outcome> {
    let (sender, events) = unbounded();
    let (mut processors, mut networks) = (Vec::new(), Vec::new());
    for (index, session) in sessions.into_iter().enumerate() {
        let (socket, counter, processor) = open(session)?;
        let sender = sender.clone();
        let network = thread::Builder::new().name("network".to_owned());
        networks.push(network.spawn(move || read(index, socket, counter, &sender))?);
        processors.push(processor);
    }
    drop(sender);
    main_loop(&events, &mut processors, args.cost_us * 1000);
    let mut ends = Vec::new();
    for network in networks {
        ends.push(network.join().map_err(|_| anyhow!("a network thread panicked"))?);
    }
    let mut queued = vec![0; processors.len()];
    events.try_iter().for_each(|(index, ..)| queued[index] += 1);
    let each = processors.into_iter().zip(ends).zip(queued);
    Ok(Outcome::combine(each.map(|((t, (end, counter)), n)| t.finish_queued(end, &counter, n))))
}

fn open(session: Session) -> Result<(WebSocket<TcpStream>, ReceiveCounter, Processor)> {
    let stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client_with_config(session.url(), stream, Some(config()));
    let (socket, _) = handshake.map_err(|e| anyhow!("the WebSocket handshake failed: {e}"))?;
    let (counter, processor) = session.ready_with_queue()?;
    Ok((socket, counter, processor))
}

fn read(
    index: usize,
    mut socket: WebSocket<TcpStream>,
    mut counter: ReceiveCounter,
    queue: &Sender<Event>,
) -> (End, ReceiveCounter) {
    let end = loop {
        match socket.read() {
            Ok(message @ (Message::Binary(_) | Message::Text(_))) => {
                let stamp = counter.count_message();
                if queue.send((index, stamp, message)).is_err() || counter.is_stopped() {
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

/// Processes until every connection is closed and no event is left, or the kit stops it.
fn main_loop(events: &Receiver<Event>, processors: &mut [Processor], cost_ns: u64) {
    for (index, stamp, message) in events {
        spin_ns(cost_ns);
        let processor = &mut processors[index];
        if processor.process_queued_message(&message, stamp).is_break() {
            return;
        }
    }
}
