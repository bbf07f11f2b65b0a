//! The end of this process, by whichever thread: WebKit's processes end with it, and its
//! directory is removed.

use crate::processes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// Searches at most, for two seconds: a process that is being ended may be starting another.
const SEARCHES: usize = 1_000;
const BETWEEN_SEARCHES: Duration = Duration::from_millis(2);

static WORKSPACE: OnceLock<PathBuf> = OnceLock::new();

unsafe extern "C" {
    /// As `atexit`, and the handler gets the exit code (on_exit(3)).
    fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

/// Prepares the end of this process; `workspace` is its directory.
pub fn prepare(workspace: PathBuf) {
    if WORKSPACE.set(workspace).is_ok() {
        // SAFETY: the handler is a function of this program, and needs no argument.
        unsafe { on_exit(end, std::ptr::null_mut()) };
    }
}

extern "C" fn end(code: c_int, _argument: *mut c_void) {
    hold_aborts();
    end_webkit();
    if let Some(workspace) = WORKSPACE.get() {
        let _ = fs::remove_dir_all(workspace);
    }
    // SAFETY: ends this process without the destructors of GTK and WebKit, which its threads may
    // still use.
    unsafe { libc::_exit(code) };
}

/// WebKit and GTK abort where they find a process gone that they have just started: a thread that
/// does so waits for the end, and what it would say is not the reason of it.
fn hold_aborts() {
    for signal in [libc::SIGTRAP, libc::SIGABRT] {
        // SAFETY: the handler only waits, in the thread that has got the signal.
        unsafe { libc::signal(signal, hold as *const () as libc::sighandler_t) };
    }
    // SAFETY: the calls take numbers and a text that ends with a zero.
    unsafe {
        let nowhere = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
        libc::dup2(nowhere, libc::STDERR_FILENO);
    }
}

extern "C" fn hold(_signal: c_int) {
    loop {
        // SAFETY: it waits for a signal, and has no other effect.
        unsafe { libc::pause() };
    }
}

/// Ends WebKit's processes, and waits for their end: with a queue of messages before them, they
/// would work on for seconds.
fn end_webkit() {
    let mut ending = BTreeSet::new();
    for _ in 0..SEARCHES {
        let found: BTreeSet<u32> = processes::of_webkit().collect();
        for &pid in found.difference(&ending) {
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
        if found.is_empty() {
            return;
        }
        ending.extend(found);
        thread::sleep(BETWEEN_SEARCHES);
    }
}
