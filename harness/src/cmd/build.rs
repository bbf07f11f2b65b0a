//! `harness build`: builds the server and the clients.

use crate::builder::{self, Built};
use crate::cli::BuildArgs;
use crate::{cmd, roster};
use anyhow::Result;
use std::path::Path;

/// Builds what is asked for and says what is ready.
///
/// # Errors
/// Unknown clients, wrong files, or a server that does not build.
pub fn run(root: &Path, args: &BuildArgs) -> Result<u8> {
    let found = roster::find(root, &args.source.extra)?;
    let all = args.clients.is_empty();
    let entries = roster::select(&found, all, &args.clients, &args.source.extra)?;
    let programs = builder::build(root, &entries, &args.source.profile)?;
    let mut code = cmd::EXIT_MEASURED;
    for (name, built) in &programs.clients {
        match built {
            Built::Program(_) => anstream::println!("{name}: built"),
            Built::Unavailable(reason) | Built::Failing(reason) => {
                anstream::println!("{name}: unavailable: {reason}");
                code = cmd::EXIT_PARTIAL;
            }
        }
    }
    Ok(code)
}
