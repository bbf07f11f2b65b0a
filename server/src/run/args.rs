//! The command lines: of a server by hand, and of a child of the harness.

use crate::accept::access::{Gate, Origin, Token};
use crate::accept::certificate;
use crate::accept::listener;
use crate::connection::stream::policy::Limits;
use crate::engine::classic::Style;
use crate::run::logging::{self, LogFormat};
use anyhow::{Result, anyhow, bail};
use clap::Parser;
use contract::Policy;
use rustls::ServerConfig;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
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
    /// Loopback address to listen on
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
    /// Make and send together what became due within so many microseconds: fewer writes,
    /// and ticks that are late by half of that on average [default: each at its due time]
    #[arg(long, value_name = "US", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch_us: Option<u32>,
    /// Bytes that may wait for a laggard before it is cut off
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub log_ceiling: u64,
    /// Connections at a time; more are told to come again (503)
    #[arg(long, value_name = "N", default_value_t = listener::MAX_CONNECTIONS)]
    #[arg(value_parser = connections)]
    pub max_connections: usize,
    /// Address to listen on in place of --host, reachable by other machines; needs --token-file
    #[arg(long, value_name = "ADDR", conflicts_with = "host")]
    pub listen: Option<IpAddr>,
    /// A file with a token that clients have to bring (`Authorization: Bearer …` or `?token=…`)
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Pages that may connect, as https://example.com; others get 403 [default: all]
    #[arg(long, value_name = "ORIGIN", num_args = 1..)]
    pub allow_origin: Vec<Origin>,
    /// Speak TLS (wss://), and show this certificate, with its chain; needs --key
    #[arg(long, value_name = "PEM")]
    pub cert: Option<PathBuf>,
    /// The private key of --cert
    #[arg(long, value_name = "PEM")]
    pub key: Option<PathBuf>,
    /// Serve /metrics (Prometheus, OpenMetrics) and /healthz at that loopback address;
    /// port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Say on stderr what passes: off, error, warn, info, debug, trace, or by target,
    /// such as info,tick_server::accept=debug
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
    /// Threads that connections are spread over; each encodes every tick once
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    pub server_threads: u16,
    /// What a consumer gets that is behind: queue, block, drop-oldest, drop-newest, conflate
    /// or disconnect
    #[arg(long, value_name = "POLICY", default_value = "queue", value_parser = policy)]
    pub slow_consumer: Policy,
    /// Behind is who has more than so many bytes waiting [default: 1048576, without --behind-ms]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub behind_bytes: Option<u64>,
    /// Behind is whose oldest waiting tick is so old
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub behind_ms: Option<u64>,
}

impl Args {
    /// The address to listen on.
    ///
    /// # Errors
    /// When other machines could reach it and nobody said by name that they
    /// may, or when they need no token.
    pub fn address(&self) -> Result<IpAddr> {
        match self.listen {
            Some(listen) if self.token_file.is_none() => {
                bail!("--listen {listen} opens the server to other machines: add --token-file FILE")
            }
            Some(listen) => Ok(listen),
            None if !self.host.is_loopback() => bail!(
                "--host {0} is no loopback address: to open the server to other machines, \
                 give --listen {0} and --token-file FILE",
                self.host
            ),
            None => Ok(self.host),
        }
    }

    /// What is made together, in ns of due times.
    ///
    /// # Errors
    /// Where due times do not set the pace.
    pub fn batch_ns(&self) -> Result<Option<NonZeroU64>> {
        if self.batch_us.is_some() && !self.rate.0.is_open_loop() {
            bail!("--rate flood sends batches as it is: leave --batch-us out");
        }
        if self.batch_us.is_some() && self.slow_consumer == Policy::Block {
            bail!("--slow-consumer block has the consumer set the pace: leave --batch-us out");
        }
        Ok(self.batch_us.and_then(|us| NonZeroU64::new(u64::from(us) * 1_000)))
    }

    /// What a consumer gets that is behind.
    ///
    /// # Errors
    /// A policy that does not fit the load, or the number of threads or connections.
    pub fn limits(&self) -> Result<Limits> {
        let (bytes, ms) = (self.behind_bytes, self.behind_ms);
        let threads = self.server_threads;
        if !self.rate.0.is_open_loop() && threads > 1 {
            bail!(
                "--rate flood: each of {threads} threads would set a pace of its own: leave --server-threads out"
            );
        }
        if self.slow_consumer == Policy::Block && threads > 1 {
            bail!("--slow-consumer block is for one connection: leave --server-threads out");
        }
        Limits::by_hand(self.slow_consumer, bytes, ms, self.rate.0, self.format)
            .map_err(|error| anyhow!("--slow-consumer: {error}"))
    }

    /// How many connections there may be: one alone can set the pace.
    #[must_use]
    pub fn places(&self) -> usize {
        if self.slow_consumer == Policy::Block { 1 } else { self.max_connections }
    }

    /// Who is let in.
    ///
    /// # Errors
    /// When the token file cannot be used.
    pub fn gate(&self) -> Result<Gate> {
        let token = self.token_file.as_deref().map(Token::read).transpose()?;
        Ok(Gate { token, origins: self.allow_origin.clone() })
    }
}

impl Args {
    /// What TLS needs, where it is to be spoken.
    ///
    /// # Errors
    /// One of the two files without the other, or files that cannot be used.
    pub fn tls(&self) -> Result<Option<Arc<ServerConfig>>> {
        match (&self.cert, &self.key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => certificate::load(cert, key).map(Some),
            (Some(_), None) => bail!("--cert needs its private key: add --key PEM"),
            (None, Some(_)) => bail!("--key needs its certificate: add --cert PEM"),
        }
    }
}

fn policy(text: &str) -> Result<Policy, String> {
    let plain: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        text.into_deserializer();
    Policy::deserialize(plain).map_err(|error| error.to_string())
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("give a number of connections between 1 and 1000000".into()),
    }
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
