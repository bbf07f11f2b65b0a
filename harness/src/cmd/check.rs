//! `harness check`: the conformance suite, with every case named.

use crate::cli::CheckArgs;
use crate::console;
use crate::exit::Exit;
use crate::interrupt;
use anyhow::{Result, bail};
use bench_archive::store;
use bench_core::load::workload::{self, Workload};
use bench_core::text::{escape, nearest};
use bench_rig::host::processes::environment::Environment;
use bench_rig::host::processes::guard::Guard;
use bench_rig::programs::build::{self, Built};
use bench_rig::programs::missing::Missing;
use bench_rig::programs::probe::Probe;
use bench_rig::programs::roster::{self, Entry};
use bench_rig::programs::{conform, servers};
use conformance::{CASES, Case, Finding, Pace};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

/// The object of `check --json`.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "CheckReport")]
pub(crate) struct Report {
    /// One for each client and case that was played.
    findings: Vec<Row>,
}

/// The result of one case for one client.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "CaseRow")]
struct Row {
    /// The client or variant.
    client: String,
    /// The case.
    case: &'static str,
    /// Its result.
    result: CaseResult,
    /// What the case proves.
    proves: &'static str,
    /// What was wrong, or why it cannot run.
    why: Option<String>,
    /// How to mend it, if it failed.
    mend: Option<&'static str>,
}

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum CaseResult {
    /// The client did what the contract says.
    Passed,
    /// It did not.
    Failed,
    /// It cannot run on this machine.
    Unavailable,
}

impl Row {
    fn new(client: &str, case: &Case, finding: Finding) -> Self {
        let (result, why) = match finding {
            Finding::Passed => (CaseResult::Passed, None),
            Finding::Failed(why) => (CaseResult::Failed, Some(why)),
            Finding::Unavailable(why) => (CaseResult::Unavailable, Some(why)),
        };
        let mend = (result == CaseResult::Failed).then_some(case.mend);
        let (client, case, proves) = (client.to_owned(), case.name, case.proves);
        Self { client, case, result, proves, why, mend }
    }
}

/// Plays the cases with the clients and prints the result of each.
///
/// # Errors
/// Wrong arguments or files.
pub fn run(root: &Path, args: &CheckArgs) -> Result<Exit> {
    let cases = cases(args)?;
    if args.list {
        for case in cases {
            let first = match case.pace {
                Pace::Quick => " (also played before each campaign)",
                _ => "",
            };
            console::line(format_args!("{:<22} {}{first}", case.name, case.proves));
        }
        return Ok(Exit::Done);
    }
    let environment = Environment::new(args.pass_env.clone())?;
    let interrupted = interrupt::flag()?;
    let found = roster::find(root, &args.source.extra)?;
    let entries = roster::select(&found, args.all, &args.clients, &args.source.extra)?;
    if entries.is_empty() {
        bail!("name the clients to check, or give --all");
    }
    let options = args.source.build_options();
    if let Some(missing) = Missing::before_build(&entries) {
        log::warn!("{missing}");
    }
    let programs = build::build(root, &servers::own(root), &entries, &options)?;
    let guard = Guard::start(environment)?;
    let each = entries.len() == 1 || log::max_level() >= log::Level::Debug;
    let workload = Workload::load(root, workload::DEFAULT[0])?;
    let probe = Probe { guard: &guard, workload: &workload, receipts: &programs.receipts };
    let mut rows = Vec::new();
    for entry in &entries {
        let built = &programs.clients[&entry.name];
        rows.extend(check(entry, built, &cases, (&guard, &interrupted), each));
        if interrupted.load(Ordering::SeqCst) {
            return Ok(Exit::Interrupted);
        }
        // For `list`: the cases look at each hello and keep none.
        if let Built::Program(program) = built {
            probe.client(entry, program)?;
        }
    }
    let passed = rows.iter().all(|row| row.result != CaseResult::Failed);
    if let Some(to) = &args.json {
        store::write_report(to, &Report { findings: rows })?;
    }
    Ok(if passed { Exit::Done } else { Exit::Incomplete })
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

/// Plays the cases with one client; prints each case if `each`, else only the failed ones,
/// and how many passed.
fn check(
    entry: &Entry,
    built: &Built,
    cases: &[&'static Case],
    (guard, interrupted): (&Guard, &AtomicBool),
    each: bool,
) -> Vec<Row> {
    let name = escape::terminal(&entry.name);
    let program = match built {
        Built::Program(program) => program,
        built => {
            let why = built.not_runnable().unwrap_or_default();
            console::line(format_args!("{name}: unavailable: {}", escape::terminal(&why)));
            let row = |case: &&Case| Row::new(&entry.name, case, Finding::Unavailable(why.clone()));
            return cases.iter().map(row).collect();
        }
    };
    let jobs = available_parallelism().map_or(1, usize::from);
    let print = |case: &Case, finding: &Finding| print(&name, case, finding, each);
    let findings = conform::play(entry, program, cases, (jobs, guard, interrupted), &print);
    let played = cases.iter().zip(findings);
    let row =
        |(case, finding): (&&Case, Option<Finding>)| Some(Row::new(&entry.name, case, finding?));
    let rows: Vec<Row> = played.filter_map(row).collect();
    match rows.iter().find(|row| row.result == CaseResult::Unavailable) {
        Some(Row { why: Some(reason), .. }) => {
            console::line(format_args!("{name}: unavailable: {}", escape::terminal(reason)));
        }
        _ => {
            let passed = rows.iter().filter(|row| row.result == CaseResult::Passed).count();
            console::line(format_args!("{name}: {passed} of {} cases passed", cases.len()));
        }
    }
    rows
}

fn print(client: &str, case: &Case, finding: &Finding, each: bool) {
    match finding {
        Finding::Passed if each => {
            console::line(format_args!("{client}: passed  {:<22} {}", case.name, case.proves));
        }
        Finding::Failed(why) => console::line(format_args!(
            "{client}: FAILED  {:<22} {}\n  proves: {}\n  mend:   {}",
            case.name,
            escape::terminal(why),
            case.proves,
            case.mend
        )),
        _ => {}
    }
}
