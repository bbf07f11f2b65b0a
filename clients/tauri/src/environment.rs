//! What GTK and WebKit get from the environment: nothing of the user's session but the display,
//! and a directory of their own for what they write.

use crate::display::{Display, NO_SHADER_CACHE};
use std::path::{Path, PathBuf};

/// The directory's name begins with this, and ends with the number of the process.
const PREFIX: &str = "tick-tauri-";

/// Creates the directory of this process, beside the meter or in that for temporary files, and
/// removes those of processes that were killed before they could.
pub fn make_workspace(meter: Option<&Path>) -> std::io::Result<PathBuf> {
    let parent = meter.and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned);
    for stale in std::fs::read_dir(&parent)?.flatten() {
        let name = stale.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // Another process may be removing it, too.
            let _ = std::fs::remove_dir_all(stale.path());
        }
    }
    let path = parent.join(format!("{PREFIX}{}", std::process::id()));
    std::fs::create_dir(&path)?;
    Ok(path)
}

/// Sets the variables.
///
/// # Safety
/// No other thread may read or write the environment meanwhile.
pub unsafe fn set(display: &Display, workspace: &Path) {
    let in_workspace = ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR"];
    let mut variables: Vec<(&str, &str)> = vec![
        // No bus: services of a session would be started, and would stay.
        ("DBUS_SESSION_BUS_ADDRESS", "disabled:"),
        ("GIO_USE_VFS", "local"),
        ("GSETTINGS_BACKEND", "memory"),
        ("GTK_A11Y", "none"),
        // Isolated pages may have it, but WebKitGTK does not offer it by itself.
        ("JSC_useSharedArrayBuffer", "1"),
        ("NO_AT_BRIDGE", "1"),
        NO_SHADER_CACHE,
    ];
    if let Display::Virtual(number) = display {
        variables.extend([("DISPLAY", number.as_str()), ("GDK_BACKEND", "x11")]);
    }
    if nix::unistd::geteuid().is_root() {
        // Its sandbox does not start as root.
        variables.push(("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1"));
    }
    for (name, value) in variables {
        // SAFETY: the caller's.
        unsafe { std::env::set_var(name, value) };
    }
    for name in in_workspace {
        // SAFETY: the caller's.
        unsafe { std::env::set_var(name, workspace) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_killed_processes_are_removed() {
        let room = std::env::temp_dir().join(format!("client-tauri-test-{}", std::process::id()));
        let meter = room.join("client.meter");
        // No process has this number: it is above the kernel's highest.
        let stale = room.join(format!("{PREFIX}{}", u32::MAX));
        let other = room.join("tick-other");
        std::fs::create_dir_all(&stale).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        let own = make_workspace(Some(&meter)).unwrap();
        assert!(own.is_dir() && other.is_dir() && !stale.exists());
        std::fs::remove_dir_all(&room).unwrap();
    }
}
