//! `harness build`: builds the server and the clients.

use crate::cli::BuildArgs;
use crate::console;
use crate::exit::Exit;
use anyhow::Result;
use bench_core::text::escape;
use bench_rig::programs::build;
use bench_rig::programs::missing::Missing;
use bench_rig::programs::{roster, servers};
use std::path::Path;

/// Builds the server and the named clients (without names, every client and every server), and
/// prints the result of each.
///
/// # Errors
/// Unknown clients, wrong files, or a server that does not build.
pub fn run(root: &Path, args: &BuildArgs) -> Result<Exit> {
    let found = roster::find(root, &args.source.extra)?;
    let all = args.clients.is_empty();
    let entries = roster::select(&found, all, &args.clients, &args.source.extra)?;
    let servers = servers::find(root)?;
    if let Some(missing) = Missing::before_build(&entries) {
        log::warn!("{missing}");
    }
    let options = args.source.build_options();
    let programs = build::build(root, &servers[0], &entries, &options)?;
    let others = servers[1..].iter().filter(|_| all).map(|server| {
        let built = build::server(root, server, &options);
        (format!("server {}", server.served_by.name), built)
    });
    let mut exit = Exit::Done;
    for (name, built) in programs.clients.into_iter().chain(others) {
        let name = escape::terminal(&name);
        match built.not_runnable() {
            None => console::line(format_args!("{name}: built")),
            Some(reason) => {
                console::line(format_args!("{name}: unavailable: {}", escape::terminal(&reason)));
                exit = Exit::Incomplete;
            }
        }
    }
    Ok(exit)
}
