//! Standard output that its reader may have closed.

use crate::console::on_stdout;
use anyhow::{Context, Error, Result};
use bench_publish::text::small_charts;
use std::io::{ErrorKind, Write};

/// Prints a result on standard output. A reader that has ended (`| head`) is not a failure.
///
/// # Errors
/// When it cannot be written; `what` is in the message.
pub(super) fn print(text: &str, what: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(on_stdout(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).with_context(|| format!("cannot print {what}"))
        }
        _ => Ok(()),
    }
}

/// The width of the terminal, in columns; a usual one where there is none.
pub(super) fn width() -> usize {
    let size = console::Term::stdout().size_checked();
    size.map_or(small_charts::WIDTH, |(_, columns)| usize::from(columns))
}

/// Whether the cause of an error is that the reader of our output has ended.
pub(super) fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
}
