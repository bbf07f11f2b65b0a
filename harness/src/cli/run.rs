//! The subcommands that run campaigns: `compare`, `capacity`, `sweep`.

use super::Source;
use super::diff::BaselineArgs;
use super::values::Rates;
use crate::affinity::CpuList;
use crate::servers::{self, Style};
use crate::units::{duration, rate, seconds, seconds_or_none};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What every campaign asks.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Clients or variants, such as `tokio` or `tokio:current-thread`
    #[arg(required_unless_present_any = ["all", "extra"])]
    pub clients: Vec<String>,
    /// Every client (variants only where they are named besides)
    #[arg(long)]
    pub all: bool,
    /// The server to run them against (`harness list` shows all)
    #[arg(long, value_name = "NAME", default_value = servers::DEFAULT)]
    pub server: String,
    /// How tick-server paces [default: by its schedule]
    #[arg(long, value_name = "STYLE", value_enum)]
    pub style: Option<Style>,
    /// Length of the measured window: seconds, or a time such as `500ms`
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Length of the warm-up before it: at least so long
    #[arg(long, value_name = "TIME", value_parser = seconds_or_none)]
    pub warmup: Option<f64>,
    /// Seed of the market, of random gaps, and of the order of rounds
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// CPUs of the server, such as `0` or `0-3,8`
    #[arg(long, value_name = "LIST")]
    pub server_cpus: Option<CpuList>,
    /// CPUs of the client
    #[arg(long, value_name = "LIST")]
    pub client_cpus: Option<CpuList>,
    /// Write the rows as one JSON object to a file, or `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Folder for the campaign [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Show the whole campaign live on the terminal; `q` ends it, saved
    #[arg(long)]
    pub watch: bool,
    /// Do not play the quick part of `check` first
    #[arg(long, hide = true)]
    pub unchecked: bool,
    /// How often counters are read while measuring, in ms
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000), hide = true)]
    pub grid_ms: u64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub versus: BaselineArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    /// The name of the campaign's folder [default: date, time and host].
    #[arg(skip)]
    pub folder: Option<String>,
}

/// `harness compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
    /// Workloads: names of harness/workloads or paths of TOML files [default: the default ones]
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub workload: Vec<String>,
    /// Rounds of each client and workload [default: 3; 5 or more for tests between clients]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// The client that is entered twice, to show the noise of the campaign [default: the first yardstick]
    #[arg(long, value_name = "NAME")]
    pub control: Option<String>,
    /// One short round of each: a smoke test, not a measurement to publish
    #[arg(long)]
    pub quick: bool,
}

/// `harness capacity`
#[derive(Debug, Args)]
pub struct CapacityArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
    /// The load whose rate is varied
    #[arg(long, default_value = "steady", value_name = "NAME|FILE")]
    pub workload: String,
    /// The p99 of the response time has to stay below this
    #[arg(long, default_value = "10ms", value_name = "TIME", value_parser = duration)]
    pub p99: Duration,
    /// Time for each client
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = duration)]
    pub budget: Duration,
    /// The first rate, below which no capacity is looked for, such as 1000 or 1k
    #[arg(long, default_value = "1k", value_name = "RATE", value_parser = rate)]
    pub lowest: u64,
    /// No rate is tried above this
    #[arg(long, default_value = "100M", value_name = "RATE", value_parser = rate)]
    pub highest: u64,
    /// Fresh rounds that have to sustain the rate that was found
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..=20))]
    pub confirmations: u32,
}

/// `harness sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
    /// The load whose rate is varied
    #[arg(long, default_value = "steady", value_name = "NAME|FILE")]
    pub workload: String,
    /// Rates such as `10k,50k,1M`; or `auto`: around the clients' capacities
    #[arg(long, default_value = "auto", value_name = "RATES|auto")]
    pub rates: Rates,
    /// Rounds of each client and rate [default: 3]
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// The client that is entered twice [default: the first yardstick]
    #[arg(long, value_name = "NAME")]
    pub control: Option<String>,
}
