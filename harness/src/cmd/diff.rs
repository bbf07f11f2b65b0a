//! `harness diff`: compares two saved campaigns.

use crate::archive::Archive;
use crate::baseline;
use crate::cli::diff::{DiffArgs, Format};
use crate::cmd;
use crate::diff::{self, Diff, Filter, Side, text};
use crate::gate::Condition;
use anyhow::Result;
use std::path::Path;

/// Prints what changed, and judges it.
///
/// # Errors
/// When one of them cannot be read, or they cannot be compared.
pub fn run(root: &Path, args: &DiffArgs) -> Result<u8> {
    let out = args.out.clone().unwrap_or_else(|| root.join("results"));
    let open = |words: &String| Archive::open(&baseline::resolve(&out, words)?);
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    let filter = Filter { clients: args.only.clone(), workloads: args.workload.clone() };
    let mut diff = diff::compare(&Side::of(&a), &Side::of(&b), &filter)?;
    judge(&args.gate.fail_on, &b, &mut diff);
    let shown = match args.format {
        Format::Text => text::terminal(&diff),
        Format::Md => text::markdown(&diff),
        Format::Json => serde_json::to_string_pretty(&diff)? + "\n",
    };
    anstream::print!("{shown}");
    Ok(code(&diff))
}

/// Judges B by all conditions.
pub(super) fn judge(conditions: &[Condition], b: &Archive, diff: &mut Diff) {
    let all = conditions.iter().map(|condition| condition.judge(&b.campaign, Some(diff)));
    diff.gate = all.collect();
}

/// 3 when one of them does not hold.
pub(super) fn code(diff: &Diff) -> u8 {
    let holds = diff.gate.iter().all(|outcome| outcome.holds);
    if holds { cmd::EXIT_MEASURED } else { cmd::EXIT_GATE }
}
