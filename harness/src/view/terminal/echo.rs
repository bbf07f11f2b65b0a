//! Keys that are pressed while the bars are shown are not echoed: the echo would move the
//! bars to another line. However the harness ends, the terminal echoes again.

use crate::view::terminal::keys;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::fs::File;
use std::sync::{Mutex, PoisonError};

/// The terminal and its settings from before, while it does not echo.
static DISABLED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Disables the echo, unless this process runs in the background: changing the settings
/// would stop it.
pub fn disable() {
    let Ok(keys) = keys::open() else { return };
    if tcgetpgrp(&keys) != Ok(getpgrp()) {
        return;
    }
    let Ok(before) = tcgetattr(&keys) else { return };
    let mut changed = before.clone();
    changed.local_flags.remove(LocalFlags::ECHO);
    let mut place = DISABLED.lock().unwrap_or_else(PoisonError::into_inner);
    if place.is_none() && tcsetattr(&keys, SetArg::TCSADRAIN, &changed).is_ok() {
        *place = Some((keys, before));
    }
}

/// Enables the echo again. Does nothing when it is enabled.
pub fn restore() {
    let taken = DISABLED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((keys, before)) = taken {
        let _ = tcsetattr(&keys, SetArg::TCSADRAIN, &before);
    }
}
