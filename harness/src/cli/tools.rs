//! The subcommands that run no campaign: `list`, `build`, `new`, `check`, `journey`, `plan`,
//! `doctor`, `completions`, `man`.

use super::source::Source;
use super::values::TemplateValue;
use bench_core::record::cpus::CpuList;
use bench_core::text::units::seconds;
use clap::Args;
use std::path::PathBuf;

/// `harness list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Build and start all of them now, instead of showing what is known from the last time
    #[arg(long)]
    pub probe: bool,
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

/// `harness new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name: lower-case letters, digits and `-`
    pub name: String,
    /// What to start from
    #[arg(long, value_enum)]
    pub template: TemplateValue,
    /// The directory to create [default: clients/NAME]
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
}

/// `harness check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Clients or variants, such as `tokio` or `tokio:current-thread`
    pub clients: Vec<String>,
    /// All clients; variants only if also named
    #[arg(long)]
    pub all: bool,
    /// Only the quick cases, which also run before each campaign
    #[arg(long, visible_alias = "fast")]
    pub quick: bool,
    /// Only this case (may be repeated)
    #[arg(long, value_name = "NAME", conflicts_with = "quick")]
    pub case: Vec<String>,
    /// A variable of the environment that clients get too, besides the few that all get (may be
    /// repeated)
    #[arg(long, value_name = "NAME")]
    pub pass_env: Vec<String>,
    /// List the cases and what each proves; play none
    #[arg(long)]
    pub list: bool,
    /// Write the findings as one JSON object to this file; `-`: standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}

/// `harness journey`
#[derive(Debug, Args)]
pub struct JourneyArgs {
    /// The campaign's directory
    pub campaign: PathBuf,
    /// Only these clients (may be repeated)
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
    /// Only these workloads (may be repeated)
    #[arg(long = "workload", value_name = "NAME")]
    pub workloads: Vec<String>,
    /// Only this round
    #[arg(long)]
    pub round: Option<u32>,
    /// The journey of the tick with this number, or of the next sampled tick
    #[arg(long, conflicts_with = "slowest")]
    pub seq: Option<u64>,
    /// The journeys of each client's N slowest ticks
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10")]
    pub slowest: Option<usize>,
}

/// `harness plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The client or variant
    pub client: String,
    /// The workload
    #[arg(long, default_value = "steady", value_name = "NAME|FILE")]
    pub workload: String,
    /// Address of the server
    #[arg(long, default_value = "ws://127.0.0.1:9001/ticks")]
    pub url: String,
    /// Length of the load, in seconds or as `500ms`
    #[arg(long, default_value = "5", value_name = "TIME", value_parser = seconds)]
    pub seconds: f64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
}

/// `harness doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Write the findings as one JSON object to this file; `-`: standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Exit with 1 when there is a warning
    #[arg(long)]
    pub strict: bool,
    /// CPUs of the server, such as `0` or `0-3,8`
    #[arg(long, value_name = "LIST")]
    pub server_cpus: Option<CpuList>,
    /// CPUs of the client, such as `1` or `4-7`
    #[arg(long, value_name = "LIST")]
    pub client_cpus: Option<CpuList>,
}

/// `harness completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `harness man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Directory for the pages of all subcommands [default: print the main page]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
