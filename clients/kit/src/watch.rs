//! What ends a run from outside: a `stop` line, the end of stdin, a deadline,
//! the memory ceiling. Two threads that sleep while ticks are counted.

use crate::counts::Counts;
use contract::{ClientEnd, ClientPlan, FromClient, LineError, Lines, ToClient};
use socket2::{SockRef, Socket};
use std::io::{self, BufRead};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a stopped client is nudged until it has reported.
const NUDGE: Duration = Duration::from_millis(20);
/// How often the memory of a client with an unbounded queue is looked at.
const MEMORY_CHECK: Duration = Duration::from_millis(10);

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
    /// How the report names it; there is none after a fault.
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

/// Why the kit ends the process although the client has not returned.
#[derive(Debug, thiserror::Error)]
enum Abort {
    #[error("not connected to {first}{} within {deadline_ms} ms", more(*.others))]
    NotConnected { first: String, others: usize, deadline_ms: u64 },
    #[error(transparent)]
    Harness(#[from] HarnessFault),
    #[error("cannot write to stdout: {0}")]
    Stdout(#[from] io::Error),
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!(" and {others} more"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Ready,
    Over,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    cause: Option<Cause>,
    /// Connections that are not ready yet.
    awaited: usize,
    /// Duplicates of the client's sockets, to wake it with.
    sockets: Vec<Socket>,
}

/// What the client's threads and the kit's have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Read once per tick; set before any waking.
    stop: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// Of a client with so many connections.
    pub(crate) fn new(connections: usize) -> Arc<Self> {
        let state = State {
            stage: Stage::Connecting,
            cause: None,
            awaited: connections,
            sockets: Vec::new(),
        };
        Arc::new(Self {
            stop: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Ends the run; the first cause stands.
    pub(crate) fn stop(&self, cause: Cause) {
        let mut state = self.lock();
        Self::settle(&mut state, cause);
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn settle(state: &mut State, cause: Cause) {
        if state.stage != Stage::Over {
            state.cause.get_or_insert(cause);
        }
    }

    pub(crate) fn add_socket(&self, socket: Socket) {
        self.lock().sockets.push(socket);
        self.changed.notify_all();
    }

    /// One connection is ready; says `ready` with the last of them, unless the
    /// run is over already, and then never returns.
    pub(crate) fn enter_ready(
        &self,
        say: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut state = self.lock();
        state.awaited = state.awaited.saturating_sub(1);
        if state.awaited > 0 {
            return Ok(());
        }
        say()?;
        state.stage = Stage::Ready;
        self.changed.notify_all();
        Ok(())
    }

    /// The client has returned: nothing is left to be ended. What had ended it, if anything.
    pub(crate) fn finish(&self) -> Option<Cause> {
        let mut state = self.lock();
        state.stage = Stage::Over;
        self.changed.notify_all();
        state.cause.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for `stop` or the end of stdin.
pub(crate) fn listen(mut lines: Lines<impl BufRead>, shared: &Shared) {
    shared.stop(match lines.next_line::<ToClient>() {
        Ok(Some(ToClient::Stop(_)) | None) => Cause::Stopped,
        Ok(Some(ToClient::Plan(_))) => Cause::Fault(HarnessFault::SecondPlan),
        // A harness that died leaves a broken pipe, which means the same as its end.
        Err(LineError::Io(_)) => Cause::Stopped,
        Err(error) => Cause::Fault(HarnessFault::Line(error)),
    });
}

/// Keeps the deadlines, counted from `begin`, and sees a stopped client home.
pub(crate) fn guard(shared: &Shared, plan: &ClientPlan, begin: Instant, watch_memory: bool) {
    let connect_deadline = Duration::from_millis(plan.connect_deadline_ms);
    let deadline = Duration::from_millis(plan.deadline_ms);
    let mut state = shared.lock();
    while state.stage != Stage::Over {
        let elapsed = begin.elapsed();
        let too_big = || crate::resident_bytes().is_ok_and(|n| n >= plan.memory_ceiling_bytes);
        if elapsed >= deadline {
            Shared::settle(&mut state, Cause::Deadline);
        } else if state.stage == Stage::Connecting && elapsed >= connect_deadline {
            leave(Err(Abort::NotConnected {
                first: plan.urls.first().cloned().unwrap_or_default(),
                others: plan.urls.len().saturating_sub(1),
                deadline_ms: plan.connect_deadline_ms,
            }));
        } else if watch_memory && state.cause.is_none() && too_big() {
            Shared::settle(&mut state, Cause::MemoryCeiling);
        }
        let nap = match &state.cause {
            Some(_) => {
                shared.stop.store(true, Ordering::Relaxed);
                if state.stage == Stage::Connecting
                    && let Some(cause) = state.cause.take()
                {
                    leave(report_nothing(cause));
                }
                wake(&state.sockets);
                NUDGE
            }
            None if watch_memory => MEMORY_CHECK,
            None if state.stage == Stage::Connecting => connect_deadline.min(deadline) - elapsed,
            None => deadline - elapsed,
        };
        let waited = shared.changed.wait_timeout(state, nap);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Makes a read that waits return the end of the stream. Its error means that
/// the connection is gone, which wakes a reader too.
fn wake(sockets: &[Socket]) {
    for socket in sockets {
        let _ = SockRef::from(socket).shutdown(Shutdown::Read);
    }
}

/// The report of a client that was stopped before it was ready: it may hang in
/// its connecting, where nothing can wake it.
fn report_nothing(cause: Cause) -> Result<(), Abort> {
    let detail = Some("before it was connected".to_owned());
    let line = FromClient::Final(Counts::default().report(cause.ended()?, detail));
    Ok(contract::write(&mut io::stdout().lock(), &line)?)
}

/// Ends the process from a thread of the kit.
fn leave(result: Result<(), Abort>) -> ! {
    match result {
        Ok(()) => std::process::exit(0),
        Err(abort) => {
            eprintln!("{abort}");
            std::process::exit(1)
        }
    }
}
