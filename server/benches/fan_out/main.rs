//! The cost of fan-out: the tick server beside other ways to send each tick to many
//! connections, by ticks delivered per second of the server's CPU time, memory per idle
//! connection, and the effect of one stalled connection on the others.
//!
//! `cargo bench -p tick-server --bench fan_out -- --help`; see README.md here.

mod contender;
mod others;
mod pacer;
mod process;
mod receiver;
mod report;
mod rounds;
mod stalled;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use contender::Contender;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use others::Style;
use std::process::ExitCode;
use std::time::Duration;

/// Descriptors for everything except the connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// Compares ways to send every tick to many WebSocket connections.
#[derive(Debug, Parser)]
#[command(name = "fan_out")]
struct Args {
    #[command(subcommand)]
    serve: Option<Serve>,
    /// What to measure [default: all three]
    #[arg(long, value_enum, value_delimiter = ',')]
    part: Vec<Part>,
    /// Contenders to measure [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    contender: Vec<Contender>,
    /// Numbers of connections [default: 1,10,100,1000; idle: 1000,5000]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=10_000))]
    connections: Vec<u64>,
    /// Ticks per second, each to every connection [default: by the connections]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    rate: Vec<u64>,
    /// Rounds: each has every case once, in a shuffled order
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Time before the window, in ms
    #[arg(long, default_value_t = 1000)]
    warm_up_ms: u64,
    /// Time in which ticks are counted, in ms
    #[arg(long, default_value_t = 2000)]
    window_ms: u64,
    /// Seed of the order of the cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// One of the servers that are part of this program.
#[derive(Debug, Subcommand)]
enum Serve {
    /// Serves ticks, as one of the contenders
    #[command(hide = true)]
    Serve {
        #[arg(value_enum)]
        style: Style,
        #[arg(long)]
        rate: u64,
        #[arg(long)]
        connections: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Ticks delivered per second of the server's CPU time
    Delivered,
    /// Memory per idle connection
    Idle,
    /// One connection that never reads, among 100 (tick-server only, unless named)
    Stalled,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.serve {
        Some(Serve::Serve { style, rate, connections }) => others::serve(style, rate, connections),
        None => measure(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fan_out: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(args: &Args) -> Result<()> {
    if args.rounds == 0 || args.window_ms == 0 {
        bail!("--rounds and --window-ms: give at least 1");
    }
    let most = args.connections.iter().copied().max().unwrap_or(5_000);
    allow_descriptors(most + OTHER_DESCRIPTORS)?;
    let (server_cpu, receiver_cpu) = two_cpus()?;
    process::pin(receiver_cpu)?;
    let setup = rounds::Setup {
        server_cpu,
        warm_up: Duration::from_millis(args.warm_up_ms),
        window: Duration::from_millis(args.window_ms),
        rounds: args.rounds,
        seed: args.seed,
    };
    println!(
        "Server on CPU {server_cpu}, receiver on CPU {receiver_cpu}; {} rounds, seed {}; \
         windows of {:?} after {:?}.",
        setup.rounds, setup.seed, setup.window, setup.warm_up
    );
    let named = !args.contender.is_empty();
    let asked = if named { &args.contender[..] } else { Contender::value_variants() };
    let contenders = report::available(asked);
    let has = |part| args.part.is_empty() || args.part.contains(&part);
    if has(Part::Delivered) {
        let cases = rounds::cases(&contenders, &args.connections, &args.rate);
        report::delivered(&rounds::delivered(&setup, &cases)?);
    }
    if has(Part::Idle) {
        let sizes = if args.connections.is_empty() { &[1000, 5000][..] } else { &args.connections };
        report::idle(&rounds::idle(&setup, &contenders, sizes)?);
    }
    if has(Part::Stalled) {
        let who = if named { &contenders[..] } else { &[Contender::TickServer][..] };
        for &contender in who {
            report::stalled(contender, &stalled::run(&setup, contender)?);
        }
    }
    Ok(())
}

/// Raises the soft limit of open files to what is needed; children inherit it.
fn allow_descriptors(needed: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if hard < needed {
        bail!(
            "{needed} open files are needed, and the hard limit is {hard}: \
             raise it (ulimit -Hn), or ask for fewer --connections"
        );
    }
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).context("raising RLIMIT_NOFILE")?;
    }
    Ok(())
}

/// Two CPUs that this process may use: one for the server, one for the receiver.
fn two_cpus() -> Result<(usize, usize)> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    let mut cpus = (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true));
    match (cpus.next(), cpus.next()) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => bail!("two CPUs are needed, one for the server and one for the receiver"),
    }
}
