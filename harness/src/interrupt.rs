//! Ctrl-C and termination signals: the first asks the campaign to end in
//! order, so that what is measured stays readable.

use crate::{cmd, view};
use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Installs the handler; the flag is raised by the first signal.
///
/// # Errors
/// When a handler is there already.
pub fn flag() -> Result<Arc<AtomicBool>> {
    let raised = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&raised);
    ctrlc::set_handler(move || raise(&handler)).context("cannot watch for Ctrl-C")?;
    Ok(raised)
}

/// Raises the flag. The second time it ends the harness at once, and the guard ends
/// its children.
pub fn raise(flag: &AtomicBool) {
    if flag.swap(true, Ordering::SeqCst) {
        view::screen::restore();
        std::process::exit(i32::from(cmd::EXIT_INTERRUPTED));
    }
}
