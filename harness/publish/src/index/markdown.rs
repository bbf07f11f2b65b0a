//! `results/README.md`.

use super::entries::{
    Classic, Entry, classic_runs, commit, day, groups, question, state, unreadable,
};
use super::history::{self, History, Value};
use super::notes::{ABOUT, CLASSIC, controls, stamps};
use crate::report::answer;
use bench_core::text::escape;

/// The first line of a generated index in Markdown: a file without it is not overwritten.
pub const MADE: &str = "<!-- made by harness publish: do not edit -->";

/// `results/README.md`.
#[must_use]
pub fn markdown(entries: &[Entry], classics: &[Classic]) -> String {
    let mut out = format!(
        "{MADE}\n# Published campaigns\n\n{ABOUT} [METHODOLOGY](../harness/METHODOLOGY.md) says what each figure means. Written by `harness publish results/CAMPAIGN…`; the same as a page: [index.html](index.html).\n\n{}\n\n{}\n",
        escape::markdown(&stamps(entries)),
        escape::markdown(&controls(entries))
    );
    for group in groups(entries) {
        if let Some(why) = &group.why {
            out.push_str(&format!(
                "\nNot to be compared with the campaigns above: {}.\n",
                escape::markdown(why)
            ));
        }
        out.push_str("\n| date | question | answer | machine | commit |\n|---|---|---|---|---|\n");
        for (entry, campaign) in &group.campaigns {
            let cells = [
                question(campaign),
                format!("{}{}", state(campaign), answer::of_campaign(campaign)),
                campaign.machine_line(),
                commit(campaign),
            ]
            .map(|text| escape::markdown(&text));
            out.push_str(&format!(
                "| [{}]({1}/report.html) ([text]({1}/table.md)) | {2} |\n",
                escape::markdown(&day(campaign)),
                escape::address(&entry.name),
                cells.join(" | ")
            ));
        }
    }
    if classics.iter().any(|classic| classic.findings.is_ok()) {
        out.push_str(&format!(
            "\nRuns of `harness classic`: {CLASSIC}\n\n| run | machine | result |\n|---|---|---|\n"
        ));
    }
    for (name, findings) in classic_runs(classics) {
        let machine = findings.machine.as_deref().unwrap_or("unknown");
        out.push_str(&format!(
            "| [{}]({1}/classic.html) ([text]({1}/classic.md)) | {2} | {3} |\n",
            escape::markdown(name),
            escape::address(name),
            escape::markdown(machine),
            escape::markdown(&findings.headline)
        ));
    }
    out.push_str(&histories(entries));
    for (name, why) in unreadable(entries, classics) {
        out.push_str(&format!(
            "\n{} cannot be read: {}\n",
            escape::code(name),
            escape::markdown(why)
        ));
    }
    out
}

/// Each client over the campaigns of one machine; empty where there is one campaign only.
fn histories(entries: &[Entry]) -> String {
    let all = history::of_entries(entries);
    let mut out = String::new();
    for History { quantity, machine, campaigns, clients } in &all {
        out.push_str(&format!(
            "\nHistory, {}, {}: {}\n\n| client |",
            quantity.name(),
            escape::markdown(machine),
            history::LEGEND
        ));
        for name in campaigns {
            out.push_str(&format!(" {} |", escape::markdown(name)));
        }
        out.push_str(&format!("\n|---|{}\n", "---|".repeat(campaigns.len())));
        for (client, values) in clients {
            let cells =
                values.iter().map(|value| value.as_ref().map_or("–".into(), Value::to_string));
            let cells: Vec<String> = cells.map(|text| escape::markdown(&text)).collect();
            out.push_str(&format!("| {} | {} |\n", escape::markdown(client), cells.join(" | ")));
        }
    }
    out
}
