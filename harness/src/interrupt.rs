//! Ctrl-C and termination signals: the first asks the campaign to end in
//! order, so that what is measured stays readable.

use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Installs the handler; the flag is raised by the first signal. A second one
/// ends the harness at once, and the guard ends its children.
///
/// # Errors
/// When a handler is there already.
pub fn flag() -> Result<Arc<AtomicBool>> {
    let raised = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&raised);
    ctrlc::set_handler(move || {
        if handler.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(crate::cmd::EXIT_INTERRUPTED));
        }
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(raised)
}
