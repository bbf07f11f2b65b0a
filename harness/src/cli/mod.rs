//! The command line: types only. One file per group of subcommands.

mod classic;
pub mod diff;
pub mod examples;
mod publish;
mod run;
mod show;
mod source;
mod tools;
mod values;

pub use classic::ClassicArgs;
pub use publish::PublishArgs;
pub use run::{CapacityArgs, CompareArgs, RunArgs, SweepArgs};
pub use show::ShowArgs;
pub use source::Source;
pub use tools::{
    BuildArgs, CheckArgs, CompletionsArgs, DoctorArgs, JourneyArgs, ListArgs, ManArgs, NewArgs,
    PlanArgs,
};
pub use values::{Rates, StyleValue};

use self::diff::DiffArgs;
use crate::console::Verbosity;
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

/// Compares WebSocket clients under a fast market-data feed
#[derive(Debug, Parser)]
#[command(name = "harness", version, after_help = examples::main())]
pub struct Cli {
    /// The suite's directory [default: the nearest at or above the working directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Print only errors on standard error; results go to standard output as usual
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Also print build commands, the plan of every round, and every remark
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Parsed before the rest: see [`crate::console::color_before_parsing`].
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// How much is printed on standard error.
    #[must_use]
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Usual,
        }
    }
}

/// The tree of commands without hidden parts, for completions and the manual.
#[must_use]
pub fn visible() -> clap::Command {
    without_hidden(&Cli::command())
}

/// Hidden parts cannot be removed from a command: it is built again without them.
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
    /// List clients, their variants and servers, and which of them can run here
    #[command(after_help = examples::LIST)]
    List(ListArgs),
    /// Build the server and the clients
    #[command(after_help = examples::BUILD)]
    Build(BuildArgs),
    /// Create a new client from a template
    #[command(after_help = examples::NEW)]
    New(NewArgs),
    /// Check clients against the contract
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
    /// Repeat the older benchmark's experiments, and test its claims
    #[command(after_help = examples::CLASSIC)]
    Classic(ClassicArgs),
    /// Show a saved campaign as text or in another format
    #[command(after_help = examples::SHOW)]
    Show(ShowArgs),
    /// Compare two saved campaigns
    #[command(after_help = examples::DIFF)]
    Diff(DiffArgs),
    /// Write the pages and files of saved campaigns, and an index of them
    #[command(after_help = examples::PUBLISH)]
    Publish(PublishArgs),
    /// Show how the response time of a saved campaign's ticks divides among the stages
    #[command(after_help = examples::JOURNEY)]
    Journey(JourneyArgs),
    /// Print a plan, to run a client on its own
    #[command(after_help = examples::PLAN)]
    Plan(PlanArgs),
    /// Report what on this machine can disturb measurements, and what to do about it
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Print the completion script of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual, or write its pages
    #[command(after_help = examples::MAN)]
    Man(ManArgs),
    /// End the children of a harness that died (used by the harness itself)
    #[command(hide = true)]
    Guard,
}
