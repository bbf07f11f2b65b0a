//! `harness publish`.

use clap::Args;
use std::path::PathBuf;

/// `harness publish`
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// Directories of campaigns, or of runs of `classic`
    #[arg(required = true)]
    pub campaigns: Vec<PathBuf>,
    /// Update the chart and the table of the newest comparison between the markers
    /// `<!-- harness publish: compare -->` and `<!-- harness publish: end -->` of this Markdown
    /// file
    #[arg(long, value_name = "FILE.md")]
    pub splice: Option<PathBuf>,
    /// Write nothing; exit with 1 when a file differs from what its campaign gives
    #[arg(long)]
    pub check: bool,
    /// Do not write the index (README.md and index.html beside the campaigns)
    #[arg(long)]
    pub no_index: bool,
    /// Also publish stamps and snapshots (journeys/ and grid/), compressed further
    #[arg(long)]
    pub with_journeys: bool,
    /// Also draw share.svg as share.png, with this machine's fonts: for chats that show no SVG
    #[arg(long, conflicts_with = "check")]
    pub png: bool,
    /// Also write every sampled tick to one table, journeys.parquet
    #[arg(long)]
    pub parquet: bool,
}
