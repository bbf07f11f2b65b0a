//! What came of it as text: for a terminal, and as Markdown. Pure.

use super::checks::Outcome;
use super::columns::{self, Column};
use super::findings::{Findings, Line, Table};
use bench_core::text::escape;
use bench_publish::text::style::{Style, aligned, or_dash};

/// So many characters of a commit's hash are shown.
const COMMIT_CHARS: usize = 12;

/// How the columns of the older table came about.
pub const OLDER: &str = "As the older benchmark measured, with its own counters and sampling. Server reports: ticks handed to `send()` in whole seconds, mean. Client reports: ticks processed in the same seconds. Latency: mean of (whole ms when processed − whole ms of the stamp) over the messages that it looked at and that were processed within the window; a stamped tick in 125 stands for every message, and those of them that are multiples of 1000 are the 1000ths. Efficiency: client reports by server reports. Noted: what its notes gave.";

/// How ours did.
pub const OURS: &str = "As we measure, over the same window of the same rounds. Offered: what was asked for. Generated: handed to `send()`, or made. Written: taken by the server's kernel, which is where buffering within the server shows. Received: handed over by the client's library. Processed: decoded and checked. Efficiency: processed by offered. Response: processed − due, where the server paces by itself processed − made; service: processed − written; both with the ticks that still waited at the end, which count with at least their age (>). All are medians over rounds.";

/// The whole report as Markdown.
#[must_use]
pub fn markdown(findings: &Findings) -> String {
    render(findings, Style::Markdown)
}

/// The whole report.
#[must_use]
pub fn render(findings: &Findings, style: Style) -> String {
    let head = |level: &str, text: &str| match style {
        Style::Markdown => format!("{level} {}\n\n", style.text(text)),
        Style::Terminal => format!("{}\n\n", style.text(text)),
    };
    let mut out = head("#", "The older benchmark, and its claims tested");
    out.push_str(&format!("{}\n\n", style.prose(findings.about.trim())));
    out.push_str(&provenance(findings, style));
    out.push_str(&head("##", "The claims"));
    out.push_str(&format!("{}\n\n", style.prose(&findings.headline())));
    out.push_str(&verdicts(findings, style));
    for claim in &findings.claims {
        out.push_str(&head("###", &format!("{}: {}", claim.id, claim.verdict)));
        out.push_str(&format!("Claimed: {}\n\n", style.prose(&claim.text)));
        out.push_str(&format!("Tested: {}\n\n", style.prose(&claim.how)));
        for finding in &claim.findings {
            let text = style.prose(&finding.measured);
            out.push_str(&format!("- {}: {text}.\n", finding.verdict));
        }
        out.push('\n');
    }
    out.push_str(&head("##", "The tables"));
    out.push_str(&format!("{}\n\n{}\n\n", style.prose(OLDER), style.prose(OURS)));
    for table in &findings.experiments {
        out.push_str(&experiment(table, style, &head));
    }
    out
}

/// Where it comes from.
fn provenance(findings: &Findings, style: Style) -> String {
    let (commit, dirty) = commit(findings);
    let command = match style {
        Style::Terminal => style.text(&findings.command),
        Style::Markdown => escape::code(&findings.command),
    };
    let state = if findings.complete { "" } else { " Not all of it was run." };
    format!(
        "Begun {}, {}, {}, commit {}{dirty}, by {command}.{state}\n\n",
        style.text(&findings.started),
        style.text(findings.machine.as_deref().unwrap_or("machine unknown")),
        style.text(findings.placement.as_deref().unwrap_or("nothing was placed")),
        style.text(&commit),
    )
}

/// The commit, shortened, and a word if files differed from it.
pub(super) fn commit(findings: &Findings) -> (String, &'static str) {
    let commit = findings.commit.as_deref().unwrap_or("unknown");
    let dirty = if findings.dirty == Some(true) { " with changes" } else { "" };
    (commit.chars().take(COMMIT_CHARS).collect(), dirty)
}

fn verdicts(findings: &Findings, style: Style) -> String {
    let mut table = style.table(["claim", "what was claimed", "verdict"].map(str::to_owned));
    for claim in &findings.claims {
        let verdict = match (style, claim.verdict) {
            (Style::Markdown, Outcome::Holds | Outcome::DoesNotHold) => {
                format!("**{}**", claim.verdict)
            }
            _ => claim.verdict.to_string(),
        };
        table.add_row([style.text(&claim.id), style.prose(&claim.text), verdict]);
    }
    format!("{}\n\n", aligned(table, 3))
}

fn experiment(table: &Table, style: Style, head: &dyn Fn(&str, &str) -> String) -> String {
    let mut out = head("###", &table.title);
    out.push_str(&format!("{}\n\n", style.prose(&table.why)));
    if style == Style::Markdown && !table.rows.is_empty() {
        let folder = escape::address(&table.name);
        out.push_str(&format!(
            "Its campaign: [{0}]({folder}/table.md).\n\n",
            escape::code(&table.name)
        ));
    }
    if let Some(lacks) = &table.lacks {
        out.push_str(&format!("Lacking: {}.\n\n", style.prose(lacks)));
    }
    if table.rows.is_empty() {
        return out;
    }
    out.push_str(&format!(
        "As it measured:\n\n{}\n\nAs we measure:\n\n{}\n\n",
        grid(&columns::OLDER, &table.rows, style),
        grid(&columns::OURS, &table.rows, style)
    ));
    for line in table.rows.iter().filter(|line| !line.reasons.is_empty()) {
        let (client, reasons) = (style.text(&line.client), style.prose(&line.reasons.to_string()));
        out.push_str(&format!("- {client}: {reasons}\n"));
    }
    out.push('\n');
    out
}

fn grid(columns: &[Column], lines: &[Line], style: Style) -> String {
    let mut table = style.table(columns.iter().map(|c| style.head(c.head, c.unit)));
    for line in lines {
        table.add_row(columns.iter().map(|c| or_dash(style.text(&(c.cell)(line)))));
    }
    aligned(table, 1)
}
