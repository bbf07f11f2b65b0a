//! One file per subcommand, and the exit codes that they share.

pub mod build;
pub mod compare;
pub mod list;
pub mod plan;

/// All rows were measured.
pub const EXIT_MEASURED: u8 = 0;
/// Some row was not measured, or something could not be built.
pub const EXIT_PARTIAL: u8 = 1;
/// The command line or a file that it names is wrong.
pub const EXIT_USAGE: u8 = 2;
/// Ended by Ctrl-C or a termination signal.
pub const EXIT_INTERRUPTED: u8 = 130;
