//! `tick-server`: a child of the harness without arguments, a server by hand
//! with them.

use clap::Parser;
use std::process::ExitCode;
use tick_server::{args::Args, child, hand};

fn main() -> ExitCode {
    let done = match std::env::args_os().len() {
        1 => child::run(),
        _ => hand::run(&Args::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tick-server: {error:#}");
            ExitCode::from(2)
        }
    }
}
