//! The figures of the page. Each has a title that says what it shows, the chart, its legend, and
//! its data as a table.

use crate::columns::column::Column;
use crate::columns::rows as catalogue;
use crate::report::chart;
use crate::report::chart::lines::{knee, quantiles, sweep};
use crate::report::chart::paint;
use crate::report::grid;
use crate::report::palette::{self, Colour, Palette, STAGES};
use crate::report::series;
use crate::report::series::Shown;
use crate::text::style::or_dash;
use anyhow::Result;
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::round::journey::Waterfall;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::{count, nanos, short};
use maud::{Markup, PreEscaped, html};

/// A figure with its caption and its legend.
#[must_use]
pub fn figure(title: &str, more: &str, legend: &[(String, Colour)], body: &Markup) -> Markup {
    html! {
        figure {
            figcaption { strong { (title) } span.soft { (more) } }
            (body)
            ul.legend {
                @for (name, colour) in legend {
                    li { span.swatch style={ "background:" (colour.css()) } {} (name) }
                }
            }
        }
    }
}

/// A figure of one chart, with its data.
pub(super) fn wide(
    title: &str,
    more: &str,
    legend: &[(String, Colour)],
    svg: String,
    data: &Markup,
) -> Markup {
    let body = html! { div.wide { (PreEscaped(svg)) } };
    html! { (figure(title, more, legend, &body)) (data) }
}

fn legend(names: impl Iterator<Item = String>, palette: &Palette) -> Vec<(String, Colour)> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| (name.clone(), palette.of(&name))).collect()
}

/// Processed rates over time of the clients that fall behind, compared with the offered rate;
/// `None` where no client does.
///
/// # Errors
/// When the chart cannot be drawn.
pub fn rates(all: &[Shown], rows: &[Row], palette: &Palette) -> Result<Option<Markup>> {
    let is_behind = |shown: &&Shown| {
        rows.iter().any(|row| row.client == shown.client && row.verdict == Verdict::Overloaded)
    };
    let behind: Vec<Shown> = all.iter().filter(is_behind).cloned().collect();
    if behind.is_empty() {
        return Ok(None);
    }
    // Each client had its own server; all of these had the same schedule.
    let longest = all.iter().max_by_key(|shown| shown.generated.len());
    let offered = longest.map_or(Vec::new(), |shown| shown.generated.clone());
    let slow: Vec<&str> = behind.iter().map(|shown| shown.client.as_str()).collect();
    let title = format!("{} cannot process what is offered", slow.join(", "));
    let more = "Processed ticks per second over time, one round of each client; dashed: what the server generated on schedule.";
    let svg = chart::lines::rates::chart(&behind, &offered, palette, &title)?;
    let heads: Vec<String> = ["s".to_owned()]
        .into_iter()
        .chain(behind.iter().map(|shown| format!("{}, ticks/s", shown.client)))
        .collect();
    let table: Vec<Vec<String>> = series::times(&behind)
        .iter()
        .enumerate()
        .map(|(index, (at, _))| {
            let each =
                behind.iter().map(|s| s.rates.get(index).map_or("–".into(), |r| count(r.1)));
            [format!("{at:.3}")].into_iter().chain(each).collect()
        })
        .collect();
    let names = legend(behind.iter().map(|shown| shown.client.clone()), palette);
    Ok(Some(wide(&title, more, &names, svg, &grid::data(&heads, &table))))
}

/// Response times by percentile; nothing under flood.
///
/// # Errors
/// When the chart cannot be drawn.
pub fn curves(all: &[Shown], palette: &Palette) -> Result<Option<Markup>> {
    let shown: Vec<&Shown> = all.iter().filter(|shown| !shown.curve.is_empty()).collect();
    let title = "Response time by percentile: low and flat is good";
    let Some(svg) = quantiles::chart(&shown, palette, title)? else { return Ok(None) };
    let ticks: usize = shown.iter().map(|shown| shown.samples).sum();
    let more = format!(
        "Processed − due, over {} sampled ticks of all rounds together (the table has medians of rounds); each step to the right is ten times rarer. Dotted: lower bounds, as ticks still waited.",
        count(ticks as f64)
    );
    let heads: Vec<String> = ["share of the ticks".to_owned()]
        .into_iter()
        .chain(shown.iter().map(|shown| shown.client.clone()))
        .collect();
    let most = shown.iter().map(|shown| shown.curve.len()).max().unwrap_or(0);
    let table: Vec<Vec<String>> = (0..most)
        .step_by(5)
        .map(|index| {
            let nines = shown.iter().find_map(|s| s.curve.get(index)).map_or(0.0, |p| p.nines);
            let cell =
                |s: &&Shown| s.curve.get(index).map_or(String::new(), |p| p.time.to_string());
            let share = format!("{:.4} %", 100.0 - 100.0 / 10f64.powf(nines));
            [share].into_iter().chain(shown.iter().map(|s| or_dash(cell(s)))).collect()
        })
        .collect();
    let names = legend(shown.iter().map(|shown| shown.client.clone()), palette);
    Ok(Some(wide(title, &more, &names, svg, &grid::data(&heads, &table))))
}

