//! The command lines: of a server by hand, and of a child of the harness.

use crate::classic::Style;
use crate::logging::{self, LogFormat};
use clap::Parser;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use tick::{Format, Schedule};
use tracing_subscriber::filter::Targets;

/// Serves a synthetic market as WebSocket ticks at ws://HOST:PORT/ticks.
///
/// Without any argument, or as `tick-server child`, it is a child of the harness and
/// reads its plan from standard input.
#[derive(Debug, Parser)]
#[command(name = "tick-server", version)]
pub struct Args {
    /// Ticks per second, or `flood`: as fast as the slowest connection takes them
    #[arg(long, default_value = "100000")]
    pub rate: RateArg,
    /// binary, json, classic-binary or classic-json
    #[arg(long, default_value = "binary")]
    pub format: Format,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 9001)]
    pub port: u16,
    /// Seed of the market
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End after so many seconds [default: at Ctrl-C or SIGTERM]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub duration: Option<u64>,
    /// `SO_SNDBUF` of each connection [default: autotuning]
    #[arg(long, value_name = "BYTES")]
    pub send_buffer: Option<u32>,
    /// TCP congestion control [default: the machine's]
    #[arg(long, value_name = "NAME")]
    pub congestion: Option<String>,
    /// Spin before due times: more precise, and takes a whole CPU
    #[arg(long)]
    pub spin: bool,
    /// Bytes that may wait for a laggard before it is cut off
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub log_ceiling: u64,
    /// Serve /metrics (Prometheus, OpenMetrics) and /healthz at that loopback address;
    /// port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Say on stderr what passes: off, error, warn, info, debug, trace, or by target,
    /// such as info,tick_server::door=debug
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = logging::filter)]
    pub log: Targets,
    /// How it is said
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// At the end, time for clients to take what waits for them, and again to answer
    /// their close frames
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=86_400_000))]
    pub drain_ms: u64,
}

/// The command line of a child of the harness: `tick-server child`.
#[derive(Debug, Parser)]
#[command(name = "tick-server child")]
pub struct ChildArgs {
    /// Keep a schedule, or pace as the older benchmark's server did
    #[arg(long, value_enum, default_value_t)]
    pub style: Style,
}

/// A rate on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateArg(pub Schedule);

impl FromStr for RateArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "flood" {
            return Ok(Self(Schedule::Flood));
        }
        match text.parse() {
            Ok(rate_per_s @ 1..=100_000_000) => Ok(Self(Schedule::Rate { rate_per_s })),
            _ => Err("give ticks per second between 1 and 100000000, or `flood`".into()),
        }
    }
}
