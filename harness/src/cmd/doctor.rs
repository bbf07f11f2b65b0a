//! `harness doctor`: what of this machine will disturb a measurement.

use crate::cli::DoctorArgs;
use crate::console::{self, YELLOW};
use crate::doctor::{self, Finding, Readings, Severity};
use crate::table::{self, Style};
use crate::{cmd, store};
use anyhow::Result;
use serde::Serialize;
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
pub fn run(args: &DoctorArgs) -> Result<u8> {
    console::detail("watching the CPUs for half a second");
    let readings = Readings::take(args.server_cpus.clone(), args.client_cpus.clone())?;
    let findings = doctor::examine(&readings);
    if args.json.as_deref() != Some(Path::new("-")) {
        anstream::println!("{}\n\n{}", overview(&findings), advice(&findings));
    }
    if let Some(to) = &args.json {
        let report = Report { schema: 1, findings: &findings, readings: &readings };
        store::write_report(to, &report)?;
    }
    let warned = findings.iter().any(|finding| finding.severity == Severity::Warning);
    Ok(if args.strict && warned { cmd::EXIT_PARTIAL } else { cmd::EXIT_MEASURED })
}

fn overview(findings: &[Finding]) -> String {
    let mut table = table::empty(["what", "seen", "severity"].into_iter(), Style::Terminal);
    for finding in findings {
        table.add_row([finding.check, &finding.seen, finding.severity.word()]);
    }
    table::align(&mut table, 3)
}

/// What to do, the gravest first.
fn advice(findings: &[Finding]) -> String {
    let mut open: Vec<&Finding> = findings.iter().filter(|f| f.advice.is_some()).collect();
    open.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let line = |finding: &&Finding| {
        let style = if finding.severity == Severity::Warning { YELLOW } else { Default::default() };
        format!(
            "- {style}{}{style:#}: {}: {}. {}",
            finding.severity.word(),
            finding.check,
            finding.why,
            finding.advice.as_deref().map_or(String::new(), sentence)
        )
    };
    match open.is_empty() {
        true => "Nothing of what was looked at will disturb a measurement.".into(),
        false => open.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// With a capital at its beginning, unless that is a command, and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
