//! The figures of the page. Each has a title that says what it shows, the chart, its legend, and
//! its data as a table.

use crate::columns::column::Column;
use crate::columns::rows as catalogue;
use crate::report::chart;
use crate::report::chart::shares::{self, Shares};
use crate::report::chart::{backlog, knee, paint, quantiles, sweep, ticks};
use crate::report::grid;
use crate::report::headline;
use crate::report::palette::{self, CAUSES, Colour, LAYERS, Palette, STAGES};
use crate::report::series;
use crate::report::series::Shown;
use crate::text::style::or_dash;
use anyhow::Result;
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::round::journey::{Part, Waterfall};
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
fn wide(
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

/// Backlogs over time, one small chart for each client that falls behind, on one scale; the
/// others are named. `None` where no client falls behind.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn backlogs(all: &[Shown], rows: &[Row]) -> Result<Option<Markup>> {
    let verdict =
        |shown: &Shown| rows.iter().find(|row| row.client == shown.client).map(|row| row.verdict);
    let with = |wanted: Verdict| -> Vec<&Shown> {
        all.iter().filter(|shown| verdict(shown) == Some(wanted)).collect()
    };
    let (behind, others) = (with(Verdict::Overloaded), with(Verdict::Ok));
    if behind.is_empty() {
        return Ok(None);
    }
    let top = behind.iter().map(|shown| shown.peak_ticks as f64).fold(0.0, f64::max);
    let layers = backlog::names();
    let legend: Vec<(String, Colour)> = layers.iter().cloned().zip(LAYERS).collect();
    let cells: Vec<Markup> =
        behind.iter().map(|shown| backlog_of(shown, &layers, top)).collect::<Result<_>>()?;
    let names: Vec<String> = behind.iter().map(|shown| shown.client.clone()).collect();
    let verb = if names.len() == 1 { "falls" } else { "fall" };
    let title = format!("{} {verb} behind.", headline::list(&names));
    let more = "Who falls behind, and where ticks wait: ticks generated and not yet processed, by the layer that holds them, over time, on one scale. The lines mark the measured window. Snapshots are about 20 ms apart: what comes and goes between two of them is not shown. The library's share is the rest between written and received.";
    let body = html! {
        div.multiples { @for cell in &cells { (cell) } }
        @if let Some(most) = others.iter().map(|shown| shown.peak_ticks).max() {
            p { "The backlog of the " (others.len()) " that keep up does not grow: at most " (backlog::waiting(most as f64)) " at a snapshot of the rounds shown for them." }
        }
    };
    Ok(Some(figure(&title, more, &legend, &body)))
}

/// The backlog of one client over time.
fn backlog_of(shown: &Shown, layers: &[String], top: f64) -> Result<Markup> {
    let most = backlog::waiting(shown.peak_ticks as f64);
    let title = format!("{}: at most {most} at a snapshot", shown.client);
    let svg = backlog::chart(shown, &title, top)?;
    let heads: Vec<String> = ["s".to_owned()]
        .into_iter()
        .chain(layers.iter().map(|layer| format!("{layer}, ticks")))
        .collect();
    let table: Vec<Vec<String>> = shown
        .backlog
        .iter()
        .map(|at| {
            let ticks = at.backlog.layers().map(|(_, ticks)| count(ticks));
            [format!("{:.3}", at.at_s)].into_iter().chain(ticks).collect()
        })
        .collect();
    Ok(html! {
        div data-client=(shown.client) {
            h4 { (title) span.soft { " (round " (shown.round) ")" } }
            (PreEscaped(svg)) (grid::data(&heads, &table))
        }
    })
}

/// Where ticks wait at the end of the window, by layer; `None` where none waits.
///
/// # Errors
/// When the chart cannot be drawn.
pub fn layers(rows: &[Row]) -> Result<Option<Markup>> {
    let all: Vec<Shares> = rows
        .iter()
        .filter_map(|row| {
            let backlog = row.backlog_end?;
            let layers = backlog.layers();
            let parts = layers.iter().filter(|(_, ticks)| *ticks >= 0.5);
            let parts: String =
                parts.map(|(layer, ticks)| format!("\n{layer}: {}", count(*ticks))).collect();
            Some(Shares {
                client: row.client.clone(),
                parts: layers.map(|(_, ticks)| ticks).to_vec(),
                label: short(backlog.total()),
                tip: format!("{}: {}{parts}", row.client, backlog::waiting(backlog.total())),
            })
        })
        .collect();
    let title = "Where ticks wait under a flood";
    let Some(svg) = shares::chart(&all, &LAYERS, "% of the ticks that wait", title)? else {
        return Ok(None);
    };
    let names = backlog::names();
    let heads = ["client".to_owned()]
        .into_iter()
        .chain(names.iter().map(|layer| format!("{layer}, ticks")))
        .collect::<Vec<_>>();
    let data = shares_data(&heads, &all, count);
    let legend: Vec<(String, Colour)> = names.into_iter().zip(LAYERS).collect();
    let more = "The share of each layer in the ticks that wait at the end of the window, medians over rounds; right of each bar their number. A flood fills every queue that it can: what it fills is a property of buffers.";
    Ok(Some(wide(title, more, &legend, svg, &data)))
}

