//! `harness completions`: what a shell needs to complete the command line.

use crate::cli::{self, CompletionsArgs};
use crate::cmd;
use anyhow::Result;

/// Prints the script for one shell.
///
/// # Errors
/// None so far: the signature is that of every subcommand.
pub fn run(args: &CompletionsArgs) -> Result<u8> {
    let mut tree = cli::visible();
    let name = tree.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, name, &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    Ok(cmd::EXIT_MEASURED)
}
