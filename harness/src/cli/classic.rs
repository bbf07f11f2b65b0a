//! `harness classic`.

use super::Source;
use crate::affinity::CpuList;
use crate::units::{seconds, seconds_or_none};
use clap::Args;
use std::path::PathBuf;

/// `harness classic`
#[derive(Debug, Args)]
pub struct ClassicArgs {
    /// Run nothing: make the report of a saved run again
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["rounds", "seconds", "warmup", "out"])]
    pub report: Option<PathBuf>,
    /// With --report: write nothing, exit with 1 when a file is not what its folder gives
    #[arg(long, requires = "report")]
    pub check: bool,
    /// Rounds of each client in each experiment [default: 3, the least that a verdict takes]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Length of the measured window: seconds, or a time such as `500ms` [default: 2]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Length of the warm-up before it: at least so long [default: 0.5]
    #[arg(long, value_name = "TIME", value_parser = seconds_or_none)]
    pub warmup: Option<f64>,
    /// Seed of the market and of the order of rounds
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// CPUs of the server, such as `0` or `0-3,8`
    #[arg(long, value_name = "LIST")]
    pub server_cpus: Option<CpuList>,
    /// CPUs of the client
    #[arg(long, value_name = "LIST")]
    pub client_cpus: Option<CpuList>,
    /// Folder for the run's own [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Other experiments and claims than those of harness/classic
    #[arg(long, value_name = "FILE", hide = true)]
    pub data: Option<PathBuf>,
    /// Do not play the quick part of `check` first
    #[arg(long, hide = true)]
    pub unchecked: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}
