//! The options of all subcommands that run or build clients.

use clap::Args;
use std::path::PathBuf;

/// Where clients are found, and how they are built.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A client outside of the suite: its directory or client.toml (may be repeated)
    #[arg(long = "client", value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// Cargo profile for clients and servers
    #[arg(long, default_value = "release", hide = true)]
    pub profile: String,
}
