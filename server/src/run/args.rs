//! The command lines of the standalone server and of the child of the harness.

use crate::accept::access::{Origin, ReadableByOthers, Token};
use crate::accept::listener;
use crate::connection::stream::policy::Limits;
use crate::engine::classic::Style;
use crate::run::logging::{self, LogFormat};
use anyhow::{Context, Result, bail};
use clap::Parser;
use contract::Policy;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tick::{Format, Schedule, units};
use tracing_subscriber::filter::Targets;

/// Serves a synthetic market as WebSocket ticks at ws://HOST:PORT/ticks.
///
/// Without arguments, or as `tick-server child`, it is a child of the harness and reads its
/// plan from standard input.
#[derive(Debug, Parser)]
#[command(name = "tick-server", version)]
pub struct Args {
    /// Ticks per second, such as 50000, 50k or 1.5M, or `flood`: as fast as the slowest
    /// connection takes them
    #[arg(long, default_value = "100000")]
    pub rate: RateArg,
    /// binary, json, classic-binary or classic-json
    #[arg(long, default_value = "binary")]
    pub format: Format,
    /// Loopback address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 9001)]
    pub port: u16,
    /// Seed of the market
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End after this many seconds, or a time such as 1m30s [default: at Ctrl-C or SIGTERM]
    #[arg(long, value_name = "TIME", value_parser = lasting)]
    pub duration: Option<Duration>,
    /// `SO_SNDBUF` of each connection, such as 65536 or 64KiB [default: autotuning]
    #[arg(long, value_name = "SIZE", value_parser = buffer)]
    pub send_buffer: Option<u32>,
    /// TCP congestion control [default: that of the machine]
    #[arg(long, value_name = "NAME")]
    pub congestion: Option<String>,
    /// Spin before due times: more precise, but uses a whole CPU
    #[arg(long)]
    pub spin: bool,
    /// Make and send together the ticks that become due within this many microseconds: fewer
    /// writes, but ticks are half of that late on average [default: each at its due time]
    #[arg(long, value_name = "US", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch_us: Option<u32>,
    /// How much may wait for all connections before the slowest one is cut off
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = units::bytes)]
    pub log_ceiling: u64,
    /// Connections at a time; more are refused with 503
    #[arg(long, value_name = "N", default_value_t = listener::MAX_CONNECTIONS)]
    #[arg(value_parser = connections)]
    pub max_connections: usize,
    /// Connections at a time from one address (of IPv6: one /64 network); more are closed with
    /// 1013
    #[arg(long, value_name = "N", default_value_t = listener::MAX_CONNECTIONS_OF_HOST)]
    #[arg(value_parser = connections)]
    pub max_connections_per_address: usize,
    /// Handshakes at a time; a newer one displaces the oldest of the address that has the most
    #[arg(long, value_name = "N", default_value_t = listener::MAX_HANDSHAKES)]
    #[arg(value_parser = connections)]
    pub max_handshakes: usize,
    /// Address to listen on instead of --host, which other machines can reach; needs
    /// --token-file
    #[arg(long, value_name = "ADDR", conflicts_with = "host")]
    pub listen: Option<IpAddr>,
    /// File with a token that clients have to present (`Authorization: Bearer …` or `?token=…`);
    /// read again when it changes, and on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Origins of pages that may connect, such as https://example.com; others get 403
    /// [default: all]
    #[arg(long, value_name = "ORIGIN", num_args = 1..)]
    pub allow_origin: Vec<Origin>,
    /// Speak TLS (wss://) with this certificate and its chain; needs --key. Both are read again
    /// when they change, and on SIGHUP
    #[arg(long, value_name = "PEM")]
    pub cert: Option<PathBuf>,
    /// Private key of --cert
    #[arg(long, value_name = "PEM")]
    pub key: Option<PathBuf>,
    /// Serve /metrics (Prometheus, OpenMetrics) and /healthz at this loopback address; port 0
    /// takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Let --metrics be an address that other machines can reach, such as 0.0.0.0:9100 in a
    /// container: whoever reaches it can read them, without token or TLS
    #[arg(long, requires = "metrics")]
    pub expose_metrics: bool,
    /// What to log to stderr: off, error, warn, info, debug, trace, or levels by target, such
    /// as info,tick_server::accept=debug
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = logging::filter)]
    pub log: Targets,
    /// How to log it
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// At the end, how long clients have to read what waits for them, and again to answer
    /// their close frames
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=86_400_000))]
    pub drain_ms: u64,
    /// Threads that share the connections; each encodes every tick once
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    pub server_threads: u16,
    /// What happens to a consumer that is behind: queue, block, drop-oldest, drop-newest,
    /// conflate or disconnect
    #[arg(long, value_name = "POLICY", default_value = "queue", value_parser = policy)]
    pub slow_consumer: Policy,
    /// A consumer is behind when more than this waits for it [default: 1MiB, without
    /// --behind-ms]
    #[arg(long, value_name = "SIZE", value_parser = some_bytes)]
    pub behind_bytes: Option<u64>,
    /// A consumer is behind when its oldest waiting tick is older than this
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub behind_ms: Option<u64>,
}

