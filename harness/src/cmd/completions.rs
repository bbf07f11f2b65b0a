//! `harness completions`: the completion script of a shell.

use crate::cli::{self, CompletionsArgs};
use crate::exit::Exit;
use anyhow::Result;

/// Prints the script for one shell.
///
/// # Errors
/// None: the signature is that of every subcommand.
pub fn run(args: &CompletionsArgs) -> Result<Exit> {
    let mut tree = cli::visible();
    let name = tree.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, name, &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
