//! A program on a pseudo-terminal: keys in, everything that it draws out.

#![allow(dead_code)] // each test file uses its own part

use nix::fcntl::OFlag;
use nix::libc;
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Escape sequences that enter and leave the alternate screen, and show the cursor.
pub const ENTER: &str = "\x1b[?1049h";
pub const LEAVE: &str = "\x1b[?1049l";
pub const SHOW: &str = "\x1b[?25h";

/// Longer than anything here takes, building included.
const LIMIT: Duration = Duration::from_secs(240);

pub struct Pty {
    pub child: Child,
    master: File,
    /// Kept open, so that its settings can be read after the program's end.
    slave: File,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

fn set_size(master: &File, (columns, rows): (u16, u16)) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel only reads the size.
    assert_eq!(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &size) }, 0);
}

impl Pty {
    /// Starts a program with this terminal as its standard input and error, and as
    /// the one that controls it. Its standard output is the caller's choice.
    pub fn spawn(mut command: Command, size: (u16, u16)) -> Self {
        // Not by openpty: children of concurrent tests would inherit its ends.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(ptsname_r(&master).unwrap())
            .unwrap();
        let master = File::from(OwnedFd::from(master));
        set_size(&master, size);
        command.stdin(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
        // SAFETY: setsid and ioctl are async-signal-safe and take numbers only.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        drop(command);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (master.try_clone().unwrap(), Arc::clone(&seen));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(size @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap().extend_from_slice(&bytes[..size]);
            }
        });
        Self { child, master, slave, seen, reader: Some(reader) }
    }

    /// All that was drawn so far.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    pub fn wait_for(&mut self, what: impl Fn(&str) -> bool) {
        let until = Instant::now() + LIMIT;
        while !what(&self.seen()) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{ended:?}: {:?}", self.seen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn press(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    pub fn resize(&self, size: (u16, u16)) {
        set_size(&self.master, size);
    }

    /// Whether lines and echo are as a shell expects them.
    pub fn is_cooked(&self) -> bool {
        let flags = tcgetattr(&self.slave).unwrap().local_flags;
        flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
    }

    /// Waits for the program's end.
    pub fn finish(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + LIMIT;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < until, "still running: {:?}", self.seen()),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(self.is_cooked(), "the terminal is still raw");
        // The reader ends when the last slave end is closed.
        drop(std::mem::replace(&mut self.slave, File::open("/dev/null").unwrap()));
        self.reader.take().unwrap().join().unwrap();
        (status, self.seen())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Only what a failed test left: a finished one has been waited for.
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Asserts that the alternate screen was entered once and left for good, with the cursor shown;
/// returns the output after that.
pub fn left_for_good(seen: &str) -> String {
    assert_eq!(seen.matches(ENTER).count(), 1, "{seen:?}");
    let (_, after) = seen.split_once(ENTER).unwrap();
    let (_, after) = after.split_once(LEAVE).unwrap_or_else(|| panic!("never left: {seen:?}"));
    let after = after.strip_prefix(SHOW).unwrap_or_else(|| panic!("no cursor: {after:?}"));
    assert!(!after.contains('\x1b'), "drawn after its end: {after:?}");
    after.to_owned()
}
