//! The files of a run of `harness classic`.

/// The version of `classic.json`.
pub const SCHEMA: u32 = 2;
/// The file of a run's directory with a copy of the data that it was run from.
pub const DATA: &str = "classic.toml";
/// The file with its command, and the experiments that could not be run.
pub const RUN: &str = "run.json";
/// The file with its findings, for programs.
pub const OBJECT: &str = "classic.json";
