//! One file per subcommand, and the exit codes that they share.

pub mod build;
pub mod capacity;
pub mod compare;
pub mod diff;
pub mod journey;
pub mod list;
pub mod plan;
pub mod sweep;

mod setup;
mod versus;

/// Every row has numbers that its audit stands behind.
pub const EXIT_MEASURED: u8 = 0;
/// Some row has none, or something could not be built.
pub const EXIT_PARTIAL: u8 = 1;
/// The command line or a file that it names is wrong.
pub const EXIT_USAGE: u8 = 2;
/// A condition of `--fail-on` does not hold.
pub const EXIT_GATE: u8 = 3;
/// Ended by Ctrl-C or a termination signal.
pub const EXIT_INTERRUPTED: u8 = 130;
