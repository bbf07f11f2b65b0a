//! `harness check`: the conformance suite, with every case named.

use crate::builder::{self, Built};
use crate::cli::CheckArgs;
use crate::conform::{self, Keep};
use crate::console::{self, Level};
use crate::roster::{self, Entry};
use crate::{cmd, escape, interrupt, nearest, servers, store};
use anyhow::{Result, bail};
use conformance::{CASES, Case, Finding, Pace};
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

/// What `--json` writes.
#[derive(Debug, Serialize)]
struct Report {
    /// One for each client and case that was played.
    findings: Vec<Row>,
}

/// How one case came out for one client.
#[derive(Debug, Serialize)]
struct Row {
    client: String,
    case: &'static str,
    /// `passed`, `failed` or `unavailable`.
    result: &'static str,
    proves: &'static str,
    /// What was wrong, or why it cannot run.
    why: Option<String>,
    /// What to look at, if it failed.
    mend: Option<&'static str>,
}

/// Plays the cases with the clients and says how each came out.
///
/// # Errors
/// Wrong arguments or files.
pub fn run(root: &Path, args: &CheckArgs) -> Result<u8> {
    let cases = cases(args)?;
    if args.list {
        for case in cases {
            anstream::println!("{:<22} {}", case.name, case.proves);
        }
        return Ok(cmd::EXIT_MEASURED);
    }
    let interrupted = interrupt::flag()?;
    let found = roster::find(root, &args.source.extra)?;
    let entries = roster::select(&found, args.all, &args.clients, &args.source.extra)?;
    if entries.is_empty() {
        bail!("name the clients to check, or give --all");
    }
    let programs = builder::build(root, &servers::own(root), &entries, &args.source.profile)?;
    let keep = Keep::new()?;
    let each = entries.len() == 1 || console::level() == Level::Verbose;
    let mut rows = Vec::new();
    for entry in &entries {
        let built = &programs.clients[&entry.name];
        rows.extend(check(entry, built, &cases, (&keep, &interrupted), each));
        if interrupted.load(Ordering::SeqCst) {
            return Ok(cmd::EXIT_INTERRUPTED);
        }
    }
    let passed = rows.iter().all(|row| row.result != "failed");
    if let Some(to) = &args.json {
        store::write_report(to, &Report { findings: rows })?;
    }
    Ok(if passed { cmd::EXIT_MEASURED } else { cmd::EXIT_PARTIAL })
}

fn cases(args: &CheckArgs) -> Result<Vec<&'static Case>> {
    let known: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    if let Some(unknown) = args.case.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("{}", nearest::unknown("case", unknown, &known));
    }
    let wanted = |case: &&Case| match args.case.is_empty() {
        true => !args.quick || case.pace == Pace::Quick,
        false => args.case.iter().any(|name| name == case.name),
    };
    Ok(CASES.iter().filter(wanted).collect())
}

/// One client; prints as it goes: every case if `each`, else only what failed and
/// the sum.
fn check(
    entry: &Entry,
    built: &Built,
    cases: &[&'static Case],
    (keep, interrupted): (&Keep, &AtomicBool),
    each: bool,
) -> Vec<Row> {
    let name = escape::terminal(&entry.name);
    let row = |case: &Case, result, why: Option<String>| Row {
        client: entry.name.clone(),
        case: case.name,
        result,
        proves: case.proves,
        mend: (result == "failed").then_some(case.mend),
        why,
    };
    let words = match built {
        Built::Program(words) => words,
        Built::Unavailable(reason) | Built::Failing(reason) => {
            anstream::println!("{name}: unavailable: {}", escape::terminal(reason));
            return cases
                .iter()
                .map(|case| row(case, "unavailable", Some(reason.clone())))
                .collect();
        }
    };
    let told = |case: &Case, finding: &Finding| match finding {
        Finding::Passed if each => {
            anstream::println!("{name}: passed  {:<22} {}", case.name, case.proves);
        }
        Finding::Failed(why) => anstream::println!(
            "{name}: FAILED  {:<22} {}\n  proves: {}\n  mend:   {}",
            case.name,
            escape::terminal(why),
            case.proves,
            case.mend
        ),
        _ => {}
    };
    let jobs = available_parallelism().map_or(1, usize::from);
    let findings = conform::play(entry, words, cases, (jobs, keep, interrupted), &told);
    let rows: Vec<Row> = cases
        .iter()
        .zip(findings)
        .filter_map(|(case, finding)| {
            Some(match finding? {
                Finding::Passed => row(case, "passed", None),
                Finding::Failed(why) => row(case, "failed", Some(why)),
                Finding::Unavailable(why) => row(case, "unavailable", Some(why)),
            })
        })
        .collect();
    let count = |result| rows.iter().filter(|row| row.result == result).count();
    match rows.iter().find(|row| row.result == "unavailable") {
        Some(Row { why: Some(reason), .. }) => {
            anstream::println!("{name}: unavailable: {}", escape::terminal(reason));
        }
        _ => anstream::println!("{name}: {} of {} cases passed", count("passed"), cases.len()),
    }
    rows
}
