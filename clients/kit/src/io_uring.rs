//! Why a client on io_uring cannot run on a machine, and what to do about it.

use std::fmt::Display;

/// Whether the kernel lets everybody use io_uring.
const SETTING: &str = "/proc/sys/kernel/io_uring_disabled";
/// Whether this process has a seccomp filter (proc_pid_status(5)).
const STATUS: &str = "/proc/self/status";
const FILTERED: &str = "Seccomp:\t2";

/// The reason for [`crate::Outcome::unavailable`] when no ring can be made: the cause, as far
/// as it is known, and the runtime's own message.
#[derive(Debug, thiserror::Error)]
#[error("{cause} ({error})")]
pub struct IoUringUnavailable {
    cause: RingCause,
    error: String,
}

impl IoUringUnavailable {
    /// Reads this machine's setting; `error` is the runtime's own.
    #[must_use]
    pub fn new(error: &(impl Display + ?Sized)) -> Self {
        let setting = std::fs::read_to_string(SETTING).ok();
        let status = std::fs::read_to_string(STATUS).unwrap_or_default();
        let cause = RingCause::of(setting.as_deref(), status.lines().any(|line| line == FILTERED));
        Self { cause, error: error.to_string() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum RingCause {
    #[error("io_uring is switched off: sysctl -w kernel.io_uring_disabled=0")]
    SwitchedOff,
    #[error(
        "io_uring is for privileged users only: sysctl -w kernel.io_uring_disabled=0 or run as \
         a member of kernel.io_uring_group"
    )]
    PrivilegedOnly,
    #[error(
        "io_uring cannot be used: a seccomp filter is in force, as in containers: allow \
         io_uring_setup, io_uring_enter and io_uring_register in it"
    )]
    Filtered,
    #[error(
        "io_uring cannot be used: it needs Linux 5.8 or newer, and a container runtime whose \
         seccomp filter allows io_uring_setup"
    )]
    Unknown,
}

impl RingCause {
    /// `setting` is the sysctl, where the kernel has it.
    fn of(setting: Option<&str>, is_filtered: bool) -> Self {
        match setting.map(str::trim) {
            Some("2") => Self::SwitchedOff,
            Some("1") => Self::PrivilegedOnly,
            // A kernel with this setting is new enough.
            Some(_) if is_filtered => Self::Filtered,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_tells_the_cause() {
        assert_eq!(RingCause::of(Some("2\n"), true), RingCause::SwitchedOff);
        assert_eq!(RingCause::of(Some("1\n"), true), RingCause::PrivilegedOnly);
        assert_eq!(RingCause::of(Some("0\n"), true), RingCause::Filtered);
        assert_eq!(RingCause::of(Some("0\n"), false), RingCause::Unknown);
        assert_eq!(RingCause::of(None, true), RingCause::Unknown);
    }
}
