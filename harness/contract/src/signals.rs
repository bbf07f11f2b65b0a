//! Signals that end a program. Those that its parent ignores stay ignored: `nohup`, and shells
//! that start a program in the background, rely on that.

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal};

/// The signals of an ordinary end.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Whether this process ignores a signal. After a start that means: its parent did.
#[must_use]
pub fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal as u32 - 1)) != 0
}

/// Installs handlers for the signals of an ordinary end, and leaves those alone that the parent
/// ignores.
pub fn handle<T>(install: impl FnOnce() -> T) -> T {
    let ignored = ENDING.into_iter().filter(|&signal| is_ignored(signal));
    let ignored: Vec<Signal> = ignored.collect();
    // One that comes meanwhile waits, until it is ignored again.
    let waiting: SigSet = ignored.iter().copied().collect();
    let before = waiting.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let installed = install();
    for &ignored in &ignored {
        // SAFETY: ignoring a signal runs no code of this process.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    installed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_not_ignored() {
        // A signal that no test runner ignores.
        assert!(!is_ignored(Signal::SIGUSR2));
    }
}
