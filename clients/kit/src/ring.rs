//! Why a client on io_uring cannot run here, and how to mend it.

/// The reason for [`crate::Outcome::unavailable`] when no ring can be had:
/// names the usual hindrance where there is one, and the runtime's own words.
#[must_use]
pub fn no_io_uring(error: &str) -> String {
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    format!("{} ({error})", hindrance(setting.ok().as_deref()))
}

/// `setting` is the sysctl, where the kernel has it.
fn hindrance(setting: Option<&str>) -> &'static str {
    match setting.map(str::trim) {
        Some("2") => "io_uring is switched off: sysctl -w kernel.io_uring_disabled=0",
        Some("1") => {
            "io_uring is for privileged users only: sysctl -w kernel.io_uring_disabled=0 or run \
             as a member of kernel.io_uring_group"
        }
        _ => {
            "io_uring cannot be used: it needs Linux 5.8 or newer, and a container runtime whose \
             seccomp filter allows io_uring_setup"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hindrance_has_its_words() {
        assert!(hindrance(Some("2\n")).starts_with("io_uring is switched off"));
        assert!(hindrance(Some("1\n")).starts_with("io_uring is for privileged users only"));
        for other in [Some("0\n"), None] {
            assert!(hindrance(other).starts_with("io_uring cannot be used"));
        }
        assert!(no_io_uring("no such thing").ends_with(" (no such thing)"));
    }
}