/// What the slowest ticks of each client waited for; `None` where that is not known.
///
/// # Errors
/// When the chart cannot be drawn.
pub fn slowest(rows: &[Row]) -> Result<Option<Markup>> {
    let causes =
        ["a disturbance", "a late write of the server", "a snapshot", "a CPU", "not known"];
    let all: Vec<Shares> = rows
        .iter()
        .filter_map(|row| {
            let found = row.slowest?;
            let known = [found.disturbed, found.late_write, found.snapshot, found.preempted];
            let rest = found.ticks.saturating_sub(known.iter().sum());
            let [a, b, c, d] = known.map(|ticks| ticks as f64);
            Some(Shares {
                client: row.client.clone(),
                parts: vec![a, b, c, d, rest as f64],
                label: count(found.ticks as f64),
                tip: format!("{}: {found}", row.client),
            })
        })
        .collect();
    let title = "What the slowest 0.1 % of the ticks waited for";
    let Some(svg) = shares::chart(&all, &CAUSES, "% of the slowest ticks", title)? else {
        return Ok(None);
    };
    let heads = ["client"].into_iter().chain(causes).map(str::to_owned).collect::<Vec<_>>();
    let legend: Vec<(String, Colour)> = causes.map(str::to_owned).into_iter().zip(CAUSES).collect();
    let more = "Each tick counts once, by the first that took at least half of its response time: a disturbance of the machine, a late write of the server, a snapshot of the harness, the client's threads waiting for a CPU. Right of each bar: how many ticks.";
    let data = shares_data(&heads, &all, count);
    Ok(Some(wide(title, more, &legend, svg, &data)))
}

/// The parts of some bars as a table.
fn shares_data(heads: &[String], all: &[Shares], text: fn(f64) -> String) -> Markup {
    let row = |one: &Shares| -> Vec<String> {
        [one.client.clone()].into_iter().chain(one.parts.iter().map(|part| text(*part))).collect()
    };
    grid::data(heads, &all.iter().map(row).collect::<Vec<_>>())
}

/// Where a tick near the median and one near the p99 spend their time, of each client beside the
/// fastest; `None` where too few ticks were processed.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn ticks(all: &[Shown]) -> Result<Option<Markup>> {
    let known: Vec<(&str, [[f64; 4]; 2])> = all
        .iter()
        .filter_map(|shown| Some((shown.client.as_str(), shown.typical_ticks?)))
        .collect();
    let whole = |(_, ticks): &(&str, [[f64; 4]; 2])| ticks[1].iter().sum::<f64>();
    let Some(fastest) = known.iter().min_by(|a, b| whole(a).total_cmp(&whole(b))) else {
        return Ok(None);
    };
    let stages = Part::ALL.map(|part| part.to_string());
    let mut cells = Vec::new();
    for (client, own) in &known {
        let tick = |quantile: usize, of: &(&str, [[f64; 4]; 2])| ticks::Tick {
            name: format!("{} of {}", ["p50", "p99"][quantile], of.0),
            stages_ns: of.1[quantile],
        };
        let mut drawn = vec![tick(0, &(client, *own)), tick(1, &(client, *own))];
        if client != &fastest.0 {
            drawn.insert(1, tick(0, fastest));
            drawn.push(tick(1, fastest));
        }
        let name = format!("Where a tick of {client} spends its time");
        let chart = ticks::chart(&drawn, &stages, (client, &name))?;
        cells.push(html! { div data-client=(client) { h4 { (client) } (PreEscaped(chart)) } });
    }
    let legend: Vec<(String, Colour)> = stages.into_iter().zip(STAGES).collect();
    let more = format!(
        "Means over the ticks whose response time is near the median, and near the p99, of the ticks of all rounds that were processed; beside each client {}, whose p99 is lowest here. Click a client to see only its own.",
        fastest.0
    );
    let title = "Where a tick of each client spends its time";
    let body = html! { div.multiples { @for cell in &cells { (cell) } } };
    Ok(Some(html! { details { summary { (title) } (figure(title, &more, &legend, &body)) } }))
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
    let svg = chart::rates::chart(&behind, &offered, palette, &title)?;
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
    let svg = chart::waterfall::chart(&falls, title)?;
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
    let Some(svg) = chart::capacity::chart(all, title)? else { return Ok(None) };
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
