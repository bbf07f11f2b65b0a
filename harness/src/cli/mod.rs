//! The command line: types only. One file for a group of subcommands.

mod run;
mod tools;
mod values;

pub use run::{CapacityArgs, CompareArgs, RunArgs, SweepArgs};
pub use tools::{BuildArgs, JourneyArgs, ListArgs, PlanArgs};
pub use values::Rates;

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
