//! Sizes that are the same for every client: one that reads in larger pieces
//! than another would be measured for that, not for its library.

/// How much a client asks of the socket at a time, where its library lets it
/// choose: tungstenite's default.
pub const READ_BUFFER_BYTES: usize = 128 << 10;

/// The largest message and frame that a client takes; a larger one ends the
/// connection. Ticks have less than 126 bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
