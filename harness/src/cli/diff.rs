//! The command line of comparisons between campaigns.

use crate::baseline;
use crate::gate::Condition;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `harness diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The campaign to compare with: its folder, or the name of a baseline
    pub a: String,
    /// The campaign that is judged
    pub b: String,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,
    /// Only these clients
    #[arg(long, value_name = "CLIENT", num_args = 1..)]
    pub only: Vec<String>,
    /// Only these workloads
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub workload: Vec<String>,
    /// The folder of campaigns and baselines, for names [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// How a diff is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for a terminal
    Text,
    /// Markdown for a comment of a pull request
    Md,
    /// One object with every number
    Json,
}

/// What fails a run.
#[derive(Debug, Clone, Default, Args)]
pub struct GateArgs {
    /// End with exit code 3 when this does not hold, such as slower:5%, failed or p99<2ms (may be repeated)
    #[arg(long, value_name = "CONDITION")]
    pub fail_on: Vec<Condition>,
}

/// Campaigns that are remembered, and compared with.
#[derive(Debug, Clone, Default, Args)]
pub struct BaselineArgs {
    /// Remember this campaign under a name; an older one of that name is replaced
    #[arg(long, value_name = "NAME", value_parser = baseline::name, conflicts_with = "baseline")]
    pub save_baseline: Option<String>,
    /// Compare with a campaign: the name of a baseline, or a folder
    #[arg(long, value_name = "NAME|DIR")]
    pub baseline: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,
}
