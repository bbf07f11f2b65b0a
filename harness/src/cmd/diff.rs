//! `harness diff`: compares two saved campaigns.

use super::gate::{exit, judge};
use crate::cli::diff::{DiffArgs, DiffFormat};
use crate::console;
use crate::exit::Exit;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::baseline;
use bench_publish::compare::side::{Filter, Side};
use bench_publish::compare::{diff, page, text};
use std::path::Path;

/// Prints the changes from A to B, and judges B by the conditions.
///
/// # Errors
/// When one of them cannot be read, or they cannot be compared.
pub fn run(root: &Path, args: &DiffArgs) -> Result<Exit> {
    let out = args.out.clone().unwrap_or_else(|| root.join("results"));
    let open = |name: &String| Archive::open(&baseline::resolve(&out, name)?);
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    let filter = Filter {
        clients: args.only.clone(),
        workloads: args.workload.clone(),
        reference: args.across_machines.clone(),
    };
    let mut diff = diff::compare(&Side::of(&a), &Side::of(&b), &filter)?;
    judge(&args.gate.fail_on, &b, &mut diff);
    let format = if args.html { DiffFormat::Html } else { args.format };
    let shown = match format {
        DiffFormat::Text => text::terminal(&diff),
        DiffFormat::Md => text::markdown(&diff),
        DiffFormat::Html => {
            anstream::println!("{}", page::page(&diff)?);
            return Ok(exit(&diff));
        }
        DiffFormat::Json => {
            anstream::println!("{}", serde_json::to_string_pretty(&diff)?);
            return Ok(exit(&diff));
        }
    };
    console::print(shown);
    Ok(exit(&diff))
}
