//! Why a client on io_uring cannot run on a machine, and how to mend it.

use std::fmt::Display;

/// Whether the kernel lets everybody use io_uring.
const SETTING: &str = "/proc/sys/kernel/io_uring_disabled";

/// The reason for [`crate::Outcome::unavailable`] when no ring can be had: the usual
/// hindrance where there is one, and the runtime's own message.
#[derive(Debug, thiserror::Error)]
#[error("{hindrance} ({error})")]
pub struct IoUringUnavailable {
    hindrance: Hindrance,
    error: String,
}

impl IoUringUnavailable {
    /// Reads this machine's setting; `error` is what the runtime said.
    #[must_use]
    pub fn new(error: &(impl Display + ?Sized)) -> Self {
        let setting = std::fs::read_to_string(SETTING).ok();
        Self { hindrance: Hindrance::of(setting.as_deref()), error: error.to_string() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Hindrance {
    #[error("io_uring is switched off: sysctl -w kernel.io_uring_disabled=0")]
    SwitchedOff,
    #[error(
        "io_uring is for privileged users only: sysctl -w kernel.io_uring_disabled=0 or run as \
         a member of kernel.io_uring_group"
    )]
    PrivilegedOnly,
    #[error(
        "io_uring cannot be used: it needs Linux 5.8 or newer, and a container runtime whose \
         seccomp filter allows io_uring_setup"
    )]
    Unknown,
}

impl Hindrance {
    /// `setting` is the sysctl, where the kernel has it.
    fn of(setting: Option<&str>) -> Self {
        match setting.map(str::trim) {
            Some("2") => Self::SwitchedOff,
            Some("1") => Self::PrivilegedOnly,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_tells_the_hindrance() {
        assert_eq!(Hindrance::of(Some("2\n")), Hindrance::SwitchedOff);
        assert_eq!(Hindrance::of(Some("1\n")), Hindrance::PrivilegedOnly);
        assert_eq!(Hindrance::of(Some("0\n")), Hindrance::Unknown);
        assert_eq!(Hindrance::of(None), Hindrance::Unknown);
    }
}
