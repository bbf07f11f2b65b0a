//! A simulated JavaScript page: the network side never stops and queues every
//! message as an event, without bound; one main loop takes them singly and
//! spends a fixed cost on each.

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use client_kit::{
    Class, ClientPlan, End, Identity, Intake, Outcome, QueueKind, QueueShape, Session, Stamp,
    Taker, spin_ns,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use tungstenite::{Message, WebSocket, client::client_with_config, protocol::WebSocketConfig};

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

/// The place of its connection, and what came there.
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
    let (mut takers, mut networks) = (Vec::new(), Vec::new());
    for (place, session) in sessions.into_iter().enumerate() {
        let (socket, intake, taker) = open(session)?;
        let sender = sender.clone();
        let network = thread::Builder::new().name("network".to_owned());
        networks.push(network.spawn(move || read(place, socket, intake, &sender))?);
        takers.push(taker);
    }
    drop(sender);
    main_loop(&events, &mut takers, args.cost_us * 1000);
    let mut ends = Vec::new();
    for network in networks {
        ends.push(network.join().map_err(|_| anyhow!("a network thread panicked"))?);
    }
    let mut queued = vec![0; takers.len()];
    events.try_iter().for_each(|(place, ..)| queued[place] += 1);
    let each = takers.into_iter().zip(ends).zip(queued);
    Ok(Outcome::of_all(each.map(|((t, (end, intake)), n)| t.finish_queued(end, &intake, n))))
}

fn open(session: Session) -> Result<(WebSocket<TcpStream>, Intake, Taker)> {
    let stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.adopt(&stream)?;
    let handshake = client_with_config(session.url(), stream, Some(config()));
    let (socket, _) = handshake.map_err(|e| anyhow!("the WebSocket handshake failed: {e}"))?;
    let (intake, taker) = session.ready_with_queue()?;
    Ok((socket, intake, taker))
}

fn read(
    place: usize,
    mut socket: WebSocket<TcpStream>,
    mut intake: Intake,
    queue: &Sender<Event>,
) -> (End, Intake) {
    let end = loop {
        match socket.read() {
            Ok(message @ (Message::Binary(_) | Message::Text(_))) => {
                let stamp = intake.arrive();
                if queue.send((place, stamp, message)).is_err() || intake.is_stopped() {
                    break End::Stopped;
                }
            }
            Ok(Message::Close(frame)) => {
                // The library has prepared the reply; a peer that does not
                // wait for it is no fault.
                let _ = socket.flush();
                break End::Close(frame.map_or(1005, |frame| frame.code.into()));
            }
            // The library answers a ping when it is asked for what comes next.
            Ok(_) => {}
            Err(error) => break End::Failed(error.to_string()),
        }
    };
    (end, intake)
}

/// Until every connection is closed and no event is left, or the kit stops it.
fn main_loop(events: &Receiver<Event>, takers: &mut [Taker], cost_ns: u64) {
    for (place, stamp, message) in events {
        spin_ns(cost_ns);
        let taker = &mut takers[place];
        let flow = match &message {
            Message::Binary(payload) => taker.take_queued_binary(payload, stamp),
            Message::Text(text) => taker.take_queued_text(text, stamp),
            _ => continue,
        };
        if flow.is_break() {
            return;
        }
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(client_kit::READ_BUFFER_BYTES)
        .max_message_size(Some(client_kit::MAX_MESSAGE_BYTES))
        .max_frame_size(Some(client_kit::MAX_MESSAGE_BYTES))
}
