//! The command line: types only. One file for a group of subcommands.

mod classic;
pub mod diff;
pub mod examples;
mod publish;
mod run;
mod show;
mod tools;
mod values;

pub use classic::ClassicArgs;
pub use publish::PublishArgs;
pub use run::{CapacityArgs, CompareArgs, RunArgs, SweepArgs};
pub use show::{Format, ShowArgs};
pub use tools::{
    BuildArgs, CheckArgs, CompletionsArgs, DoctorArgs, JourneyArgs, ListArgs, ManArgs, NewArgs,
    PlanArgs,
};
pub use values::Rates;

use self::diff::DiffArgs;
use crate::console::Level;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

/// Compares WebSocket clients under a fast market-data feed.
#[derive(Debug, Parser)]
#[command(name = "harness", version, after_help = examples::main())]
pub struct Cli {
    /// The folder of the suite [default: this folder or the nearest above it]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Nothing on standard error but errors; results still come on standard output
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Also: what is built by which command, the plan of every round, every remark
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Decided before this is parsed: see [`crate::console::color_before_parsing`].
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// How much is to be said.
    #[must_use]
    pub fn level(&self) -> Level {
        match (self.quiet, self.verbose) {
            (true, _) => Level::Quiet,
            (false, true) => Level::Verbose,
            (false, false) => Level::Usual,
        }
    }
}

/// The tree of commands without what is hidden, for completions and the manual.
#[must_use]
pub fn visible() -> clap::Command {
    without_hidden(&Cli::command())
}

/// Hidden parts cannot be taken from a command: it is made anew without them.
fn without_hidden(full: &clap::Command) -> clap::Command {
    let mut shown = clap::Command::new(full.get_name().to_owned())
        .args(full.get_arguments().filter(|arg| !arg.is_hide_set()).cloned())
        .subcommands(
            full.get_subcommands().filter(|command| !command.is_hide_set()).map(without_hidden),
        )
        .subcommand_required(full.is_subcommand_required_set());
    if let Some(version) = full.get_version() {
        shown = shown.version(version.to_owned());
    }
    if let Some(about) = full.get_about() {
        shown = shown.about(about.clone());
    }
    match full.get_after_help() {
        Some(below) => shown.after_help(below.clone()),
        None => shown,
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the clients and their variants, the servers, and which can run here
    #[command(after_help = examples::LIST)]
    List(ListArgs),
    /// Build the server and the clients
    #[command(after_help = examples::BUILD)]
    Build(BuildArgs),
    /// Write a new client out of a template
    #[command(after_help = examples::NEW)]
    New(NewArgs),
    /// Check that clients keep the contract
    #[command(after_help = examples::CHECK)]
    Check(CheckArgs),
    /// Run clients through workloads and compare them
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Find the highest rate that each client sustains
    #[command(after_help = examples::CAPACITY)]
    Capacity(CapacityArgs),
    /// Compare clients over a range of rates
    #[command(after_help = examples::SWEEP)]
    Sweep(SweepArgs),
    /// Run the older benchmark's experiments anew, and test its claims
    #[command(after_help = examples::CLASSIC)]
    Classic(ClassicArgs),
    /// Show a saved campaign as text, or for other programs
    #[command(after_help = examples::SHOW)]
    Show(ShowArgs),
    /// Compare two saved campaigns
    #[command(after_help = examples::DIFF)]
    Diff(DiffArgs),
    /// Make pages and files of saved campaigns, and the index of all
    #[command(after_help = examples::PUBLISH)]
    Publish(PublishArgs),
    /// Show where the time of a saved campaign's ticks went
    #[command(after_help = examples::JOURNEY)]
    Journey(JourneyArgs),
    /// Print the lines of a plan, to run a client by hand
    #[command(after_help = examples::PLAN)]
    Plan(PlanArgs),
    /// Tell what of this machine will disturb a measurement, and what to do about it
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual, or write all its pages
    #[command(after_help = examples::MAN)]
    Man(ManArgs),
    /// Ends the children of a harness that died (used by the harness itself)
    #[command(hide = true)]
    Guard,
}

/// Where clients come from and how they are built.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A client from elsewhere: its folder or client.toml (may be repeated)
    #[arg(long = "client", value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// The cargo profile to build with
    #[arg(long, default_value = "release", hide = true)]
    pub profile: String,
}
