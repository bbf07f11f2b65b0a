//! One connection of a run as its client sees it: where to connect, and when
//! it is ready.

use crate::watch::Shared;
use crate::{Intake, Taker};
use anyhow::{Context, Result};
use contract::meter::Meter;
use contract::{ClientPlan, Empty, FromClient};
use socket2::SockRef;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// One connection of a run.
#[derive(Debug)]
pub struct Session {
    pub(crate) plan: Arc<ClientPlan>,
    /// Its place among the connections.
    pub(crate) connection: usize,
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    pub(crate) meter: Arc<Meter>,
}

impl Session {
    /// The plan, checked.
    #[must_use]
    pub fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// Its place among the connections of the run, from 0.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// What to ask for in the WebSocket handshake.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.plan.urls[self.connection]
    }

    /// Where to connect: the address in the URL.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes note of the client's socket: to be called as soon as it is
    /// connected, before the handshake.
    ///
    /// Sets what the plan wants, the same for all: `TCP_NODELAY`, and
    /// `SO_RCVBUF` where the plan gives one. Keeps a duplicate of the
    /// descriptor: on `stop`, or at a deadline, the kit shuts down the reading
    /// side, so that a reader that waits gets the end of the stream, in
    /// whichever runtime it waits. So no client pays per message for being
    /// stoppable.
    ///
    /// # Errors
    /// When the kernel refuses an option.
    pub fn adopt(&self, socket: &impl AsRawFd) -> Result<()> {
        // SAFETY: the descriptor is open while `socket`, which owns it and is
        // borrowed here, lives; it is not kept beyond this function.
        let socket = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true).context("cannot set TCP_NODELAY")?;
        if let Some(bytes) = self.plan.receive_buffer_bytes {
            options.set_recv_buffer_size(bytes as usize).context("cannot set SO_RCVBUF")?;
        }
        self.shared.add_socket(options.try_clone().context("cannot duplicate the socket")?);
        Ok(())
    }

    /// To be called after the handshake by a client that works on each message
    /// where it reads it. Once all connections are ready, stdout is silent.
    ///
    /// # Errors
    /// When nobody listens to stdout.
    pub fn ready(self) -> Result<Taker> {
        self.say_ready()?;
        Ok(Taker::new(&self, Arc::default()))
    }

    /// The same for a client with a queue: one half for where it reads, one
    /// for where it works. They may live on two threads.
    ///
    /// # Errors
    /// When nobody listens to stdout.
    pub fn ready_with_queue(self) -> Result<(Intake, Taker)> {
        self.say_ready()?;
        let shift: Arc<AtomicU64> = Arc::default();
        Ok((Intake::new(&self, Arc::clone(&shift)), Taker::new(&self, shift)))
    }

    fn say_ready(&self) -> Result<()> {
        self.shared.enter_ready(|| crate::entry::say(&FromClient::Ready(Empty {})))
    }
}
