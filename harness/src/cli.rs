//! The command line: types only.

use crate::affinity::CpuList;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Compares WebSocket clients under a fast market-data feed.
#[derive(Debug, Parser)]
#[command(name = "harness", version)]
pub struct Cli {
    /// The folder of the suite [default: this folder or the nearest above it]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the clients and their variants, and which can run here
    List(ListArgs),
    /// Build the server and the clients
    Build(BuildArgs),
    /// Run clients through workloads and compare them
    Compare(CompareArgs),
    /// Find the highest rate that each client sustains
    Capacity(CapacityArgs),
    /// Compare clients over a range of rates
    Sweep(SweepArgs),
    /// Show where the time of a saved campaign's ticks went
    Journey(JourneyArgs),
    /// Print the lines of a plan, to run a client by hand
    Plan(PlanArgs),
    /// Ends the children of a harness that died (used by the harness itself)
    #[command(hide = true)]
    Guard {
        /// The private folder to remove in the end
        room: Option<PathBuf>,
    },
}

/// Where clients come from and how they are built.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A client from elsewhere: its client.toml (may be repeated)
    #[arg(long = "client", value_name = "CLIENT.TOML")]
    pub extra: Vec<PathBuf>,
    /// The cargo profile to build with
    #[arg(long, default_value = "release", hide = true)]
    pub profile: String,
}

/// `harness list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}

/// `harness build`
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Clients to build [default: all]
    pub clients: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}

/// What every campaign asks.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Clients or variants, such as `tokio` or `tokio:current-thread`
    #[arg(required_unless_present_any = ["all", "extra"])]
    pub clients: Vec<String>,
    /// Every client (variants only where they are named besides)
    #[arg(long)]
    pub all: bool,
    /// Length of the measured window in seconds
    #[arg(long, value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Length of the warm-up before it in seconds: at least so long
    #[arg(long, value_parser = seconds_or_none)]
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
    /// How often counters are read while measuring, in ms
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000), hide = true)]
    pub grid_ms: u64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
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
    #[arg(long, default_value = "10ms", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub p99: Duration,
    /// Time for each client
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = humantime::parse_duration)]
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

/// `harness journey`
#[derive(Debug, Args)]
pub struct JourneyArgs {
    /// The folder of a campaign
    pub campaign: PathBuf,
    /// Only these clients
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
    /// Only these workloads
    #[arg(long = "workload", value_name = "NAME")]
    pub workloads: Vec<String>,
    /// Only this round
    #[arg(long)]
    pub round: Option<u32>,
    /// The journey of one tick; the next sampled one where it is none
    #[arg(long, conflicts_with = "slowest")]
    pub seq: Option<u64>,
    /// The recording that a replay was made from, for its due times
    #[arg(long, value_name = "FILE.csv")]
    pub tape: Option<PathBuf>,
    /// The journeys of so many of the slowest ticks of each client
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10")]
    pub slowest: Option<usize>,
}

/// `--rates` of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rates {
    /// Around the clients' capacities.
    Auto,
    /// These, ascending.
    Given(Vec<u64>),
}

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let mut rates = text.split(',').map(rate).collect::<Result<Vec<u64>, _>>()?;
        rates.sort_unstable();
        rates.dedup();
        Ok(Self::Given(rates))
    }
}

/// `harness plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The client or variant
    pub client: String,
    /// The workload
    #[arg(long, default_value = "steady", value_name = "NAME|FILE")]
    pub workload: String,
    /// Where the server listens
    #[arg(long, default_value = "ws://127.0.0.1:9001/ticks")]
    pub url: String,
    /// Length of the load in seconds
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub seconds: f64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}

/// A rate such as `50000`, `50k` or `1.5M`, in ticks per second.
fn rate(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix('M').map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    match digits.parse::<f64>().map(|n| n * unit) {
        Ok(rate) if (1.0..=1e8).contains(&rate) => Ok(rate as u64),
        _ => Err(format!("`{text}` is no rate between 1 and 100M, such as 50000, 50k or 1.5M")),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=86_400.0).contains(&s) => Ok(s),
        _ => Err("give seconds between 0.1 and 86400".into()),
    }
}

fn seconds_or_none(text: &str) -> Result<f64, String> {
    if text.parse() == Ok(0.0) { Ok(0.0) } else { seconds(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!(
            ["1", "50k", "1.5M", "100M"].map(|text| rate(text).unwrap()),
            [1, 50_000, 1_500_000, 100_000_000]
        );
        for wrong in ["", "k", "0", "200M", "-5", "1e9", "NaN", "fast"] {
            assert!(rate(wrong).unwrap_err().contains("is no rate"), "{wrong}");
        }
        assert_eq!("50k,10k,50k".parse(), Ok(Rates::Given(vec![10_000, 50_000])));
        assert_eq!("auto".parse(), Ok(Rates::Auto));
    }
}
