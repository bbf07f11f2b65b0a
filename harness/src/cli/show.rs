//! `harness show`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `harness show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The folder of a campaign
    pub campaign: PathBuf,
    /// As what
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Only these clients
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
    /// Only these workloads
    #[arg(long = "workload", value_name = "NAME")]
    pub workloads: Vec<String>,
}

/// What a saved campaign can be shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and small charts for a terminal
    Text,
    /// The tables in Markdown, as in table.md
    Md,
    /// The page with charts, as report.html
    Html,
    /// All numbers of the tables: a row for each workload, client and metric
    Csv,
    /// What campaign.json says, its rows computed anew
    Json,
    /// Response times of one workload as an HdrHistogram log
    Hlog,
    /// Every sampled tick as a Parquet table
    Parquet,
}
