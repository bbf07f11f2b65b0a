//! Messages: results go to standard output, everything else to standard error. `anstream`
//! removes colours where `--color`, `NO_COLOR`, `CLICOLOR` or a pipe asks for it.

use anstyle::{AnsiColor, Style};
use colorchoice_clap::{Color, ColorChoice};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;

/// Style of errors.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// Style of warnings.
pub const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// How much is printed on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Also warnings and progress.
    Usual,
    /// Also build commands, plans and remarks.
    Verbose,
}

/// Writes log records to standard error.
struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        match record.level() {
            _ if !self.enabled(record.metadata()) => {}
            Level::Error => error(record.args()),
            Level::Warn => write(format_args!("{YELLOW}warning:{YELLOW:#} {}", record.args())),
            _ => write(record.args()),
        }
    }

    fn flush(&self) {}
}

/// Installs the logger of the process.
pub fn init(verbosity: Verbosity) {
    log::set_max_level(match verbosity {
        Verbosity::Quiet => LevelFilter::Error,
        Verbosity::Usual => LevelFilter::Info,
        Verbosity::Verbose => LevelFilter::Debug,
    });
    // Fails only if there is one already, which is then this one.
    let _ = log::set_logger(&Stderr);
}

/// Writes an error, whatever the verbosity is.
pub fn error(message: impl Display) {
    write(format_args!("{RED}error:{RED:#} {message}"));
}

/// Not `eprintln!`, which panics if the terminal was closed.
fn write(message: impl Display) {
    drop(writeln!(anstream::stderr(), "{message}"));
}

/// Sets the colours that the command line asks for before it is parsed, as help and errors
/// of the parser have colours too. The last `--color` counts; the parser rejects a wrong one.
pub fn color_before_parsing(args: impl Iterator<Item = OsString>) {
    let mut asked = None;
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        match arg.strip_prefix("--color") {
            Some("") => asked = args.next(),
            Some(value) => asked = value.strip_prefix('=').map(str::to_owned),
            None if arg == "--" => break,
            None => {}
        }
    }
    let choice = asked.and_then(|value| value.parse().ok());
    Color { color: choice.unwrap_or(ColorChoice::Auto) }.write_global();
}
