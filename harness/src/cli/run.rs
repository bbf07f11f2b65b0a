//! The subcommands that run campaigns: `compare`, `capacity`, `sweep`.

use super::diff::BaselineArgs;
use super::source::Source;
use super::values::{Rates, StyleValue};
use crate::campaign::running::REPEATS;
use bench_core::analysis::rows::ranks::precision::Goal;
use bench_core::load::server;
use bench_core::record::cpus::CpuList;
use bench_core::text::units::{duration, rate, seconds, seconds_or_none, share};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of every campaign.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Clients or variants, such as `tokio` or `tokio:current-thread`
    #[arg(required_unless_present_any = ["all", "extra"])]
    pub clients: Vec<String>,
    /// All clients; variants only if also named
    #[arg(long)]
    pub all: bool,
    /// The server to run against; `harness list` shows all
    #[arg(long, value_name = "NAME", default_value = server::DEFAULT)]
    pub server: String,
    /// How tick-server paces ticks [default: schedule]
    #[arg(long, value_enum)]
    pub style: Option<StyleValue>,
    /// Length of the measured window, in seconds or as `500ms` [default: 2; capacity: 1.2; sweep: 1]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Minimum length of the warm-up, in seconds or as `500ms` [default: 0.5; capacity and sweep: 0.3]
    #[arg(long, value_name = "TIME", value_parser = seconds_or_none)]
    pub warmup: Option<f64>,
    /// Seed of the market, of random gaps, and of the order of rounds
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// CPUs of the server, such as `0` or `0-3,8`
    #[arg(long, value_name = "LIST")]
    pub server_cpus: Option<CpuList>,
    /// CPUs of the client, such as `1` or `4-7`
    #[arg(long, value_name = "LIST")]
    pub client_cpus: Option<CpuList>,
    /// A variable of the environment that server and clients get too, besides the few that all
    /// get; it is recorded (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub pass_env: Vec<String>,
    /// Write the rows as one JSON object to this file; `-`: standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Parent directory of the campaign's directory [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Show the campaign live, full screen; `q` ends and saves it
    #[arg(long)]
    pub watch: bool,
    /// Skip the quick conformance cases
    #[arg(long, hide = true)]
    pub unchecked: bool,
    /// Time between snapshots, in ms
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000), hide = true)]
    pub grid_ms: u64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub versus: BaselineArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    /// The name of the campaign's directory [default: date, time and host].
    #[arg(skip)]
    pub folder: Option<String>,
}

/// `harness compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
    /// Workloads: names in harness/workloads, or TOML files [default: steady, overload-500k, flood]
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub workload: Vec<String>,
    /// Rounds of each client under each workload, and no further ones [default: 3, then as many as --until needs]
    #[arg(long, conflicts_with = "until", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// After three rounds of each, go on until the 95 % confidence interval of each client's ranked figure is within this share of it [default: 5%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub until: Option<f64>,
    /// Time for measuring, such as `10m`, without builds: no round beyond the first three, and none again, after it [default: 30 s per client and control, at most 10 minutes]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub budget: Option<Duration>,
    /// How often a disturbed round is played again, at most [default: 3; with --quick: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20))]
    pub repeats: Option<u32>,
    /// A client that runs twice, to show the noise of the campaign; may be repeated [default: the first client of class `reference`; with --all also the first simulated one and the first on Node.js]
    #[arg(long, value_name = "NAME")]
    pub control: Vec<String>,
    /// One short round of each: a smoke test, not for publishing
    #[arg(long)]
    pub quick: bool,
    /// A further round of each client, not timed, that counts system calls, context switches, page faults, cycles and so on [default: yes, except with --quick]
    #[arg(long, overrides_with = "no_counters")]
    pub counters: bool,
    /// Leave these rounds out
    #[arg(long, overrides_with = "counters")]
    pub no_counters: bool,
}

/// Without a budget, the time for the rounds of each client and control of a block, and for all.
const EACH: Duration = Duration::from_secs(30);
const ALL: Duration = Duration::from_secs(600);
/// The half width that is gone for without `--until`.
const HALF_WIDTH: f64 = 0.05;

impl CompareArgs {
    /// How exact figures are meant to be, for blocks of so many rounds; `None`: the number of
    /// rounds is given.
    #[must_use]
    pub fn goal(&self, block: usize) -> Option<Goal> {
        let is_fixed = self.rounds.is_some() || (self.quick && self.until.is_none());
        let budget = self.budget.unwrap_or_else(|| (EACH * block as u32).min(ALL));
        let half_width = self.until.unwrap_or(HALF_WIDTH);
        (!is_fixed).then_some(Goal { half_width, budget_ns: budget.as_nanos() as u64 })
    }

    /// Whether each client has a further round with counters.
    #[must_use]
    pub fn has_counters(&self) -> bool {
        self.counters || !(self.no_counters || self.quick)
    }
}

/// `harness capacity`
#[derive(Debug, Args)]
pub struct CapacityArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
    /// The workload whose rate is varied
    #[arg(long, default_value = "steady", value_name = "NAME|FILE")]
    pub workload: String,
    /// The p99 of the response time must be within this
    #[arg(long, default_value = "10ms", value_name = "TIME", value_parser = duration)]
    pub p99: Duration,
    /// Time limit for each client's search
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = duration)]
    pub budget: Duration,
    /// The lowest rate tried, in ticks/s, such as 1000 or 1k
    #[arg(long, default_value = "1k", value_name = "RATE", value_parser = rate)]
    pub lowest: u64,
    /// The highest rate tried, in ticks/s
    #[arg(long, default_value = "100M", value_name = "RATE", value_parser = rate)]
    pub highest: u64,
    /// New rounds that must sustain the rate found
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..=20))]
    pub confirmations: u32,
}

/// `harness sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
    /// The workload whose rate is varied
    #[arg(long, default_value = "steady", value_name = "NAME|FILE")]
    pub workload: String,
    /// Rates in ticks/s, such as `10k,50k,1M`; `auto`: around the clients' capacities
    #[arg(long, default_value = "auto", value_name = "RATES|auto")]
    pub rates: Rates,
    /// Rounds of each client at each rate
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// How often a disturbed round is played again, at most
    #[arg(long, value_name = "N", default_value_t = REPEATS, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub repeats: u32,
    /// The client that runs twice [default: the first client of class `reference`]
    #[arg(long, value_name = "NAME")]
    pub control: Option<String>,
}
