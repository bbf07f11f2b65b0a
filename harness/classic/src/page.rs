//! The findings as a page, in the style of a campaign's. Pure.

use super::checks::Outcome;
use super::columns::{self, Column};
use super::findings::{Findings, Line, Table};
use super::overview::{Overview, chart};
use super::text;
use anyhow::Result;
use bench_core::text::escape;
use bench_publish::text::labels;
use bench_publish::text::style::{Style, or_dash};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Styles are within the page and there is no script, so nothing is fetched.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The whole page.
///
/// # Errors
/// When its chart cannot be drawn.
pub fn page(findings: &Findings) -> Result<String> {
    let title = "The older benchmark, and its claims tested";
    let overview = findings.overview.as_ref().map(overview).transpose()?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(include_str!("../../publish/assets/report.css"))) }
            }
            body { main {
                h1 { (title) }
                @if let Some(overview) = overview { (overview) }
                p { (prose(findings.about.trim())) }
                (provenance(findings))
                h2 { "The claims" }
                p { (findings.headline()) }
                (claims(findings))
                h2 { "The tables" }
                p { (prose(text::OLDER)) }
                p { (prose(text::OURS)) }
                @for table in &findings.experiments { (experiment(table)) }
            } }
        }
    };
    Ok(page.into_string())
}

/// The question, its answer, and the chart, if anything of it was measured.
fn overview(overview: &Overview) -> Result<Markup> {
    let svg = chart::svg(&overview.loads)?;
    Ok(html! {
        p { strong { (overview.question) } " " (overview.answer) }
        @if let Some(svg) = svg {
            figure {
                figcaption {
                    strong { "What each way to receive takes" }
                    span.soft { "Medians over rounds; the line across the bars is the offered load." }
                }
                div.wide { (PreEscaped(svg)) }
            }
        }
    })
}

fn provenance(findings: &Findings) -> Markup {
    let commit = labels::commit(findings.commit.as_deref(), findings.dirty);
    html! {
        p.soft {
            "Started " (findings.started) ", "
            (findings.machine.as_deref().unwrap_or("machine unknown"))
            @if let Some(placement) = &findings.placement { ", " (placement) }
            ", commit " (commit) ", by " code { (findings.command) } "."
            @if !findings.complete { " " strong { "Not all of it was run." } }
        }
    }
}

fn claims(findings: &Findings) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr {
                    @for head in ["claim", "what was claimed", "verdict", "what was measured"] {
                        th.text scope="col" { (head) }
                    }
                } }
                tbody { @for claim in &findings.claims { tr {
                    th scope="row" { (claim.id) }
                    td.text.long { (prose(&claim.text)) p.soft { "Tested: " (prose(&claim.how)) } }
                    td.text { (verdict(claim.verdict)) }
                    td.text.long {
                        @for finding in &claim.findings {
                            p { (verdict(finding.verdict)) ": " (finding.measured) "." }
                        }
                        @if let Some(why) = &claim.why { p.soft { "Why: " (prose(why)) } }
                    }
                } } }
            }
        }
    }
}

fn verdict(verdict: Outcome) -> Markup {
    match verdict {
        Outcome::CannotTell => html! { span.soft { (verdict) } },
        _ => html! { strong { (verdict) } },
    }
}

fn experiment(table: &Table) -> Markup {
    html! {
        h3 { (table.title) }
        p { (prose(&table.why)) }
        @if let Some(lacks) = &table.lacks { p { strong { "Missing: " } (lacks) "." } }
        @if !table.rows.is_empty() {
            p { "Its campaign: " a href={ (escape::address(&table.name)) "/report.html" } { (table.name) } "." }
            p.soft { "As it measured:" }
            (grid(&columns::OLDER, &table.rows))
            p.soft { "As we measure:" }
            (grid(&columns::OURS, &table.rows))
            @for line in &table.rows {
                @if !line.reasons.is_empty() { p { (line.client) ": " (line.reasons) } }
            }
        }
    }
}

fn grid(columns: &[Column], rows: &[Line]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for c in columns { th scope="col" { (Style::Markdown.head(c.head, c.unit)) } } } }
                tbody { @for row in rows { tr {
                    @for (index, c) in columns.iter().enumerate() {
                        @if index == 0 { th scope="row" { ((c.cell)(row)) } }
                        @else { td { (or_dash((c.cell)(row))) } }
                    }
                } } }
            }
        }
    }
}

/// A sentence in which backticks mark code.
fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of backticks marks nothing.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
