//! `harness doctor`: what on this machine will disturb a measurement.

use crate::cli::DoctorArgs;
use crate::console::{self, YELLOW};
use crate::doctor::examine::examine;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::readings::Readings;
use crate::doctor::take::take;
use crate::exit::Exit;
use anyhow::Result;
use bench_archive::store;
use bench_core::text::escape;
use bench_publish::text::style::{Style, aligned};
use serde::Serialize;
use std::cmp::Reverse;
use std::path::Path;

/// The object of `doctor --json`.
#[derive(Serialize)]
struct Report<'a> {
    /// The version of this object.
    schema: u32,
    findings: &'a [Finding],
    readings: &'a Readings,
}

/// Prints the findings.
///
/// # Errors
/// CPUs that are not allowed; when the file of `--json` cannot be written.
pub fn run(args: &DoctorArgs) -> Result<Exit> {
    log::debug!("observing the CPUs for half a second");
    let readings = take(args.server_cpus.clone(), args.client_cpus.clone())?;
    let findings = examine(&readings);
    if args.json.as_deref() != Some(Path::new("-")) {
        console::line(format_args!("{}\n\n{}\n", table(&findings), advice(&findings)));
        console::line(format_args!("{}", defaults(&readings)));
    }
    if let Some(to) = &args.json {
        let report = Report { schema: 2, findings: &findings, readings: &readings };
        store::write_report(to, &report)?;
    }
    let warned = findings.iter().any(|finding| finding.severity == Severity::Warning);
    Ok(if args.strict && warned { Exit::Incomplete } else { Exit::Done })
}

fn table(findings: &[Finding]) -> String {
    let mut table = Style::Terminal.table(["check", "found", "severity"].map(str::to_owned));
    for finding in findings {
        table.add_row([finding.check, &finding.seen, &finding.severity.to_string()]);
    }
    aligned(table, 3)
}

/// The defaults that campaigns on this machine use where their workloads do not set them.
fn defaults(readings: &Readings) -> String {
    let mut table = Style::Terminal.table(["default of this machine", "value"].map(str::to_owned));
    for (name, value) in &readings.kernel_settings {
        let value = value.as_deref().map_or("unknown".into(), escape::terminal);
        table.add_row([name.as_str(), &value]);
    }
    aligned(table, 2)
}

/// What to do, warnings first.
fn advice(findings: &[Finding]) -> String {
    let mut open: Vec<&Finding> = findings.iter().filter(|f| f.advice.is_some()).collect();
    open.sort_by_key(|finding| Reverse(finding.severity));
    let line = |finding: &&Finding| {
        let style = if finding.severity == Severity::Warning { YELLOW } else { Default::default() };
        format!(
            "- {style}{}{style:#}: {}: {}. {}",
            finding.severity,
            finding.check,
            finding.why,
            finding.advice.as_deref().map_or(String::new(), sentence)
        )
    };
    match open.is_empty() {
        true => "No check found anything that will disturb a measurement.".into(),
        false => open.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// With a capital letter at its beginning, unless that is a command, and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
