//! Ctrl-C and termination signals: the first asks the campaign to end in
//! order, so that what is measured stays readable.

use crate::cmd;
use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What puts things right before the harness ends at once.
static LAST: OnceLock<fn()> = OnceLock::new();

/// Has something done before the harness ends at once: once for a process.
pub fn before_exit(last: fn()) {
    let _ = LAST.set(last);
}

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
        if let Some(last) = LAST.get() {
            last();
        }
        std::process::exit(i32::from(cmd::EXIT_INTERRUPTED));
    }
}
