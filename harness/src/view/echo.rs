//! Keys that are pressed while the bars are shown: their echo would push the bars
//! to another line, where no later drawing finds them. However the harness ends, the
//! terminal echoes again.

use crate::view::screen;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::fs::File;
use std::sync::{Mutex, PoisonError};

/// The terminal and how it was, while it does not echo.
static SILENT: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Takes the echo away, if there is a terminal that is ours to change: a process in
/// the background would be stopped by trying.
pub fn silence() {
    let Ok(keys) = screen::keys() else { return };
    if tcgetpgrp(&keys) != Ok(getpgrp()) {
        return;
    }
    let Ok(before) = tcgetattr(&keys) else { return };
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    let mut place = SILENT.lock().unwrap_or_else(PoisonError::into_inner);
    if place.is_none() && tcsetattr(&keys, SetArg::TCSADRAIN, &silent).is_ok() {
        *place = Some((keys, before));
    }
}

/// Gives the echo back. Does nothing when it is there.
pub fn restore() {
    let taken = SILENT.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((keys, before)) = taken {
        let _ = tcsetattr(&keys, SetArg::TCSADRAIN, &before);
    }
}
