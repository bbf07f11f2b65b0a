//! `harness classic`.

use super::source::Source;
use bench_core::record::cpus::CpuList;
use bench_core::text::units::{seconds, seconds_or_none};
use clap::Args;
use std::path::PathBuf;

/// `harness classic`
#[derive(Debug, Args)]
pub struct ClassicArgs {
    /// Rewrite the report of a saved run without running anything
    #[arg(long, value_name = "DIR", conflicts_with_all = ["rounds", "seconds", "warmup", "out"])]
    pub report: Option<PathBuf>,
    /// With --report: write nothing; exit with 1 when a file differs from what its run gives
    #[arg(long, requires = "report")]
    pub check: bool,
    /// Rounds of each client in each experiment [default: 3, the fewest that allow a verdict]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Length of the measured window, in seconds or as `500ms` [default: 2]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Minimum length of the warm-up, in seconds or as `500ms` [default: 0.5]
    #[arg(long, value_name = "TIME", value_parser = seconds_or_none)]
    pub warmup: Option<f64>,
    /// Seed of the market and of the order of rounds
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// CPUs of the server, such as `0` or `0-3,8`
    #[arg(long, value_name = "LIST")]
    pub server_cpus: Option<CpuList>,
    /// CPUs of the client, such as `1` or `4-7`
    #[arg(long, value_name = "LIST")]
    pub client_cpus: Option<CpuList>,
    /// Directory to create the run's directory in [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Experiments and claims from this file instead of harness/classic
    #[arg(long, value_name = "FILE", hide = true)]
    pub data: Option<PathBuf>,
    /// Skip the quick conformance cases
    #[arg(long, hide = true)]
    pub unchecked: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}
