//! Files that are read again while the server runs: certificate, key and token. On SIGHUP, and
//! when they have changed; what cannot be used leaves the old one in force.

use crate::accept::access::Token;
use crate::accept::certificate;
use crate::accept::current::Current;
use anyhow::{Context, Result};
use contract::signals;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustls::ServerConfig;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// How often the files are looked at. Certificate and key are written one after the other, so
/// that a change counts once it has lasted from one look to the next.
const EVERY_MS: u16 = 1_000;

/// SIGHUP, where it means to read the files again.
#[derive(Debug)]
pub struct Hangup(Option<SignalFd>);

impl Hangup {
    /// Takes SIGHUP from this thread and all that it starts, unless the parent ignores it.
    ///
    /// # Errors
    /// When the kernel has no signalfd.
    pub fn take() -> Result<Self> {
        if signals::is_ignored(Signal::SIGHUP) {
            return Ok(Self(None));
        }
        let signals = SigSet::from_iter([Signal::SIGHUP]);
        signals.thread_block()?;
        let fd = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        Ok(Self(Some(fd.context("cannot watch for SIGHUP")?)))
    }

    /// Waits for it at most for that long; gives whether it has come.
    fn wait(&mut self, limit_ms: u16) -> bool {
        let Some(fd) = &mut self.0 else {
            std::thread::sleep(Duration::from_millis(limit_ms.into()));
            return false;
        };
        let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut polled, PollTimeout::from(limit_ms));
        matches!(fd.read_signal(), Ok(Some(_)))
    }
}

/// A file, or a pair of files, with what was read from it.
#[derive(Debug)]
pub enum Renewable {
    /// A certificate with its chain, and its key.
    Certificate {
        /// The file of the chain.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What new connections get.
        current: Current<Arc<ServerConfig>>,
    },
    /// A token.
    Token {
        /// Its file.
        file: PathBuf,
        /// What new clients have to present.
        current: Current<Token>,
    },
}

/// What tells that a file was changed or replaced.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl Renewable {
    fn files(&self) -> Vec<&Path> {
        match self {
            Self::Certificate { cert, key, .. } => vec![cert, key],
            Self::Token { file, .. } => vec![file],
        }
    }

    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |path: &&Path| -> Stamp {
            let file = std::fs::metadata(path).ok()?;
            Some((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
        };
        self.files().iter().map(stamp).collect()
    }

    fn read(&self) -> Result<()> {
        match self {
            Self::Certificate { cert, key, current } => current.set(certificate::load(cert, key)?),
            Self::Token { file, current } => current.set(Token::read(file)?.0),
        }
        Ok(())
    }

    /// Reads it again, and logs what came of it.
    fn renew(&self) {
        let shown: Vec<_> = self.files().iter().map(|path| path.display().to_string()).collect();
        let shown = shown.join(" and ");
        match self.read() {
            Ok(()) => info!("{shown} read again: new connections use it"),
            Err(error) => warn!("{error:#}: the one from before stays in use"),
        }
    }
}

/// Watches files from now on, in a thread of its own.
///
/// # Errors
/// When the thread cannot be started.
pub fn watch(files: Vec<Renewable>, mut hangup: Hangup) -> Result<()> {
    let mut watched: Vec<(Renewable, Change<Vec<Stamp>>)> = files
        .into_iter()
        .map(|file| {
            let change = Change::new(file.stamps());
            (file, change)
        })
        .collect();
    let watch = move || loop {
        let asked = hangup.wait(EVERY_MS);
        for (file, change) in &mut watched {
            if change.is_due(file.stamps(), asked) {
                file.renew();
            }
        }
    };
    std::thread::Builder::new().name("renewal".into()).spawn(watch)?;
    Ok(())
}

/// Whether files have changed since they were read.
#[derive(Debug)]
struct Change<T> {
    read: T,
    seen: T,
}

impl<T: PartialEq + Clone> Change<T> {
    fn new(stamps: T) -> Self {
        Self { read: stamps.clone(), seen: stamps }
    }

    /// Whether to read them again: when asked, and when a change has lasted for one look.
    fn is_due(&mut self, stamps: T, asked: bool) -> bool {
        let has_lasted = stamps == self.seen;
        self.seen = stamps;
        let is_due = asked || has_lasted && self.seen != self.read;
        if is_due {
            self.read = self.seen.clone();
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_and_when_it_has_lasted() {
        let mut change = Change::new(1);
        let due = [1, 2, 2, 2, 3, 4, 4, 1, 1].map(|stamp| change.is_due(stamp, false));
        assert_eq!(due, [false, false, true, false, false, false, true, false, true]);
        assert!(change.is_due(1, true));
        assert!(!change.is_due(1, false));
    }
}
