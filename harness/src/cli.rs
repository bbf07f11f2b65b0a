//! The command line: types only.

use crate::affinity::CpuList;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

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

/// `harness compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Clients or variants to compare, such as `tokio` or `tokio:current-thread`
    #[arg(required_unless_present_any = ["all", "extra"])]
    pub clients: Vec<String>,
    /// Compare every client (variants only where they are named besides)
    #[arg(long)]
    pub all: bool,
    /// Workloads: names of harness/workloads or paths of TOML files [default: the default ones]
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub workload: Vec<String>,
    /// Rounds of each client and workload [default: 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Length of the measured window in seconds [default: 2]
    #[arg(long, value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Length of the warm-up before it in seconds [default: 0.5]
    #[arg(long, value_parser = seconds_or_none)]
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
    /// One short round of each: a smoke test, not a measurement to publish
    #[arg(long)]
    pub quick: bool,
    /// Write the rows as one JSON object to a file, or `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Folder for the campaign [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How often counters are read while measuring, in ms
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000), hide = true)]
    pub grid_ms: u64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
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

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=86_400.0).contains(&s) => Ok(s),
        _ => Err("give seconds between 0.1 and 86400".into()),
    }
}

fn seconds_or_none(text: &str) -> Result<f64, String> {
    if text.parse() == Ok(0.0) { Ok(0.0) } else { seconds(text) }
}
