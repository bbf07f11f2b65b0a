//! What clients on tungstenite share: settings, and how its messages are read.

use crate::limits::{MAX_MESSAGE_BYTES, READ_BUFFER_BYTES};
use crate::ticks::{End, Processor, Stamp};
use ::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use ::tungstenite::{Error, Message};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::ops::ControlFlow;

/// The close code that stands for a close frame without one (RFC 6455, section 7.1.5).
const NO_STATUS: u16 = 1005;

/// The same read size and the same limits for all.
#[must_use]
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// Reads a socket of tokio-tungstenite or async-tungstenite to its end, as their
/// documentation shows it: `next` until the stream ends. `process` gets each message.
pub async fn read_stream<Socket>(
    socket: &mut Socket,
    mut process: impl FnMut(&Message) -> ControlFlow<()>,
) -> End
where
    Socket: Stream<Item = Result<Message, Error>> + Sink<Message> + Unpin,
{
    loop {
        let message = match socket.next().await {
            Some(Ok(Message::Close(frame))) => {
                // The library has prepared the reply; a peer that does not wait for it is
                // no failure.
                let _ = socket.flush().await;
                return close(frame.as_ref());
            }
            Some(Ok(message)) => message,
            Some(Err(error)) => return End::Failed(error.to_string()),
            None => return End::StreamEnded,
        };
        if process(&message).is_break() {
            return End::Stopped;
        }
    }
}

/// The end of a connection by a close frame.
#[must_use]
pub fn close(frame: Option<&CloseFrame>) -> End {
    End::Close(frame.map_or(NO_STATUS, |frame| frame.code.into()))
}

impl Processor {
    /// Processes a message straight from the library.
    #[inline]
    pub fn process_message(&mut self, message: &Message) -> ControlFlow<()> {
        match message {
            Message::Binary(payload) => self.process_binary(payload),
            Message::Text(text) => self.process_text(text),
            // The library answers a ping when it is asked for the next message.
            _ => ControlFlow::Continue(()),
        }
    }

    /// Processes a message from the client's own queue, with the stamp that the
    /// [`crate::ReceiveCounter`] gave it.
    #[inline]
    pub fn process_queued_message(&mut self, message: &Message, stamp: Stamp) -> ControlFlow<()> {
        match message {
            Message::Binary(payload) => self.process_queued_binary(payload, stamp),
            Message::Text(text) => self.process_queued_text(text, stamp),
            _ => ControlFlow::Continue(()),
        }
    }
}
