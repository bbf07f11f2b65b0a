//! What ends a run from outside: a `stop` line, the end of stdin, a deadline,
//! the memory ceiling. Two threads that sleep while ticks are counted.

use crate::counts::Counts;
use anyhow::Result;
use contract::{ClientEnd, ClientPlan, FromClient, LineError, Lines, ToClient};
use socket2::{SockRef, Socket};
use std::io::BufRead;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a stopped client is nudged until it has reported.
const NUDGE: Duration = Duration::from_millis(20);
/// How often the memory of a client with an unbounded queue is looked at.
const MEMORY_CHECK: Duration = Duration::from_millis(10);

/// Why a run was ended from outside.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    Stopped,
    Deadline,
    MemoryCeiling,
    /// The harness broke the contract: no report, exit code 1.
    Fault(String),
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

    pub(crate) fn cause(&self) -> Option<Cause> {
        self.lock().cause.clone()
    }

    pub(crate) fn add_socket(&self, socket: Socket) {
        self.lock().sockets.push(socket);
        self.changed.notify_all();
    }

    /// One connection is ready; says `ready` with the last of them, unless the
    /// run is over already, and then never returns.
    pub(crate) fn enter_ready(&self, say: impl FnOnce() -> Result<()>) -> Result<()> {
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

    /// The client has returned: nothing is left to be ended.
    pub(crate) fn finish(&self) {
        self.lock().stage = Stage::Over;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for `stop` or the end of stdin.
pub(crate) fn listen(mut lines: Lines<impl BufRead>, shared: &Shared) {
    shared.stop(match lines.next_line::<ToClient>() {
        Ok(Some(ToClient::Stop(_)) | None) => Cause::Stopped,
        Ok(Some(ToClient::Plan(_))) => Cause::Fault("a second plan on stdin".to_owned()),
        // A harness that died leaves a broken pipe, which means the same as its end.
        Err(LineError::Io(_)) => Cause::Stopped,
        Err(error) => Cause::Fault(error.to_string()),
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
            let ms = plan.connect_deadline_ms;
            let others = match plan.urls.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            let first = plan.urls.first().map_or("", String::as_str);
            leave(Err(format!("not connected to {first}{others} within {ms} ms")));
        } else if watch_memory && state.cause.is_none() && too_big() {
            Shared::settle(&mut state, Cause::MemoryCeiling);
        }
        let nap = match &state.cause {
            Some(cause) => {
                shared.stop.store(true, Ordering::Relaxed);
                if state.stage == Stage::Connecting {
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
fn report_nothing(cause: &Cause) -> Result<(), String> {
    let ended = match cause {
        Cause::Stopped => ClientEnd::Stopped,
        Cause::Deadline => ClientEnd::Deadline,
        Cause::MemoryCeiling => ClientEnd::MemoryCeiling,
        Cause::Fault(why) => return Err(why.clone()),
    };
    let detail = Some("before it was connected".to_owned());
    let line = FromClient::Final(Counts::default().report(ended, detail));
    contract::write(&mut std::io::stdout().lock(), &line).map_err(|e| e.to_string())
}

/// Ends the process from a thread of the kit.
fn leave(result: Result<(), String>) -> ! {
    match result {
        Ok(()) => std::process::exit(0),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1)
        }
    }
}
