//! Ctrl-C and termination signals: the first ends the campaign in order, so that what was
//! measured stays readable.

use crate::exit::Exit;
use anyhow::{Context, Result};
use contract::signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Runs before the harness exits at once.
static CLEAN_UP: OnceLock<fn()> = OnceLock::new();

/// Sets what runs before the harness exits at once; the first call of a process counts.
pub fn before_exit(clean_up: fn()) {
    let _ = CLEAN_UP.set(clean_up);
}

/// Installs the handler; the first signal sets the flag. A signal that the parent ignores, as
/// `nohup` does with SIGHUP, stays ignored.
///
/// # Errors
/// When there is a handler already.
pub fn flag() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&interrupted);
    let installed = signals::handle(|| ctrlc::set_handler(move || raise(&handler)));
    installed.context("cannot handle Ctrl-C")?;
    Ok(interrupted)
}

/// Sets the flag. The second time it exits at once, and the guard ends the children.
pub fn raise(flag: &AtomicBool) {
    if flag.swap(true, Ordering::SeqCst) {
        if let Some(clean_up) = CLEAN_UP.get() {
            clean_up();
        }
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
}
