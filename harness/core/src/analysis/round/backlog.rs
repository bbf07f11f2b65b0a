//! The backlog at one instant, layer by layer.

use crate::record::round::Record;
use crate::record::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Ticks in each layer at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Backlog {
    /// Generated, not yet taken by the server's kernel.
    pub server: f64,
    /// In the server's kernel or on the wire.
    pub kernel_send: f64,
    /// In the client's kernel.
    pub kernel_receive: f64,
    /// Read from the socket, not yet handed over by the library (the residual: written −
    /// received − both kernel queues).
    pub library: f64,
    /// In the client's own queue.
    pub client: f64,
}

impl Backlog {
    /// All layers together: generated − dropped − processed.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.server + self.kernel_send + self.kernel_receive + self.library + self.client
    }

    /// The ticks of each layer, in the order in which a tick passes them.
    #[must_use]
    pub fn layers(&self) -> [(Layer, f64); 5] {
        [
            (Layer::Server, self.server),
            (Layer::KernelSend, self.kernel_send),
            (Layer::KernelReceive, self.kernel_receive),
            (Layer::Library, self.library),
            (Layer::Client, self.client),
        ]
    }

    /// The layer with most ticks, the first of equals; `None` below one tick.
    #[must_use]
    pub fn largest(&self) -> Option<Layer> {
        let [first, rest @ ..] = self.layers();
        let (layer, ticks) =
            rest.into_iter().fold(first, |most, next| if next.1 > most.1 { next } else { most });
        (ticks >= 1.0).then_some(layer)
    }
}

/// A place where ticks wait.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The server's log.
    Server,
    /// The send queue of the server's kernel.
    #[serde(alias = "kernel send")]
    KernelSend,
    /// The receive queue of the client's kernel.
    #[serde(alias = "kernel receive")]
    KernelReceive,
    /// The buffers of the client's WebSocket library.
    Library,
    /// The client's own queue.
    Client,
}

impl Layer {
    /// In the order in which a tick passes them.
    pub const ALL: [Self; 5] =
        [Self::Server, Self::KernelSend, Self::KernelReceive, Self::Library, Self::Client];
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Server => "server",
            Self::KernelSend => "kernel send",
            Self::KernelReceive => "kernel receive",
            Self::Library => "library",
            Self::Client => "client",
        })
    }
}

/// Mean bytes of a tick on the wire, with its share of control frames.
#[must_use]
pub fn bytes_per_tick(record: &Record) -> f64 {
    match record.server.written {
        0 => 1.0,
        written => record.server.written_bytes as f64 / written as f64,
    }
}

/// The backlog at one instant, layer by layer. Server and client are exact
/// counts; the kernel's bytes are divided by the mean bytes of a tick; the
/// library's share is the rest, so that the sum is generated − dropped − processed.
#[must_use]
pub fn layers(snapshot: &Snapshot, bytes_per_tick: f64) -> Backlog {
    // A write is counted when its call returns; what has been received counts as written.
    let written = snapshot.written.max(snapshot.received) as f64;
    let between = written - snapshot.received as f64;
    let queues = snapshot.queues.unwrap_or_default();
    // Limited to what is left: the queues were read some µs after the counts.
    let kernel_receive = (queues.receive_bytes as f64 / bytes_per_tick).min(between);
    let kernel_send = (queues.send_bytes as f64 / bytes_per_tick).min(between - kernel_receive);
    Backlog {
        server: snapshot.generated as f64 - snapshot.dropped as f64 - written,
        kernel_send: kernel_send.round(),
        kernel_receive: kernel_receive.round(),
        library: between - kernel_send.round() - kernel_receive.round(),
        client: snapshot.received as f64 - snapshot.processed as f64,
    }
}