/// Where the response time goes; nothing under flood.
///
/// # Errors
/// When the chart cannot be drawn.
pub fn waterfall(rows: &[Row]) -> Result<Option<Markup>> {
    let falls: Vec<(String, Waterfall)> =
        rows.iter().filter_map(|row| Some((row.client.clone(), row.waterfall?))).collect();
    let Some((_, first)) = falls.first() else { return Ok(None) };
    let stages = first.stages().map(|(part, _)| part.to_string());
    let title = "Where the response time goes";
    let svg = chart::bars::waterfall::chart(&falls, title)?;
    let heads: Vec<String> = ["client".to_owned()]
        .into_iter()
        .chain(stages.iter().map(|stage| format!("{stage}: p50 / p99 / share")))
        .collect();
    let table: Vec<Vec<String>> = falls
        .iter()
        .map(|(client, fall)| {
            let cells = fall.stages().map(|(_, part)| {
                format!("{} / {} / {:.1} %", part.p50, part.p99, part.share * 100.0)
            });
            [client.clone()].into_iter().chain(cells).collect()
        })
        .collect();
    let legend: Vec<(String, Colour)> = stages.into_iter().zip(STAGES).collect();
    let more = "Shares of the whole time from due to processed, medians over rounds. A tick still waiting at the end counts in the part that it had reached.";
    Ok(Some(wide(title, more, &legend, svg, &grid::data(&heads, &table))))
}

/// The response times of each client against the offered rate, a small chart each, over the same
/// axes; `None` without response times.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn knees(rows: &[Row], title: &str) -> Result<Option<Markup>> {
    let all: Vec<(&str, Vec<knee::Spot>)> =
        row::clients(rows).into_iter().map(|client| (client, knee::spots(rows, client))).collect();
    let spots = || all.iter().flat_map(|(_, spots)| spots);
    let ranges = paint::decades(spots().map(|spot| spot.rate_per_s))
        .zip(paint::decades(spots().flat_map(|spot| [spot.p50, spot.p99].map(knee::ns))));
    let Some((rates, times)) = ranges else { return Ok(None) };
    let mut cells = Vec::new();
    for (client, spots) in &all {
        let name = match (knee::knee(spots), spots.is_empty()) {
            (_, true) => format!("{client}: no response times"),
            (Some(rate), _) => format!("{client}: overloaded from {}/s on", short(rate)),
            (None, _) => format!("{client}: keeps up at every rate"),
        };
        let chart = knee::chart(spots, (&rates, &times), (client, &name))?;
        cells.push(html! { div data-client=(client) { h4 { (name) } (PreEscaped(chart)) } });
    }
    let legend =
        [("p99 of the response time".to_owned(), knee::P99), ("p50".to_owned(), knee::P50)];
    let more = "Response time against the offered rate, medians over rounds, both axes logarithmic and the same for all clients. The vertical line is the knee: the lowest rate at which a client is overloaded. Triangles: response times of an overloaded client depend on the length of the round.";
    let body = html! { div.multiples.small { @for cell in &cells { (cell) } } };
    Ok(Some(figure(title, more, &legend, &body)))
}

/// The columns of a sweep that have a chart of all clients.
const SWEPT: [&str; 1] = ["client_cpu"];

/// The charts of a sweep.
///
/// # Errors
/// When one cannot be drawn.
pub fn sweeps(rows: &[Row], palette: &Palette) -> Result<Markup> {
    let names = legend(rows.iter().map(|row| row.client.clone()), palette);
    let mut figures = Vec::new();
    for column in SWEPT.map(catalogue::column) {
        let title = format!("{} against the offered rate", capitalised(column.name));
        let of = |client: &str| -> Vec<sweep::Spot> {
            let mut spots: Vec<sweep::Spot> = rows
                .iter()
                .filter(|row| row.client == client && row.verdict.is_ranked())
                .filter_map(|row| {
                    Some(sweep::Spot {
                        rate_per_s: row.rate_per_s? as f64,
                        value: (column.read)(row).value?,
                        kept_up: row.verdict == Verdict::Ok,
                        text: written(column, row),
                    })
                })
                .collect();
            spots.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
            spots
        };
        let all: Vec<(String, Vec<sweep::Spot>)> =
            names.iter().map(|(name, _)| (name.clone(), of(name))).collect();
        let axis = |value: f64| nanos(value as u64);
        let Some(svg) = sweep::chart(&all, palette, (&title, column.name), axis)? else { continue };
        let table: Vec<Vec<String>> = all
            .iter()
            .flat_map(|(client, spots)| {
                spots.iter().map(|spot| {
                    let state = if spot.kept_up { "kept up" } else { "overloaded" };
                    vec![client.clone(), count(spot.rate_per_s), spot.text.clone(), state.into()]
                })
            })
            .collect();
        let heads = ["client", "offered, ticks/s", column.name, "state"].map(str::to_owned);
        let more = "Medians over rounds; both axes logarithmic. Triangles: overloaded, so response times depend on the length of the round.";
        figures.push(wide(&title, more, &names, svg, &grid::data(&heads, &table)));
    }
    Ok(html! { @for figure in &figures { (figure) } })
}

/// A number with its unit.
fn written(column: &Column<Row>, row: &Row) -> String {
    let unit = column.format.unit();
    let gap = if unit.is_empty() { "" } else { " " };
    format!("{}{gap}{unit}", column.cell(row, column.format))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The chart of capacities.
///
/// # Errors
/// When it cannot be drawn.
pub fn capacities(all: &[Capacity]) -> Result<Option<Markup>> {
    let title = "The highest rate that each client sustains";
    let Some(svg) = chart::bars::capacity::chart(all, title)? else { return Ok(None) };
    let heads = ["client", "sustained, ticks/s", "not sustained, ticks/s"].map(str::to_owned);
    let rate = |n: Option<u64>| n.map_or("–".into(), |n| count(n as f64));
    let table: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            let above = one.interval_per_s.and_then(|(_, high)| high);
            vec![one.client.clone(), rate(one.capacity_per_s), rate(above)]
        })
        .collect();
    let more = "The highest rate that each client sustained; the whisker ends at the lowest that it did not. Clients a step or two apart cannot be distinguished: a search has no noise floor. The axis is logarithmic.";
    let classes = palette::classes(all.iter().map(|one| one.class));
    Ok(Some(wide(title, more, &classes, svg, &grid::data(&heads, &table))))
}
