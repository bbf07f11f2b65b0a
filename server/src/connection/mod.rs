//! One connection: what it gets byte by byte, what its client may send, and what is known
//! of how far its ticks have come.

pub mod account;
pub mod closing;
pub mod end;
pub mod endpoint;
pub mod frame_headers;
pub mod inbound;
pub mod kernel;
pub mod members;
pub mod outbound;
pub mod request;
pub mod stream;
pub mod subscription;
pub mod tls;
pub mod transport;
pub mod violation;
