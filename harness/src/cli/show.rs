//! `harness show`.

use super::values::FormatValue;
use bench_publish::export::Format;
use clap::Args;
use std::path::PathBuf;

/// `harness show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The campaign's directory
    pub campaign: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = FormatValue(Format::Text))]
    pub format: FormatValue,
    /// Only these clients (may be repeated)
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
    /// Only these workloads (may be repeated)
    #[arg(long = "workload", value_name = "NAME")]
    pub workloads: Vec<String>,
    /// Every round, a line each, instead of the tables
    #[arg(long, conflicts_with = "format")]
    pub rounds: bool,
}
