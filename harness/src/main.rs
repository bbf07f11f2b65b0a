//! `harness`: parses the command line and dispatches.

use clap::Parser;
use harness::cli::{Cli, Command};
use harness::{cmd, guard, root};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Guard { room } => guard::serve(room.as_deref()).map(|()| cmd::EXIT_MEASURED),
        command => root::find(cli.root.as_deref()).and_then(|root| match command {
            Command::List(args) => cmd::list::run(&root, &args),
            Command::Build(args) => cmd::build::run(&root, &args),
            Command::Compare(args) => cmd::compare::run(&root, &args),
            Command::Capacity(args) => cmd::capacity::run(&root, &args),
            Command::Sweep(args) => cmd::sweep::run(&root, &args),
            Command::Diff(args) => cmd::diff::run(&root, &args),
            Command::Journey(args) => cmd::journey::run(&args),
            Command::Plan(args) => cmd::plan::run(&root, &args),
            Command::Guard { .. } => unreachable!("handled above"),
        }),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(cmd::EXIT_USAGE)
        }
    }
}