impl Args {
    /// The address to listen on.
    ///
    /// # Errors
    /// When other machines could reach it without --listen or without a token.
    pub fn address(&self) -> Result<IpAddr> {
        match self.listen {
            Some(listen) if self.token_file.is_none() => {
                bail!("--listen {listen} lets other machines connect: add --token-file FILE")
            }
            Some(listen) => Ok(listen),
            None if !self.host.is_loopback() => bail!(
                "--host {0} is not a loopback address: to let other machines connect, \
                 give --listen {0} and --token-file FILE",
                self.host
            ),
            None => Ok(self.host),
        }
    }

    /// The interval of due times whose ticks are made together, in ns.
    ///
    /// # Errors
    /// When due times do not set the pace.
    pub fn batch_ns(&self) -> Result<Option<NonZeroU64>> {
        if self.batch_us.is_some() && !self.rate.0.is_open_loop() {
            bail!("--rate flood sends in batches anyway: leave --batch-us out");
        }
        if self.batch_us.is_some() && self.slow_consumer == Policy::Block {
            bail!("with --slow-consumer block the consumer sets the pace: leave --batch-us out");
        }
        Ok(self.batch_us.and_then(|us| NonZeroU64::new(u64::from(us) * 1_000)))
    }

    /// The policy for slow consumers.
    ///
    /// # Errors
    /// A policy that does not fit the load or the number of threads.
    pub fn limits(&self) -> Result<Limits> {
        let (bytes, ms) = (self.behind_bytes, self.behind_ms);
        let threads = self.server_threads;
        if !self.rate.0.is_open_loop() && threads > 1 {
            bail!(
                "--rate flood: each of {threads} threads would have its own pace: leave --server-threads out"
            );
        }
        if self.slow_consumer == Policy::Block && threads > 1 {
            bail!("--slow-consumer block is for one connection: leave --server-threads out");
        }
        Limits::from_args(self.slow_consumer, bytes, ms, self.rate.0, self.format)
            .context("--slow-consumer")
    }

    /// The most connections at a time: only one can set the pace.
    #[must_use]
    pub fn capacity(&self) -> usize {
        if self.slow_consumer == Policy::Block { 1 } else { self.max_connections }
    }

    /// The token that clients have to present, if any, and what to warn about.
    ///
    /// # Errors
    /// When the token file cannot be used.
    pub fn token(&self) -> Result<Option<(Token, Option<ReadableByOthers>)>> {
        self.token_file.as_deref().map(Token::read).transpose()
    }

    /// The files of the certificate and its key, under TLS.
    ///
    /// # Errors
    /// One of the two files without the other.
    pub fn certificate_files(&self) -> Result<Option<(&Path, &Path)>> {
        match (&self.cert, &self.key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (Some(_), None) => bail!("--cert needs its private key: add --key PEM"),
            (None, Some(_)) => bail!("--key needs its certificate: add --cert PEM"),
        }
    }

    /// Whether it has files that are read again on SIGHUP.
    #[must_use]
    pub fn has_renewable_files(&self) -> bool {
        self.cert.is_some() || self.token_file.is_some()
    }
}

/// Policies have the same names as in plans.
fn policy(text: &str) -> Result<Policy, serde::de::value::Error> {
    Policy::deserialize(text.into_deserializer())
}

/// A number of connections that is out of range.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("give a number of connections between 1 and 1000000")]
struct NotAConnectionCount;

fn connections(text: &str) -> Result<usize, NotAConnectionCount> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err(NotAConnectionCount),
    }
}

/// The command line of a child of the harness: `tick-server child`.
#[derive(Debug, Parser)]
#[command(name = "tick-server child")]
pub struct ChildArgs {
    /// Keep a schedule, or pace like the server of the older benchmark
    #[arg(long, value_enum, default_value_t)]
    pub style: Style,
}

/// A rate on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateArg(pub Schedule);

/// Why a text is no rate.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}, or `flood`")]
pub struct NotARate(String);

impl FromStr for RateArg {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        if text == "flood" {
            return Ok(Self(Schedule::Flood));
        }
        let rate_per_s = units::rate(text).map_err(NotARate)?;
        Ok(Self(Schedule::Rate { rate_per_s }))
    }
}

/// A time from a tenth of a second to a year, in seconds or with its unit.
fn lasting(text: &str) -> Result<Duration, String> {
    let seconds = units::plain_seconds(text).filter(|s| (0.1..=31_536_000.0).contains(s));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!("`{text}` is not a time between 0.1 s and a year, such as 60, 2.5, 90s or 1m30s")
    })
}

fn buffer(text: &str) -> Result<u32, String> {
    let size = units::bytes(text)?;
    u32::try_from(size).map_err(|_| format!("{size} bytes is too large for a buffer"))
}

fn some_bytes(text: &str) -> Result<u64, String> {
    match units::bytes(text)? {
        0 => Err("with a limit of 0 every consumer is behind: give at least 1".to_owned()),
        size => Ok(size),
    }
}
