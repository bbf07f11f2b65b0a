//! What is said to people: how much of it, and in which colours. Results go to
//! standard output, everything else to standard error. `anstream` takes the
//! colours out where `--color`, `NO_COLOR`, `CLICOLOR` or a pipe asks for it.

use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Errors only.
    Quiet,
    /// What a user wants to know.
    Usual,
    /// Also what is built by which command, every plan, every remark.
    Verbose,
}

// One state for the process: a level in every signature, down to the build,
// would be noise.
static LEVEL: AtomicU8 = AtomicU8::new(Level::Usual as u8);

/// Decides it for the whole process.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// What was decided.
#[must_use]
pub fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        0 => Level::Quiet,
        1 => Level::Usual,
        _ => Level::Verbose,
    }
}

/// Of errors.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// Of warnings.
pub const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Says something on standard error, unless it has to be quiet.
pub fn say(words: impl Display) {
    if level() > Level::Quiet {
        write(words);
    }
}

/// Says what only `-v` asks for.
pub fn detail(words: impl Display) {
    if level() == Level::Verbose {
        write(words);
    }
}

/// Warns, unless it has to be quiet.
pub fn warn(words: impl Display) {
    say(format_args!("{YELLOW}warning:{YELLOW:#} {words}"));
}

/// Tells an error, always.
pub fn error(words: impl Display) {
    write(format_args!("{RED}error:{RED:#} {words}"));
}

/// Not by `eprintln!`, which panics where a terminal has gone.
fn write(words: impl Display) {
    drop(writeln!(anstream::stderr(), "{words}"));
}

/// The colours that the command line asks for, read before it is parsed: help
/// and errors of the parser have colours too. The last `--color` counts; a
/// wrong one is the parser's to complain about.
pub fn color_before_parsing(args: impl Iterator<Item = std::ffi::OsString>) {
    use colorchoice_clap::{Color, ColorChoice};
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
    let choice = asked.and_then(|word| word.parse().ok());
    Color { color: choice.unwrap_or(ColorChoice::Auto) }.write_global();
}
