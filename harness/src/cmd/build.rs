//! `harness build`: builds the server and the clients.

use crate::builder::{self, Built};
use crate::cli::BuildArgs;
use crate::{cmd, roster, servers};
use anyhow::Result;
use std::path::Path;

/// Builds the server and what is asked for, and says what is ready; without a name
/// every client, and every other server.
///
/// # Errors
/// Unknown clients, wrong files, or a server that does not build.
pub fn run(root: &Path, args: &BuildArgs) -> Result<u8> {
    let found = roster::find(root, &args.source.extra)?;
    let all = args.clients.is_empty();
    let entries = roster::select(&found, all, &args.clients, &args.source.extra)?;
    let servers = servers::find(root)?;
    let programs = builder::build(root, &servers[0], &entries, &args.source.profile)?;
    let others = servers[1..].iter().filter(|_| all).map(|server| {
        let built = builder::server(root, server, &args.source.profile);
        (format!("server {}", server.served_by), built)
    });
    let mut code = cmd::EXIT_MEASURED;
    for (name, built) in programs.clients.into_iter().chain(others) {
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
