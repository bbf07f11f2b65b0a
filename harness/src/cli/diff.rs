//! The command line of comparisons between campaigns.

use bench_archive::baseline;
use bench_publish::compare::gate::condition::Condition;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `harness diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The campaign to compare with: its directory, or the name of a baseline
    pub a: String,
    /// The campaign to judge: its directory, or the name of a baseline
    pub b: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,
    /// Only these clients
    #[arg(long, value_name = "CLIENT", num_args = 1..)]
    pub only: Vec<String>,
    /// Only these workloads
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub workload: Vec<String>,
    /// The directory of campaigns and baselines, to find names in [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Output formats of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// Tables for a terminal
    Text,
    /// Markdown for a comment of a pull request
    Md,
    /// One JSON object with every figure
    Json,
}

/// Conditions that a campaign has to meet.
#[derive(Debug, Clone, Default, Args)]
pub struct GateArgs {
    /// Exit with 3 unless this holds: slower:5%, failed, p99<2ms and the like (may be repeated)
    #[arg(long, value_name = "CONDITION")]
    pub fail_on: Vec<Condition>,
}

/// Baselines: campaigns with a name, to compare with.
#[derive(Debug, Clone, Default, Args)]
pub struct BaselineArgs {
    /// Save this campaign as a baseline; replaces the baseline of that name
    #[arg(long, value_name = "NAME", value_parser = baseline::name, conflicts_with = "baseline")]
    pub save_baseline: Option<String>,
    /// Compare with a campaign: the name of a baseline, or a directory
    #[arg(long, value_name = "NAME|DIR")]
    pub baseline: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,
}
