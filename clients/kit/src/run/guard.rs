//! The two threads of the kit that can end a run: one waits for stdin, one keeps the
//! deadlines and the memory ceiling. Both sleep while ticks are counted.

use crate::stop::{Cause, HarnessFault, Stage, StopSignal};
use crate::system::resident_bytes;
use crate::ticks::Counts;
use contract::{ClientPlan, FromClient, LineError, Lines, ToClient};
use std::io::{self, BufRead};
use std::time::{Duration, Instant};

/// Between two attempts to wake the readers of a stopped client, until it has reported.
const WAKE_INTERVAL: Duration = Duration::from_millis(20);
/// Between two checks of the memory of a client with an unbounded queue.
const MEMORY_CHECK_INTERVAL: Duration = Duration::from_millis(10);

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

/// Waits for `stop` or the end of stdin.
pub(super) fn wait_for_stop(mut lines: Lines<impl BufRead>, stop: &StopSignal) {
    stop.end(match lines.next_line::<ToClient>() {
        Ok(Some(ToClient::Stop(_)) | None) => Cause::Stopped,
        Ok(Some(ToClient::Plan(_))) => Cause::Fault(HarnessFault::SecondPlan),
        // A harness that died leaves a broken pipe, which means the same as its end.
        Err(LineError::Io(_)) => Cause::Stopped,
        Err(error) => Cause::Fault(HarnessFault::Line(error)),
    });
}

/// Keeps the deadlines, counted from `begin`, and wakes the readers of a stopped client
/// until it has returned.
pub(super) fn keep_deadlines(
    stop: &StopSignal,
    plan: &ClientPlan,
    begin: Instant,
    has_memory_ceiling: bool,
) {
    let connect_deadline = Duration::from_millis(plan.connect_deadline_ms);
    let deadline = Duration::from_millis(plan.deadline_ms);
    let mut state = stop.lock();
    while state.stage != Stage::Over {
        let elapsed = begin.elapsed();
        let is_too_big = || resident_bytes().is_ok_and(|n| n >= plan.memory_ceiling_bytes);
        if elapsed >= deadline {
            state.end(Cause::Deadline);
        } else if state.stage == Stage::Connecting && elapsed >= connect_deadline {
            exit(Err(not_connected(plan)));
        } else if has_memory_ceiling && state.cause.is_none() && is_too_big() {
            state.end(Cause::MemoryCeiling);
        }
        let at_most = if state.cause.is_some() {
            stop.set();
            if state.stage == Stage::Connecting
                && let Some(cause) = state.cause.take()
            {
                exit(report_nothing(cause));
            }
            state.wake_readers();
            WAKE_INTERVAL
        } else if has_memory_ceiling {
            MEMORY_CHECK_INTERVAL
        } else if state.stage == Stage::Connecting {
            connect_deadline.min(deadline) - elapsed
        } else {
            deadline - elapsed
        };
        state = stop.wait(state, at_most);
    }
}

fn not_connected(plan: &ClientPlan) -> Abort {
    Abort::NotConnected {
        first: plan.urls.first().cloned().unwrap_or_default(),
        others: plan.urls.len().saturating_sub(1),
        deadline_ms: plan.connect_deadline_ms,
    }
}

/// The report of a client that was stopped before it was ready: it may hang while it
/// connects, where nothing can wake it.
fn report_nothing(cause: Cause) -> Result<(), Abort> {
    let detail = Some("before it was connected".to_owned());
    let line = FromClient::Final(Counts::default().report(cause.ended()?, detail));
    Ok(contract::write(&mut io::stdout().lock(), &line)?)
}

/// Ends the process from a thread of the kit.
fn exit(result: Result<(), Abort>) -> ! {
    match result {
        Ok(()) => std::process::exit(0),
        Err(abort) => {
            eprintln!("{abort}");
            std::process::exit(1)
        }
    }
}
