//! Lines to and from the harness.

use anyhow::{Context, Result};
use contract::{FromServer, LineError, Lines, ToServer, write};
use polling::Poller;
use std::io::stdout;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Lines after the plan; `Err` is why there are no more.
pub type Words = Receiver<Result<ToServer, LineError>>;

/// Reads the lines after the plan, in a thread of its own. The end of the
/// lines is a `stop`.
pub fn listen<R>(mut lines: Lines<R>, poller: Arc<Poller>) -> Words
where
    R: std::io::BufRead + Send + 'static,
{
    let (to, words) = channel();
    std::thread::spawn(move || {
        while hear(&mut lines, &to) {
            let _ = poller.notify();
        }
        let _ = poller.notify();
    });
    words
}

/// Passes one line on; false after the last.
fn hear<R: std::io::BufRead>(
    lines: &mut Lines<R>,
    to: &Sender<Result<ToServer, LineError>>,
) -> bool {
    let line = lines.next_line();
    let more = matches!(line, Ok(Some(_)));
    let word = line.map(|line| line.unwrap_or(ToServer::Stop(contract::Empty {})));
    to.send(word).is_ok() && more
}

/// Writes a line to the harness.
///
/// # Errors
/// When the harness does not read any more.
pub fn say(line: &FromServer) -> Result<()> {
    write(&mut stdout().lock(), line).context("the harness does not listen")
}
