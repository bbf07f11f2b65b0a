//! The options of all subcommands that run or build clients.

use bench_core::text::units::duration;
use bench_rig::programs::cargo::BuildOptions;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Where clients are found, and how they are built.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A client outside of the suite: its directory or client.toml (may be repeated)
    #[arg(long = "client", value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// Cargo profile for clients and servers
    #[arg(long, default_value = "release", hide = true)]
    pub profile: String,
    /// End a build that prints nothing for so long
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub build_silence: Duration,
}

impl Source {
    /// How clients and servers are built.
    #[must_use]
    pub fn build_options(&self) -> BuildOptions {
        BuildOptions { profile: self.profile.clone(), silence: self.build_silence }
    }
}
