//! One file per subcommand, and the exit codes that they share.

pub mod build;
pub mod capacity;
pub mod check;
pub mod classic;
pub mod compare;
pub mod completions;
pub mod diff;
pub mod doctor;
pub mod journey;
pub mod list;
pub mod man;
pub mod new;
pub mod plan;
pub mod publish;
pub mod show;
pub mod sweep;

mod setup;
mod versus;

/// Every row has numbers that its audit stands behind, or the command did what
/// was asked.
pub const EXIT_MEASURED: u8 = 0;
/// Some row has none, or something could not be built.
pub const EXIT_PARTIAL: u8 = 1;
/// The command line or a file that it names is wrong.
pub const EXIT_USAGE: u8 = 2;
/// A gate (`--fail-on`) failed.
pub const EXIT_GATE: u8 = 3;
/// It was measured, but could not be saved.
pub const EXIT_UNSAVED: u8 = 4;
/// Ended by Ctrl-C or a termination signal.
pub const EXIT_INTERRUPTED: u8 = 130;

/// All of them, as the help, the manual and the README tell them. They are kept:
/// scripts rely on them.
pub const EXIT_CODES: [(u8, &str); 6] = [
    (
        EXIT_MEASURED,
        "every row has numbers that its audit stands behind, or the command did what was asked",
    ),
    (
        EXIT_PARTIAL,
        "some row has none, or something could not be built; check: a case failed; doctor --strict: there is a warning; publish --check: a file differs",
    ),
    (EXIT_USAGE, "the command line, or a file that it names, is wrong"),
    (EXIT_GATE, "a gate (--fail-on) failed"),
    (EXIT_UNSAVED, "it was measured, but could not be saved"),
    (EXIT_INTERRUPTED, "interrupted; what was measured until then is saved"),
];

/// Whether the reader of our output has gone: it has seen enough (`| head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
