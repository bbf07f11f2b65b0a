//! Messages: results go to standard output, everything else to standard error. `anstream`
//! removes colours where `--color`, `NO_COLOR`, `CLICOLOR` or a pipe asks for it, and terminals
//! whose locale has another encoding than UTF-8 get ASCII.

use anstyle::{AnsiColor, Style};
use bench_core::text::ascii::ascii;
use colorchoice_clap::{Color, ColorChoice};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

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
    shows_ascii_only();
    // Fails only if there is one already, which is then this one.
    let _ = log::set_logger(&Stderr);
}

/// Writes an error, whatever the verbosity is.
pub fn error(message: impl Display) {
    write(format_args!("{RED}error:{RED:#} {message}"));
}

/// Not `eprintln!`, which panics if the terminal was closed.
fn write(message: impl Display) {
    drop(writeln!(anstream::stderr(), "{}", on_stderr(&message.to_string())));
}

/// Prints text on standard output.
pub fn print(text: impl Display) {
    anstream::print!("{}", on_stdout(&text.to_string()));
}

/// Prints a line, or several, on standard output.
pub fn line(text: impl Display) {
    print(format_args!("{text}\n"));
}

/// A text for standard output, as it can be shown there.
#[must_use]
pub fn on_stdout(text: &str) -> Cow<'_, str> {
    if shows_ascii_only().stdout { ascii(text) } else { Cow::Borrowed(text) }
}

/// The same for standard error.
#[must_use]
pub fn on_stderr(text: &str) -> Cow<'_, str> {
    if shows_ascii_only().stderr { ascii(text) } else { Cow::Borrowed(text) }
}

/// Whether standard error shows ASCII only.
#[must_use]
pub fn is_stderr_ascii() -> bool {
    shows_ascii_only().stderr
}

/// Which of the streams are terminals of a locale without UTF-8. Files and pipes get UTF-8.
struct AsciiOnly {
    stdout: bool,
    stderr: bool,
}

/// As it was at first: `--watch` replaces standard error.
fn shows_ascii_only() -> &'static AsciiOnly {
    static FOUND: OnceLock<AsciiOnly> = OnceLock::new();
    FOUND.get_or_init(|| {
        let is_other = has_other_encoding(|name| std::env::var(name).ok());
        AsciiOnly {
            stdout: is_other && std::io::stdout().is_terminal(),
            stderr: is_other && std::io::stderr().is_terminal(),
        }
    })
}

/// Whether the locale has another encoding than UTF-8: by the first variable that is set
/// (locale(7)). Without any, as in containers, terminals mostly show UTF-8.
fn has_other_encoding(variable: impl Fn(&str) -> Option<String>) -> bool {
    let mut names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = names.find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let encoding = locale.map(|locale| locale.to_lowercase().replace('-', ""));
    encoding.is_some_and(|encoding| !encoding.contains("utf8"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_what_its_terminal_shows() {
        let other = |all: &[(&str, &str)]| {
            has_other_encoding(|name| {
                all.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
            })
        };
        for utf8 in ["C.UTF-8", "en_GB.utf8", "de_DE.UTF-8@euro"] {
            assert!(!other(&[("LANG", utf8)]), "{utf8}");
        }
        for (name, value) in [("LANG", "C"), ("LC_CTYPE", "POSIX"), ("LC_ALL", "de_DE.ISO-8859-1")]
        {
            assert!(other(&[(name, value)]), "{name}={value}");
        }
        assert!(other(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]), "the first one that is set");
        assert!(!other(&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")]));
        assert!(!other(&[]), "containers have no locale");
    }
}
