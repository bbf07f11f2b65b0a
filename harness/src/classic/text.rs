//! What came of it as text: for a terminal, and as Markdown. Pure.

use super::checks::Outcome;
use super::findings::{Findings, Line, Table};
use crate::escape;
use crate::rows;
use crate::saved::COMMIT_CHARS;
use crate::table::{self, Column, Style, count, grid, thousands, time};

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
        out.push_str(&head("###", &format!("{}: {}", claim.id, claim.verdict.words())));
        out.push_str(&format!("Claimed: {}\n\n", style.prose(&claim.text)));
        out.push_str(&format!("Tested: {}\n\n", style.prose(&claim.how)));
        for finding in &claim.findings {
            let text = style.prose(&finding.measured);
            out.push_str(&format!("- {}: {text}.\n", finding.verdict.words()));
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
        "Begun {}, {}, commit {}{dirty}, by {command}.{state}\n\n",
        style.text(&findings.started),
        style.text(findings.machine.as_deref().unwrap_or("machine unknown")),
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
    let mut table = table::empty(["claim", "what was claimed", "verdict"].into_iter(), style);
    for claim in &findings.claims {
        let verdict = match (style, claim.verdict) {
            (Style::Markdown, Outcome::Holds | Outcome::DoesNotHold) => {
                format!("**{}**", claim.verdict.words())
            }
            _ => claim.verdict.words().to_owned(),
        };
        table.add_row([style.text(&claim.id), style.prose(&claim.text), verdict]);
    }
    format!("{}\n\n", table::align(&mut table, 3))
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
    let rows: Vec<Line> = table.rows.iter().map(|line| printable(line, style)).collect();
    out.push_str(&format!(
        "As it measured:\n\n{}\n\nAs we measure:\n\n{}\n\n",
        grid(&older_columns(), &rows, style),
        grid(&our_columns(), &rows, style)
    ));
    for line in &rows {
        if let Some(reason) = &line.reason {
            out.push_str(&format!("- {}: {reason}\n", line.client));
        }
    }
    out.push('\n');
    out
}

fn printable(line: &Line, style: Style) -> Line {
    Line {
        role: style.text(&line.role),
        client: style.text(&line.client),
        reason: line.reason.as_ref().map(|reason| style.prose(reason)),
        ..line.clone()
    }
}

/// The columns of the older table.
#[must_use]
pub(super) fn older_columns() -> Vec<Column<Line>> {
    vec![
        ("role", |line| line.role.clone()),
        ("client", |line| line.client.clone()),
        ("server\nreports k/s", |line| thousands(line.older.server_reports_per_s)),
        ("client\nreports k/s", |line| thousands(line.older.client_reports_per_s)),
        ("noted\nk/s", |line| thousands(line.older.noted_per_s.map(|n| n as f64))),
        ("latency\nms", |line| {
            line.older.latency_ms.map_or(String::new(), |ms| format!("{ms:.2}"))
        }),
        ("of", |line| if line.older.every == 1 { "every message" } else { "every 1000th" }.into()),
        ("efficiency", |line| share(line.older.efficiency)),
    ]
}

/// The columns of ours.
#[must_use]
pub(super) fn our_columns() -> Vec<Column<Line>> {
    vec![
        ("role", |line| line.role.clone()),
        ("verdict", verdict),
        ("offered\nk/s", |line| thousands(line.ours.offered_per_s)),
        ("generated\nk/s", |line| thousands(line.ours.generated_per_s)),
        ("written\nk/s", |line| thousands(line.ours.written_per_s)),
        ("received\nk/s", |line| thousands(line.ours.received_per_s)),
        ("processed\nk/s", |line| thousands(line.ours.processed_per_s)),
        ("efficiency", |line| share(line.ours.efficiency)),
        ("backlog\ngrowth k/s", |line| thousands(line.ours.backlog_growth_per_s)),
        ("backlog at\nend, ticks", backlog),
        ("where it\nstands", layers),
        ("response\np50", |line| time(rows::pick(line.ours.response_ns, |q| q.p50))),
        ("response\np99", |line| time(rows::pick(line.ours.response_ns, |q| q.p99))),
        ("service\np50", |line| time(rows::pick(line.ours.service_ns, |q| q.p50))),
        ("service\np99", |line| time(rows::pick(line.ours.service_ns, |q| q.p99))),
    ]
}

fn verdict(line: &Line) -> String {
    let word = line.verdict.map_or("absent", |verdict| verdict.word());
    format!("{word} ({})", line.rounds)
}

fn backlog(line: &Line) -> String {
    line.ours.backlog_end.map_or(String::new(), |backlog| count(backlog.total()))
}

/// The layers that hold a tenth of the backlog or more.
fn layers(line: &Line) -> String {
    let Some(backlog) = line.ours.backlog_end else { return String::new() };
    let total = backlog.total();
    let large = backlog.layers().into_iter().filter(|(_, ticks)| *ticks >= 0.1 * total.max(1.0));
    let each: Vec<String> = large
        .map(|(name, ticks)| format!("{name} {:.0} %", 100.0 * ticks / total.max(1.0)))
        .collect();
    each.join(", ")
}

fn share(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{:.1} %", value * 100.0))
}
