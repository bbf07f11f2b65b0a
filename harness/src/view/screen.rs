//! The terminal as a whole screen: raw keys, the alternate screen, and what others
//! write to standard error. However the harness ends, the terminal is left as it
//! was found.

use crate::interrupt;
use crate::view::drawer::{Canvas, pause};
use crate::view::echo;
use crate::view::live::Live;
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
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::Duration;

/// So many lines that others wrote are printed again after the screen is closed.
const WORDS_KEPT: usize = 1000;

/// Hundredths of a second to wait for a terminal that is being drawn on.
const PATIENCE: u32 = 50;

/// Keys as they come in raw mode.
const CONTROL_C: u8 = 0x03;
const CONTROL_L: u8 = 0x0c;
const ESCAPE: u8 = 0x1b;

/// Draws the state at an instant of the monotonic clock.
pub type Painter = fn(&mut Frame<'_>, &Live, u64);

/// The screen that is up, if one is. Whoever takes it out restores the terminal,
/// and nothing is drawn after that.
static UP: Mutex<Option<Up>> = Mutex::new(None);

struct Up {
    /// What standard error was.
    tty: File,
    /// What standard error is now, from its other end.
    words: File,
    /// The last line of it, as far as it has come.
    begun: Vec<u8>,
    /// Whole lines of it.
    lines: Vec<String>,
}

fn up() -> MutexGuard<'static, Option<Up>> {
    UP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same for whoever must not wait: a terminal that takes nothing holds up only
/// the thread that draws.
fn up_soon() -> Option<MutexGuard<'static, Option<Up>>> {
    for _ in 0..PATIENCE {
        match UP.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// Where keys come from: standard input, or the terminal that controls this
/// process. As crossterm chooses the one that it makes raw.
pub(super) fn keys() -> Result<File> {
    let stdin = std::io::stdin();
    Ok(match stdin.is_terminal() {
        true => stdin.as_fd().try_clone_to_owned()?.into(),
        false => File::open("/dev/tty")?,
    })
}

/// Whether there is anywhere that keys could come from.
#[must_use]
pub fn has_keys() -> bool {
    keys().is_ok()
}

/// Leaves the terminal as it was found, and says what others have written
/// meanwhile. Does nothing when nothing was changed.
pub fn restore() {
    echo::restore();
    let Some(mut up) = up_soon().and_then(|mut place| place.take()) else { return };
    let _ = disable_raw_mode();
    let _ = up.tty.queue(LeaveAlternateScreen).and_then(|tty| tty.queue(Show)?.flush());
    let _ = dup2_stderr(&up.tty);
    up.read();
    up.lines.extend((!up.begun.is_empty()).then(|| String::from_utf8_lossy(&up.begun).into()));
    for line in &up.lines {
        let _ = writeln!(up.tty, "{line}");
    }
}

impl Up {
    /// Takes in what others have written; gives the lines that are new.
    fn read(&mut self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let mut new = Vec::new();
        while let Ok(size @ 1..) = self.words.read(&mut bytes) {
            for &byte in &bytes[..size] {
                match byte {
                    b'\n' => {
                        let line = std::mem::take(&mut self.begun);
                        new.push(String::from_utf8_lossy(&line).into_owned());
                    }
                    byte => self.begun.push(byte),
                }
            }
        }
        let room = WORDS_KEPT.saturating_sub(self.lines.len());
        self.lines.extend(new.iter().take(room).cloned());
        new
    }
}

/// Gathers a whole frame, and shows it only while the screen is up.
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
        match up().as_mut() {
            Some(up) => up.tty.write_all(&frame),
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
        restore_whatever_happens();
        let tty = File::from(std::io::stderr().as_fd().try_clone_to_owned()?);
        // Only the reading end: whoever writes to standard error expects it to wait.
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        {
            let mut place = up();
            if place.is_some() {
                bail!("a screen is up already");
            }
            enable_raw_mode().context("--watch: no keys from the terminal")?;
            *place = Some(Up { tty, words: reader.into(), begun: Vec::new(), lines: Vec::new() });
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
        Ok(Self { keys: keys()?, terminal: Terminal::new(CrosstermBackend::new(tty))?, painter })
    }

    /// Deals with keys, as the bytes that they are in raw mode.
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
    fn paint(&mut self, live: &Live, now_ns: u64) -> Result<()> {
        if up().is_none() {
            bail!("the screen was closed");
        }
        let painter = self.painter;
        self.terminal.draw(|frame| {
            painter(frame, live, now_ns);
            // What has changed is found out next.
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
            bail!("the terminal has gone");
        }
        let mut bytes = [0; 64];
        match self.keys.read(&mut bytes)? {
            0 => bail!("the terminal has gone"),
            size => self.press(&bytes[..size], interrupted),
        }
    }

    fn words(&mut self) -> Vec<String> {
        up().as_mut().map_or(Vec::new(), Up::read)
    }

    fn close(&mut self) {
        restore();
    }
}

/// The keys that are a single byte: without the sequences of arrows and the like.
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

/// A panic, of whichever thread, is told on a terminal that is as it was; and so is it
/// left when the harness ends at once.
pub(super) fn restore_whatever_happens() {
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
    fn arrows_and_the_like_are_no_keys() {
        assert_eq!(single_keys(b"\x1b[A\x1b[1;5qx\x1bOqy\x1bqz"), b"xyz");
        assert_eq!(single_keys(b"q\x03"), [b'q', CONTROL_C]);
        for part in [&b"\x1b"[..], b"\x1b[", b"\x1b[1;", b"\x1bO"] {
            assert!(single_keys(part).is_empty());
        }
    }
}
