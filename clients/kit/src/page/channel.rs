//! The two channels of the page, as this process sees them.

use super::messages::{FromPage, ToPage};
use anyhow::{Context, Result};
use std::net::TcpStream;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// What comes from the page, or happens to its channels.
#[derive(Debug)]
pub enum Event {
    /// The reader has opened its channel.
    Reader(Sink),
    /// The worker that sends counts has opened its channel.
    Counts(Sink),
    /// A message of the reader, with the instant at which it had come.
    Message {
        /// The message.
        message: FromPage,
        /// When it had come.
        received_ns: u64,
    },
    /// The counts of the worker: the instant of its reading before this one, in ms; then received
    /// and processed of each connection.
    Counted(Vec<f64>),
    /// A channel has ended.
    Gone,
    /// A message that cannot be read.
    Fault(String),
}

/// Sends to the page on one channel.
#[derive(Debug)]
pub struct Sink(WebSocket<TcpStream>);

impl Sink {
    /// On a connection whose handshake is done.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(WebSocket::from_raw_socket(stream, Role::Server, None))
    }

    /// Sends a message at once.
    pub fn send(&mut self, message: &ToPage<'_>) -> Result<()> {
        let text = serde_json::to_string(message)?;
        self.0.send(Message::text(text)).context("the page is gone")
    }
}
