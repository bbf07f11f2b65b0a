//! What ends a run from outside, as the threads of a client see it.

use contract::{ClientEnd, LineError};
use socket2::{SockRef, Socket};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why a run was ended from outside.
#[derive(Debug)]
pub(crate) enum Cause {
    Stopped,
    Deadline,
    MemoryCeiling,
    /// No report, exit code 1.
    Fault(HarnessFault),
}

impl Cause {
    /// How the report names it; there is no report after a fault.
    pub(crate) fn ended(self) -> Result<ClientEnd, HarnessFault> {
        match self {
            Self::Stopped => Ok(ClientEnd::Stopped),
            Self::Deadline => Ok(ClientEnd::Deadline),
            Self::MemoryCeiling => Ok(ClientEnd::MemoryCeiling),
            Self::Fault(fault) => Err(fault),
        }
    }
}

/// How the harness broke the contract.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HarnessFault {
    #[error("a second plan on stdin")]
    SecondPlan,
    #[error(transparent)]
    Line(LineError),
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Ready,
    Over,
}

/// What changes in a run, under the mutex of its [`StopSignal`].
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) stage: Stage,
    pub(crate) cause: Option<Cause>,
    /// Connections that are not ready yet.
    awaited: usize,
    /// Duplicates of the client's sockets, to wake its readers with.
    sockets: Vec<Socket>,
}

impl State {
    /// Ends the run, unless it is over; the first cause stands.
    pub(crate) fn end(&mut self, cause: Cause) {
        if self.stage != Stage::Over {
            self.cause.get_or_insert(cause);
        }
    }

    /// Makes a read that waits return the end of the stream. An error means that the
    /// connection is gone, which wakes a reader too.
    pub(crate) fn wake_readers(&self) {
        for socket in &self.sockets {
            let _ = SockRef::from(socket).shutdown(Shutdown::Read);
        }
    }
}

/// The flag that stops all threads of a client, and the state behind it.
#[derive(Debug)]
pub(crate) struct StopSignal {
    /// Read once per tick; set before any reader is woken.
    is_set: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

impl StopSignal {
    /// For a client with that many connections.
    pub(crate) fn new(connections: usize) -> Arc<Self> {
        let state = State {
            stage: Stage::Connecting,
            cause: None,
            awaited: connections,
            sockets: Vec::new(),
        };
        Arc::new(Self {
            is_set: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// Stops the client's threads; [`StopSignal::end`] also sets the cause.
    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::Relaxed);
    }

    /// Ends the run; the first cause stands.
    pub(crate) fn end(&self, cause: Cause) {
        let mut state = self.lock();
        state.end(cause);
        self.set();
        self.changed.notify_all();
    }

    pub(crate) fn add_socket(&self, socket: Socket) {
        self.lock().sockets.push(socket);
        self.changed.notify_all();
    }

    /// One connection is ready. With the last of them, calls `write_ready`, unless the run
    /// is over already: then this never returns, as the guard holds the lock and exits.
    pub(crate) fn enter_ready<E>(
        &self,
        write_ready: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.lock();
        state.awaited = state.awaited.saturating_sub(1);
        if state.awaited > 0 {
            return Ok(());
        }
        write_ready()?;
        state.stage = Stage::Ready;
        self.changed.notify_all();
        Ok(())
    }

    /// The client has returned: nothing is left to be ended. Returns what had ended it.
    pub(crate) fn finish(&self) -> Option<Cause> {
        let mut state = self.lock();
        state.stage = Stage::Over;
        self.changed.notify_all();
        state.cause.take()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something has changed, or for that long.
    pub(crate) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        at_most: Duration,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}
