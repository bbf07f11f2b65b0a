//! What the process that started this one had it ignore.

use nix::sys::signal::{self, SigHandler, Signal};
use std::fs;

/// Whether hang-ups were ignored when this program was started, as after `nohup`: the field
/// `SigIgn` of /proc/self/status (proc_pid_status(5)). To be called before a handler is installed.
#[must_use]
pub fn hang_ups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status) & (1 << (Signal::SIGHUP as i32 - 1)) != 0
}

/// Ignores hang-ups again, after a handler for all signals that end a program was installed.
///
/// # Errors
/// When the system call fails.
pub fn ignore_hang_ups() -> nix::Result<()> {
    // SAFETY: no handler of this program runs then.
    unsafe { signal::signal(Signal::SIGHUP, SigHandler::SigIgn) }.map(drop)
}

/// The signals that are ignored, as bits.
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read() {
        assert_eq!(ignored("Name:\ta\nSigIgn:\t0000000000001001\nSigCgt:\tffff\n"), 0x1001);
        assert_eq!(ignored(""), 0);
    }
}
