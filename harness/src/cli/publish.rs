//! `harness publish`.

use clap::Args;
use std::path::PathBuf;

/// `harness publish`
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The folders of campaigns, or of runs of `classic`
    #[arg(required = true)]
    pub campaigns: Vec<PathBuf>,
    /// Put the newest tables between the markers of this Markdown file, such as
    /// `<!-- harness publish: compare -->` and `<!-- harness publish: end -->`: compare,
    /// capacity, sweep, and policies and fan-out, the tables across such workloads (a
    /// campaign of nothing else is no compare)
    #[arg(long, value_name = "FILE.md")]
    pub splice: Option<PathBuf>,
    /// Write nothing: exit with 1 when a file is not what its campaign gives
    #[arg(long)]
    pub check: bool,
    /// Leave the index (README.md and index.html beside the campaigns) as it is
    #[arg(long)]
    pub no_index: bool,
    /// Also write every sampled tick as one table, journeys.parquet
    #[arg(long)]
    pub journeys: bool,
}
