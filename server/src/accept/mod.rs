//! From a TCP connection to a WebSocket connection that an engine serves: listener, TLS and
//! WebSocket handshake, access control, and the choice of the engine.

pub mod accepted;
pub mod access;
pub mod certificate;
pub mod client_stream;
pub mod counts;
pub mod current;
pub mod dispatch;
pub mod host;
pub mod listener;
pub mod places;
pub mod refusal;
pub mod request;
pub mod slots;
pub mod subprotocol;
