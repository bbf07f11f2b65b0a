//! The contenders, and how each is started.

use crate::process;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server that sends every tick to all of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Contender {
    /// The server of this suite, standalone
    TickServer,
    /// The same with `--batch-us 1000`: about the same as a timer of a millisecond
    TickServerBatched,
    /// No WebSocket library: one `write` per tick and connection
    Bare,
    /// tokio-tungstenite: a task per connection sends tick by tick
    TungsteniteSend,
    /// tokio-tungstenite: a channel per connection is forwarded into its sink
    TungsteniteForward,
    /// Node.js with ws: `client.send` for each client
    Ws,
    /// Bun: `server.publish`, which is built on uWebSockets
    Bun,
    /// uWebSockets with Python above it: `app.publish`
    Socketify,
}

/// The directory of the contenders in other languages.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/fan_out")
}

impl Contender {
    /// Its name in tables and on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Why it cannot run here, if it cannot: what is missing, and what to do about it.
    #[must_use]
    pub fn unavailable(self) -> Option<String> {
        let mut probe = match self {
            Self::TickServer
            | Self::TickServerBatched
            | Self::Bare
            | Self::TungsteniteSend
            | Self::TungsteniteForward => return None,
            Self::Ws => node(&["--input-type=module", "--eval", "import 'ws'"]),
            Self::Bun => match bun() {
                Ok(bun) => command(bun, &["--version"]),
                Err(error) => return Some(error.to_string()),
            },
            Self::Socketify => command(python(), &["-c", "import socketify"]),
        };
        let probe = probe.current_dir(directory()).stdin(Stdio::null()).output();
        match probe {
            Ok(done) if done.status.success() => None,
            Ok(done) => {
                let stderr = String::from_utf8_lossy(&done.stderr);
                let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
                Some(format!("{}; see README.md beside it", last.unwrap_or("it fails").trim()))
            }
            Err(error) => Some(format!("{error}; see README.md beside it")),
        }
    }

    /// Starts it on one CPU. It begins to pace when all connections are there; the tick
    /// server begins at once.
    ///
    /// # Errors
    /// When it does not start, or does not print its address.
    pub fn start(self, load: Load, cpu: usize) -> Result<Running> {
        let Load { rate_per_s, connections, send_buffer_bytes } = load;
        let own = std::env::current_exe()?;
        let mut command = match self {
            Self::TickServer => tick_server(&[]),
            Self::TickServerBatched => tick_server(&["--batch-us", "1000"]),
            Self::Bare => command(own, &["serve", "bare"]),
            Self::TungsteniteSend => command(own, &["serve", "tungstenite-send"]),
            Self::TungsteniteForward => command(own, &["serve", "tungstenite-forward"]),
            Self::Ws => node(&["ws.mjs"]),
            Self::Bun => command(bun()?, &["publish.bun.mjs"]),
            Self::Socketify => command(python(), &["publish_socketify.py"]),
        };
        command.args(["--rate", &rate_per_s.to_string()]);
        let is_tick_server = matches!(self, Self::TickServer | Self::TickServerBatched);
        if !is_tick_server {
            command.args(["--connections", &connections.to_string()]);
        }
        if let Some(bytes) = send_buffer_bytes {
            if !is_tick_server {
                bail!("{}: its send buffers cannot be set, so none would stall", self.name());
            }
            command.args(["--send-buffer", &bytes.to_string()]);
        }
        command.current_dir(directory()).stdin(Stdio::null()).stdout(Stdio::null());
        Running::spawn(command.stderr(Stdio::piped()), cpu)
            .with_context(|| format!("starting {}", self.name()))
    }
}

fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// The server of this suite. It ends by itself if the bench cannot end it.
fn tick_server(args: &[&str]) -> Command {
    let usual = ["--format", "binary", "--port", "0", "--duration", "600", "--log", "warn"];
    let all_from_here = ["--max-connections-per-address", "1000000"];
    let args = [&usual[..], &all_from_here, args].concat();
    command(env!("CARGO_BIN_EXE_tick-server"), &args)
}

fn node(args: &[&str]) -> Command {
    command("node", args)
}

/// The interpreter of the virtual environment.
fn python() -> PathBuf {
    directory().join(".venv/bin/python")
}

/// The program of Bun, from the package of this platform, which needs no install script.
fn bun() -> Result<PathBuf> {
    let packages = directory().join("node_modules/@oven");
    let found = packages.read_dir().into_iter().flatten().flatten();
    let mut programs = found.map(|package| package.path().join("bin/bun"));
    programs.find(|path| path.exists()).context("bun is not installed; see README.md beside it")
}

/// The load that a server gets.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Ticks per second, each to every connection.
    pub rate_per_s: u64,
    /// Connections that will be opened.
    pub connections: u64,
    /// `SO_SNDBUF` of each.
    pub send_buffer_bytes: Option<u32>,
}

/// A running server, which is killed when dropped.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Running {
    fn spawn(command: &mut Command, cpu: usize) -> Result<Self> {
        let prepare = move || {
            process::pin(cpu)?;
            // It must not outlive the bench.
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
            Ok(())
        };
        // SAFETY: both are plain system calls, and allocate nothing.
        let command = unsafe { command.pre_exec(prepare) };
        let mut child = Guard(Some(command.spawn()?));
        let stderr = child.0.as_mut().and_then(|child| child.stderr.take()).context("piped")?;
        let mut lines = BufReader::new(stderr);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                bail!("it ended before it printed its address");
            }
            let host = line.trim().strip_prefix("ws://").and_then(|url| url.split('/').next());
            match host.map(str::parse) {
                Some(address) => break address?,
                None => eprint!("{line}"),
            }
        };
        // What it prints later must neither fill the pipe nor be lost.
        std::thread::spawn(move || {
            for line in lines.lines().map_while(std::io::Result::ok) {
                eprintln!("  {line}");
            }
        });
        let child = child.0.take().context("spawned")?;
        Ok(Self { child, address })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a child that has not yet printed its address.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.as_mut().map(end);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
