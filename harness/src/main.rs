//! `harness`: parses the command line and dispatches.

use anyhow::Result;
use bench_rig::host::processes::guard;
use clap::Parser;
use harness::cli::{Cli, Command};
use harness::exit::Exit;
use harness::{cmd, console, root};
use std::process::ExitCode;

fn main() -> ExitCode {
    console::color_before_parsing(std::env::args_os().skip(1));
    let cli = Cli::parse();
    console::init(cli.verbosity());
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            console::error(format_args!("{error:#}"));
            Exit::Usage.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit> {
    let root = || root::find(cli.root.as_deref());
    match cli.command {
        Command::List(args) => cmd::list::run(&root()?, &args),
        Command::Build(args) => cmd::build::run(&root()?, &args),
        Command::New(args) => cmd::new::run(&root()?, &args),
        Command::Check(args) => cmd::check::run(&root()?, &args),
        Command::Compare(args) => cmd::compare::run(&root()?, &args),
        Command::Capacity(args) => cmd::capacity::run(&root()?, &args),
        Command::Classic(args) => cmd::classic::run(&root()?, &args),
        Command::Sweep(args) => cmd::sweep::run(&root()?, &args),
        Command::Plan(args) => cmd::plan::run(&root()?, &args),
        Command::Show(args) => cmd::show::run(&args),
        Command::Diff(args) => cmd::diff::run(&root()?, &args),
        Command::Publish(args) => cmd::publish::run(&args),
        Command::Journey(args) => cmd::journey::run(&args),
        Command::Doctor(args) => cmd::doctor::run(&args),
        Command::Completions(args) => cmd::completions::run(&args),
        Command::Man(args) => cmd::man::run(&args),
        Command::Guard => guard::serve().map(|()| Exit::Done),
    }
}
