//! The figures of where ticks wait: backlogs by layer, the slowest ticks by cause, and the stages
//! of a tick.

use super::chart::bars::shares::{self, Shares};
use super::chart::bars::ticks;
use super::chart::lines::backlog;
use super::figures::{figure, wide};
use super::grid;
use super::headline;
use super::palette::{CAUSES, Colour, LAYERS, STAGES};
use super::series::Shown;
use anyhow::Result;
use bench_core::analysis::round::journey::Part;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::{count, short};
use maud::{Markup, PreEscaped, html};

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
