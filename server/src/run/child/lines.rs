//! Lines from and to the harness.

use anyhow::{Context, Result};
use contract::{Empty, FromServer, LineError, Lines, ToServer, write};
use polling::Poller;
use std::io::{BufRead, stdout};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// The lines after the plan, or why one cannot be read.
pub type LineReceiver = Receiver<Result<ToServer, LineError>>;

/// Reads the lines after the plan in a thread of its own, and wakes the poller for each. The
/// end of the lines is a `stop`.
pub fn read<R>(mut lines: Lines<R>, poller: Arc<Poller>) -> LineReceiver
where
    R: BufRead + Send + 'static,
{
    let (to, receiver) = channel();
    std::thread::spawn(move || {
        loop {
            let line = lines.next_line();
            let is_last = !matches!(line, Ok(Some(_)));
            let line = line.map(|line| line.unwrap_or(ToServer::Stop(Empty {})));
            let is_read = to.send(line).is_ok();
            let _ = poller.notify();
            if is_last || !is_read {
                return;
            }
        }
    });
    receiver
}

/// Writes a line to the harness.
///
/// # Errors
/// When the harness does not read any more.
pub fn send(line: &FromServer) -> Result<()> {
    write(&mut stdout().lock(), line).context("the harness does not read standard output any more")
}
