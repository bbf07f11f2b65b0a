//! Where the app's window is: on the user's display, or on a virtual one of its own.

use nix::sys::prctl;
use nix::sys::signal::Signal;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Mesa's cache of shaders has a thread that may run on any CPU, whichever the client was given.
pub const NO_SHADER_CACHE: (&str, &str) = ("MESA_SHADER_CACHE_DISABLE", "true");

/// A display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Display {
    /// That of the user, by the variable that names it.
    Real(String),
    /// Xvfb, started for this run: `:N`.
    Virtual(String),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// Xvfb cannot be started.
    #[error("there is no display, and Xvfb does not start: {0}: apt-get install xvfb")]
    NotStarted(std::io::Error),
    /// Xvfb has ended without a display.
    #[error("there is no display, and Xvfb offers none")]
    NotOffered,
}

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(name) => write!(f, "on display {name}"),
            Self::Virtual(_) => f.write_str("on a virtual display (Xvfb)"),
        }
    }
}

impl Display {
    /// The display of the environment, or a new one. To be called from the main thread: the
    /// virtual display ends with the thread that starts it.
    pub fn open() -> Result<Self, DisplayError> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match set("WAYLAND_DISPLAY").or_else(|| set("DISPLAY")) {
            Some(name) => Ok(Self::Real(name)),
            None => start_virtual().map(Self::Virtual),
        }
    }
}

/// Starts Xvfb on a free number.
fn start_virtual() -> Result<String, DisplayError> {
    let mut command = Command::new("Xvfb");
    // It writes the number that it found free to its stdout.
    command.args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // A process group of its own, and nothing in its environment by which it could be found and
    // killed: the kernel asks it to end together with this process, however that ends, and so it
    // removes its lock and its socket.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).envs([NO_SHADER_CACHE]).process_group(0);
    let own = nix::unistd::getpid();
    let end_with_this = move || {
        prctl::set_pdeathsig(Signal::SIGTERM)?;
        let is_alive = nix::unistd::getppid() == own;
        is_alive.then_some(()).ok_or_else(|| nix::errno::Errno::ESRCH.into())
    };
    // SAFETY: between fork and exec only system calls are made.
    unsafe { command.pre_exec(end_with_this) };
    let mut server = command.spawn().map_err(DisplayError::NotStarted)?;
    let mut number = String::new();
    if let Some(stdout) = server.stdout.take() {
        // It closes it when it has ended.
        let _ = BufReader::new(stdout).read_line(&mut number);
    }
    match number.trim().parse::<u32>() {
        Ok(number) => Ok(format!(":{number}")),
        Err(_) => Err(DisplayError::NotOffered),
    }
}
