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
    /// The same as --format html
    #[arg(long, conflicts_with = "format")]
    pub html: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,
    /// Only these clients (may be repeated)
    #[arg(long, value_name = "CLIENT", num_args = 1..)]
    pub only: Vec<String>,
    /// Only these workloads (may be repeated)
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub workload: Vec<String>,
    /// Compare ratios to this client, which both campaigns have, instead of absolute figures: for campaigns of different machines
    #[arg(long, value_name = "CLIENT")]
    pub across_machines: Option<String>,
    /// Where campaigns and baselines are looked up by name [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Output formats of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// Tables for a terminal
    Text,
    /// Markdown for a pull-request comment
    Md,
    /// One JSON object with every figure
    Json,
    /// A page: before and after as arrows, then every figure
    Html,
}

/// Conditions that a campaign has to meet.
#[derive(Debug, Clone, Default, Args)]
pub struct GateArgs {
    /// Exit with 3 if a client is 5 % slower (slower:5%), has no figures any more (failed), or misses an objective (p99<2ms) (may be repeated)
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
    /// Compare ratios to this client, which both campaigns have, instead of absolute figures: for a baseline of another machine
    #[arg(long, value_name = "CLIENT", requires = "baseline")]
    pub across_machines: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,
}
