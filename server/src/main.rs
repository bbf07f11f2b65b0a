//! `tick-server`: a child of the harness without arguments or as `tick-server child`,
//! a standalone server with any other arguments.

use clap::Parser;
use std::process::ExitCode;
use tick_server::engine::classic::Style;
use tick_server::run::args::{Args, ChildArgs};
use tick_server::run::{child, standalone};

fn main() -> ExitCode {
    let done = match std::env::args_os().nth(1) {
        None => child::session::run(Style::default()),
        Some(word) if word == "child" => {
            child::session::run(ChildArgs::parse_from(std::env::args_os().skip(1)).style)
        }
        Some(_) => standalone::server::run(&Args::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tick-server: {error:#}");
            ExitCode::from(2)
        }
    }
}
