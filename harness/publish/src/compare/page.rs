//! A comparison of two campaigns as a page: what differs besides the figures on top, then before
//! and after of each workload as arrows, then every comparison as a table.

use super::change::{Change, Subject, Word};
use super::diff::Diff;
use super::side::{Head, Which};
use super::text;
use crate::report::chart::bars::arrows::{self, Arrow, BETTER, OPEN, WORSE};
use crate::report::figures::figure;
use crate::report::palette::Colour;
use crate::text::labels;
use anyhow::Result;
use bench_core::text::digits::ratio;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Styles are within the page and there is no script, so nothing is fetched.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The whole page.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn page(diff: &Diff) -> Result<String> {
    let title = format!("{} against {}", diff.b.name, diff.a.name);
    let charts = subjects(diff)
        .into_iter()
        .map(|(workload, subject)| of_subject(diff, workload, subject))
        .collect::<Result<Vec<_>>>()?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(include_str!("../../assets/report.css"))) }
            }
            body { main {
                h1 { (title) }
                p.answer { (text::tally(diff.headlines)) "." }
                ul { (head(Which::A, &diff.a)) (head(Which::B, &diff.b)) }
                @for outcome in &diff.gate { p { "gate: " (outcome.to_string()) } }
                @if !diff.notes.is_empty() {
                    h2 { "What else differs" }
                    ul { @for note in &diff.notes { li { (note.to_string()) } } }
                }
                h2 { "Before and after" }
                div.glance { @for chart in charts.iter().flatten() { (chart) } }
                h2 { "Every comparison" }
                (table(diff))
                @for missing in &diff.missing {
                    p { "Only in " (missing.only_in.to_string()) ": " (missing.workload) ": " (missing.clients.join(", ")) }
                }
            } }
        }
    }
    .into_string())
}

fn head(which: Which, head: &Head) -> Markup {
    let commit = labels::commit(head.commit.as_deref(), head.dirty);
    html! { li { (which.to_string()) ": " (head.name) ", of " (head.started) ", commit " (commit) } }
}

/// The workloads with a headline, and what it is about: of one workload it is another metric for
/// clients that fall behind.
fn subjects(diff: &Diff) -> Vec<(&str, Subject)> {
    let mut all: Vec<(&str, Subject)> = Vec::new();
    for change in diff.changes.iter().filter(|change| change.headline) {
        let one = (change.workload.as_str(), change.subject);
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all.sort_unstable();
    all
}

/// The headlines of a workload about one subject as arrows; `None` where none has a ratio.
fn of_subject(diff: &Diff, workload: &str, subject: Subject) -> Result<Option<Markup>> {
    let of = |change: &&Change| {
        change.headline && change.workload == workload && change.subject == subject
    };
    let changes: Vec<&Change> = diff.changes.iter().filter(of).collect();
    let mut arrows: Vec<Arrow> = changes.iter().filter_map(|change| arrow(change)).collect();
    arrows.sort_by(|a, b| a.client.cmp(&b.client));
    let count = |word: Word| changes.iter().filter(|change| change.word == word).count();
    let title = format!(
        "{workload}, {subject}: {} slower, {} faster, {} the same, {} undecided",
        count(Word::Slower),
        count(Word::Faster),
        count(Word::Same),
        count(Word::CannotTell)
    );
    let Some(svg) = arrows::chart(&arrows, &format!("B / A, {subject}"), &title)? else {
        return Ok(None);
    };
    let direction = if subject.more_is_better() { "right is better" } else { "left is better" };
    let more = format!(
        "{subject} of B divided by that of A, logarithmic: {direction}. Thin lines: 95 % intervals."
    );
    let legend = [
        ("better".to_owned(), BETTER),
        ("worse".to_owned(), WORSE),
        ("the same, or undecided".to_owned(), OPEN),
    ];
    Ok(Some(figure(&title, &more, &legend, &html! { (PreEscaped(svg)) })))
}

fn colour(word: Word) -> Colour {
    match word {
        Word::Faster => BETTER,
        Word::Slower => WORSE,
        Word::Same | Word::CannotTell => OPEN,
    }
}

fn arrow(change: &Change) -> Option<Arrow> {
    let times = change.ratio.filter(|times| *times > 0.0 && times.is_finite())?;
    let interval = change.interval.filter(|i| i.low > 0.0).map(|i| (i.low, i.high));
    let [a, b] = [&change.a, &change.b].map(|of| text::value(change.subject, of));
    let mut tip = format!("{}: {}: {a} → {b}, ratio {}", change.client, change.word, ratio(times));
    if let Some((low, high)) = interval {
        tip.push_str(&format!(" (95 % CI {} to {})", ratio(low), ratio(high)));
    }
    Some(Arrow {
        client: change.client.clone(),
        ratio: times,
        interval,
        colour: colour(change.word),
        label: change.word.to_string(),
        tip,
    })
}

fn table(diff: &Diff) -> Markup {
    let heads = ["workload", "client", "metric", "result", "A", "B", "B / A", "95 % CI", "why"];
    html! {
        div.scroll tabindex="0" role="region" aria-label="Every comparison" {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { @for change in &diff.changes { tr {
                    th scope="row" { (change.workload) }
                    td.text { (change.client) }
                    td.text { (change.subject.to_string()) }
                    td.text { (change.word.to_string()) }
                    td { (text::value(change.subject, &change.a)) }
                    td { (text::value(change.subject, &change.b)) }
                    td { (change.ratio.map_or("–".into(), ratio)) }
                    td { (change.interval.map_or("–".into(), |i| format!("{}–{}", ratio(i.low), ratio(i.high)))) }
                    td.text.long { (change.reason.as_ref().map_or(String::new(), ToString::to_string)) }
                } } }
            }
        }
    }
}
