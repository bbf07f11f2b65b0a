//! A client that breaks its contract on demand: `--fault NAME`. The harness's
//! tests play it to see that each breach costs its row and nothing else.
//! Without a fault it is a plain and proper client, on blocking tungstenite.

mod fault;
mod output;
mod run;

use clap::Parser;
use fault::{Fault, Place};
use std::process::ExitCode;
use std::thread::park;

/// A client that breaks its contract on demand.
#[derive(Debug, Clone, Copy, Parser)]
struct Args {
    /// How to break it.
    #[arg(long, value_enum, default_value_t = Fault::None)]
    fault: Fault,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.fault.place() {
        Place::Run => run::play(),
        Place::Output => output::play(args.fault).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }),
        Place::Nothing => loop {
            park();
        },
    }
}
