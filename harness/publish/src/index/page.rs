//! `results/index.html`.

use super::entries::{
    Classic, Entry, classic_runs, commit, day, groups, question, state, unreadable,
};
use super::history::{self, History, Value};
use super::notes::{CLASSIC, controls, stamps};
use crate::report::answer;
use crate::report::chart::bars::thumb;
use anyhow::Result;
use bench_archive::campaign::Campaign;
use bench_core::text::escape;
use maud::{DOCTYPE, Markup, PreEscaped, html};

fn classic_table(classics: &[Classic]) -> Markup {
    html! {
        p { "Runs of " code { "harness classic" } ": " (CLASSIC) }
        div.scroll tabindex="0" {
            table {
                thead { tr { @for head in ["run", "machine", "result"] { th.text scope="col" { (head) } } } }
                tbody { @for (name, findings) in classic_runs(classics) { tr {
                    th scope="row" { a href={ (escape::address(name)) "/classic.html" } { (name) } }
                    td.text.long { (findings.machine.as_deref().unwrap_or("unknown")) }
                    td.text.long { (findings.headline) }
                } } }
            }
        }
    }
}

/// `results/index.html`.
///
/// # Errors
/// When a picture cannot be drawn.
pub fn page(entries: &[Entry], classics: &[Classic]) -> Result<String> {
    let mut pictures = Vec::new();
    for entry in entries {
        let Ok(campaign) = &entry.campaign else { continue };
        if let Some(svg) = thumb::chart(campaign)? {
            pictures.push((entry.name.as_str(), svg));
        }
    }
    let picture = |entry: &Entry| pictures.iter().find(|(name, _)| *name == entry.name);
    let row = |entry: &Entry, campaign: &Campaign| -> Markup {
        html! {
            tr {
                th scope="row" {
                    a href={ (escape::address(&entry.name)) "/report.html" } { (day(campaign)) }
                    @if let Some((_, svg)) = picture(entry) { (PreEscaped(svg)) }
                }
                td.text.long { (question(campaign)) }
                td.text.long { (state(campaign)) (answer::of_campaign(campaign)) }
                td.text.long { (campaign.machine_line()) }
                td.text { (commit(campaign)) }
            }
        }
    };
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                link rel="icon" href="data:,";
                title { "Tick Bench: published campaigns" }
                style { (PreEscaped(include_str!("../../assets/report.css"))) }
            }
            body { main {
                h1 { "Tick Bench: published campaigns" }
                p { "When a WebSocket market-data feed gets fast, which client keeps up, and where does the backlog go when it does not? Newest first." }
                @for group in groups(entries) {
                    @if let Some(why) = &group.why {
                        p { strong { "Not to be compared with the campaigns above: " } (why) "." }
                    }
                    div.scroll tabindex="0" {
                        table {
                            thead { tr {
                                @for head in ["date", "question", "answer", "machine", "commit"] {
                                    th.text scope="col" { (head) }
                                }
                            } }
                            tbody { @for (entry, campaign) in &group.campaigns { (row(entry, campaign)) } }
                        }
                    }
                }
                @if classics.iter().any(|classic| classic.findings.is_ok()) { (classic_table(classics)) }
                (histories(entries))
                @for (name, why) in unreadable(entries, classics) {
                    p { code { (name) } " cannot be read: " (why) }
                }
                p { (stamps(entries)) }
                p { (controls(entries)) }
            } }
        }
    }
    .into_string())
}

/// Each client over the campaigns of one machine; nothing where there is one campaign only.
fn histories(entries: &[Entry]) -> Markup {
    html! {
        @for History { quantity, machine, campaigns, clients } in history::of_entries(entries) {
            h2 { "History: " (quantity.name()) }
            p { (machine) ": " (history::LEGEND) }
            div.scroll tabindex="0" role="region" aria-label={ "History: " (quantity.name()) } {
                table {
                    thead { tr {
                        th.text scope="col" { "client" }
                        @for name in &campaigns {
                            th scope="col" { a href={ (escape::address(name)) "/report.html" } { (name) } }
                        }
                    } }
                    tbody { @for (client, values) in &clients { tr {
                        th scope="row" { (client) }
                        @for value in values {
                            td { (value.as_ref().map_or("–".into(), Value::to_string)) }
                        }
                    } } }
                }
            }
        }
    }
}
