//! Sizes that are the same for every client: otherwise the read size would be measured, not
//! the library.

/// The largest read from the socket, where the library lets its user choose: tungstenite's
/// default.
pub const READ_BUFFER_BYTES: usize = 128 << 10;

/// The largest message and frame that a client accepts; a larger one ends the connection.
/// Ticks have less than 126 bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
