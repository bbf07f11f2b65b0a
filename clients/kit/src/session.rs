//! One connection of a run, as its client sees it.

use crate::connection::Connection;
use crate::output::write_line;
use crate::ticks::{PageConnection, Processor, ReceiveCounter};
use anyhow::{Context, Result};
use contract::{ClientPlan, Empty, FromClient};
use socket2::SockRef;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// One connection of a run.
#[derive(Debug)]
pub struct Session(pub(crate) Connection);

impl Session {
    /// The plan, checked.
    #[must_use]
    pub fn plan(&self) -> &ClientPlan {
        &self.0.plan
    }

    /// Its index among the connections of the run.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.0.index
    }

    /// The URL for the WebSocket handshake.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.plan.urls[self.0.index]
    }

    /// Where to connect: the address in the URL.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Registers the client's socket. To be called as soon as it is connected, before the
    /// handshake.
    ///
    /// Sets the options, the same for all clients: `TCP_NODELAY`, and `SO_RCVBUF` where the
    /// plan has one. Keeps a duplicate of the descriptor: on `stop` or at a deadline the kit
    /// shuts down its reading side, so that a reader that waits gets the end of the stream,
    /// in any runtime. So no client pays per message for being stoppable.
    ///
    /// # Errors
    /// When the kernel refuses an option.
    pub fn register_socket(&self, socket: &impl AsRawFd) -> Result<()> {
        // SAFETY: the descriptor is open while `socket`, which owns it and is
        // borrowed here, lives; it is not kept beyond this function.
        let socket = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true).context("cannot set TCP_NODELAY")?;
        if let Some(bytes) = self.0.plan.receive_buffer_bytes {
            options.set_recv_buffer_size(bytes as usize).context("cannot set SO_RCVBUF")?;
        }
        self.0.stop.add_socket(options.try_clone().context("cannot duplicate the socket")?);
        Ok(())
    }

    /// To be called after the handshake by a client that processes each message where it
    /// reads it. With the last connection, `ready` is written; then stdout is silent.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn ready(self) -> Result<Processor> {
        self.enter_ready()?;
        Ok(Processor::new(&self.0, Arc::default()))
    }

    /// The same for a client with a queue: one half for where it reads, one for where it
    /// processes. They may be on two threads.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn ready_with_queue(self) -> Result<(ReceiveCounter, Processor)> {
        self.enter_ready()?;
        Ok(self.halves())
    }

    /// The same for a client whose ticks are processed in a page.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn ready_with_page(self) -> Result<PageConnection> {
        self.enter_ready()?;
        Ok(PageConnection::new(self.0))
    }

    /// What [`Session::ready_with_queue`] returns, without a line on stdout.
    pub(crate) fn halves(&self) -> (ReceiveCounter, Processor) {
        let shift: Arc<AtomicU64> = Arc::default();
        (ReceiveCounter::new(&self.0, Arc::clone(&shift)), Processor::new(&self.0, shift))
    }

    fn enter_ready(&self) -> Result<()> {
        self.0.stop.enter_ready(|| write_line(&FromClient::Ready(Empty {})))
    }
}
