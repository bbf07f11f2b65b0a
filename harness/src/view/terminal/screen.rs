//! The whole screen: raw keys, the alternate screen, and the lines that processes write to
//! standard error. However the harness ends, the terminal is restored.

use crate::console::on_stderr;
use crate::interrupt;
use crate::view::state::State;
use crate::view::terminal::drawing::{Canvas, pause};
use crate::view::terminal::echo;
use crate::view::terminal::keys;
use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{dup2_stderr, pipe2};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::QueueableCommand;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::Duration;

/// Number of lines of standard error that are kept and printed after the screen is closed.
const LINES_KEPT: usize = 1000;

/// How long to wait for a terminal that is being drawn on, in hundredths of a second.
const PATIENCE: u32 = 50;

/// Keys as they come in raw mode.
const CONTROL_C: u8 = 0x03;
const CONTROL_L: u8 = 0x0c;
const ESCAPE: u8 = 0x1b;

/// Draws the state at an instant of the monotonic clock.
pub type Painter = fn(&mut Frame<'_>, &State, u64);

/// The open screen. Taking it out means restoring the terminal; nothing is drawn after that.
static OPEN: Mutex<Option<Open>> = Mutex::new(None);

struct Open {
    /// The terminal, which was standard error.
    tty: File,
    /// The reading end of the pipe that is standard error now.
    stderr: File,
    /// The last, incomplete line.
    partial: Vec<u8>,
    /// The complete lines.
    lines: Vec<String>,
}

fn open() -> MutexGuard<'static, Option<Open>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same with a limit: a blocked terminal must block no thread but the one that draws.
fn open_within_limit() -> Option<MutexGuard<'static, Option<Open>>> {
    for _ in 0..PATIENCE {
        match OPEN.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// Restores the terminal, and prints what was written to standard error meanwhile. Does nothing
/// if nothing was changed.
pub fn restore() {
    echo::restore();
    let Some(mut open) = open_within_limit().and_then(|mut place| place.take()) else { return };
    let _ = disable_raw_mode();
    let _ = open.tty.queue(LeaveAlternateScreen).and_then(|tty| tty.queue(Show)?.flush());
    let _ = dup2_stderr(&open.tty);
    open.read();
    let partial = (!open.partial.is_empty()).then(|| String::from_utf8_lossy(&open.partial).into());
    open.lines.extend(partial);
    for line in &open.lines {
        let _ = writeln!(open.tty, "{}", on_stderr(line));
    }
}

impl Open {
    /// Reads what was written to standard error; returns the new lines.
    fn read(&mut self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let mut new = Vec::new();
        while let Ok(size @ 1..) = self.stderr.read(&mut bytes) {
            for &byte in &bytes[..size] {
                match byte {
                    b'\n' => {
                        let line = std::mem::take(&mut self.partial);
                        new.push(String::from_utf8_lossy(&line).into_owned());
                    }
                    byte => self.partial.push(byte),
                }
            }
        }
        let room = LINES_KEPT.saturating_sub(self.lines.len());
        self.lines.extend(new.iter().take(room).cloned());
        new
    }
}

/// Gathers a whole frame, and shows it only while the screen is open.
struct Tty {
    frame: Vec<u8>,
}

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        pause();
        let frame = std::mem::take(&mut self.frame);
        match open().as_mut() {
            Some(open) => open.tty.write_all(&frame),
            None => Ok(()),
        }
    }
}

/// The whole screen.
pub struct Screen {
    keys: File,
    terminal: Terminal<CrosstermBackend<Tty>>,
    painter: Painter,
}

impl Screen {
    /// Takes the terminal of standard error, and standard error itself.
    ///
    /// # Errors
    /// When there is none, or it is taken already.
    pub fn open(painter: Painter) -> Result<Self> {
        restore_on_exit();
        let tty = File::from(std::io::stderr().as_fd().try_clone_to_owned()?);
        // Only the reading end: writers of standard error expect it to block.
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        {
            let mut place = open();
            if place.is_some() {
                bail!("a screen is open already");
            }
            enable_raw_mode().context("--watch: the terminal refuses raw mode")?;
            *place =
                Some(Open { tty, stderr: reader.into(), partial: Vec::new(), lines: Vec::new() });
        }
        let opened = Self::enter(painter, &File::from(writer));
        if opened.is_err() {
            restore();
        }
        opened
    }

    fn enter(painter: Painter, writer: &File) -> Result<Self> {
        dup2_stderr(writer)?;
        let mut tty = Tty { frame: Vec::new() };
        tty.queue(EnterAlternateScreen)?.queue(Clear(ClearType::All))?.queue(Hide)?.flush()?;
        Ok(Self {
            keys: keys::open()?,
            terminal: Terminal::new(CrosstermBackend::new(tty))?,
            painter,
        })
    }

    /// Handles keys, which are bytes in raw mode.
    fn press(&mut self, bytes: &[u8], interrupted: &AtomicBool) -> Result<()> {
        for key in single_keys(bytes) {
            match key {
                CONTROL_C => interrupt::raise(interrupted),
                b'q' | b'Q' => interrupted.store(true, Ordering::SeqCst),
                CONTROL_L => self.terminal.resize(self.terminal.size()?.into())?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Canvas for Screen {
    fn paint(&mut self, state: &State, now_ns: u64) -> Result<()> {
        if open().is_none() {
            bail!("the screen was closed");
        }
        let painter = self.painter;
        self.terminal.draw(|frame| {
            painter(frame, state, now_ns);
            // The comparison with the last frame comes next.
            pause();
        })?;
        Ok(())
    }

    /// Not by crossterm's events: they never return from a terminal that has hung up.
    fn wait(&mut self, limit: Duration, interrupted: &AtomicBool) -> Result<()> {
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        let mut places = [PollFd::new(self.keys.as_fd(), PollFlags::POLLIN)];
        match poll(&mut places, limit) {
            Ok(0) | Err(Errno::EINTR) => return Ok(()),
            ready => ready?,
        };
        if places[0].revents() != Some(PollFlags::POLLIN) {
            bail!("the terminal was closed");
        }
        let mut bytes = [0; 64];
        match self.keys.read(&mut bytes)? {
            0 => bail!("the terminal was closed"),
            size => self.press(&bytes[..size], interrupted),
        }
    }

    fn stderr_lines(&mut self) -> Vec<String> {
        open().as_mut().map_or(Vec::new(), Open::read)
    }

    fn close(&mut self) {
        restore();
    }
}

/// The keys of a single byte; escape sequences, such as those of arrow keys, are skipped.
fn single_keys(bytes: &[u8]) -> Vec<u8> {
    let mut keys = Vec::new();
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != ESCAPE {
            keys.push(byte);
            continue;
        }
        match bytes.next() {
            // Up to its final byte.
            Some(b'[') => _ = bytes.find(|byte| (0x40..=0x7e).contains(byte)),
            Some(b'O') => _ = bytes.next(),
            _ => {}
        }
    }
    keys
}

/// Restores the terminal before a panic of any thread is printed, and before the harness
/// exits at once.
pub(super) fn restore_on_exit() {
    interrupt::before_exit(restore);
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_skipped() {
        assert_eq!(single_keys(b"\x1b[A\x1b[1;5qx\x1bOqy\x1bqz"), b"xyz");
        assert_eq!(single_keys(b"q\x03"), [b'q', CONTROL_C]);
        for part in [&b"\x1b"[..], b"\x1b[", b"\x1b[1;", b"\x1bO"] {
            assert!(single_keys(part).is_empty());
        }
    }
}
