//! A client that breaks the contract on demand: `--fault NAME`. The harness's tests run it to
//! check that each breach costs its own row and nothing else. Without a fault it is a correct
//! client, on blocking tungstenite.

mod fault;
mod output;
mod run;

use clap::Parser;
use fault::{Fault, Place};
use std::process::ExitCode;
use std::thread::park;

/// A client that breaks the contract on demand.
#[derive(Debug, Clone, Copy, Parser)]
struct Args {
    /// How to break the contract.
    #[arg(long, value_enum, default_value_t = Fault::None)]
    fault: Fault,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.fault.place() {
        Place::Run => run::run_client(),
        Place::Output => output::run_client(args.fault).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }),
        Place::Nothing => loop {
            park();
        },
    }
}
