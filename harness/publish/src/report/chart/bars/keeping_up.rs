//! The picture of a comparison: how many ticks each client processes, which clients fall
//! behind under an offered load, and where their backlog is.

use crate::report::chart::paint::{Area, decades, label, lines_mesh, paint};
use crate::report::palette::{Colour, GRID, INK};
use crate::tables::across;
use crate::text::labels;
use anyhow::Result;
use bench_archive::campaign::Campaign;
use bench_core::analysis::round::backlog::Layer;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Rate, Workload};
use bench_core::text::digits::short;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Colours of clients that keep up with every load, of those that do not, and of those of which
/// that is not known: M. Okabe and K. Ito, Color Universal Design (2008). All are readable on white
/// and on dark.
const KEEPS_UP: Colour = Colour(0x2F, 0x7F, 0xC4);
const FALLS_BEHIND: Colour = Colour(0xD5, 0x5E, 0x00);
const UNKNOWN: Colour = Colour(0x8A, 0x8A, 0x8A);

/// Width in px, and the height of a bar with its space.
const WIDTH: u32 = 880;
const BAR: u32 = 22;
/// Space for names on the left, and for labels on the right, in px.
const NAMES: u32 = 190;
const LABELS: u32 = 290;

/// The background of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// On white.
    Light,
    /// On dark.
    Dark,
}

/// One client.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Its name, marked unless it is a library.
    pub name: String,
    /// The rate processed under flood, or under the highest load, in ticks per second.
    pub processed_per_s: Option<f64>,
    /// How it does under the offered loads.
    pub standing: Standing,
    /// The verdict of its row.
    pub verdict: Verdict,
}

/// How a client does under the offered loads of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is `ok` under each of them.
    KeepsUp,
    /// The lowest load under which it is overloaded, and where most of its backlog is.
    FallsBehind(String, Option<Layer>),
    /// It is neither: the lowest load under which it is not `ok`, and its verdict there. `None`
    /// if nothing but a flood was offered.
    Unknown(Option<(String, Verdict)>),
}

/// The workload whose processed rates are the bars: a flood, else the highest load.
#[must_use]
pub fn measured_by(campaign: &Campaign) -> Option<&Workload> {
    let loads = &campaign.workloads;
    let flood = loads.iter().find(|load| load.is_flood() && load.rank_by == RankBy::Processed);
    flood.or_else(|| loads.iter().max_by_key(|load| rate_per_s(load)))
}

fn rate_per_s(workload: &Workload) -> Option<u64> {
    match workload.rate_per_s {
        Some(Rate::PerSecond(rate)) => Some(rate),
        _ => None,
    }
}

/// The bars of a comparison, the fastest first.
#[must_use]
pub fn bars(campaign: &Campaign) -> Vec<Bar> {
    let Some(load) = measured_by(campaign) else { return Vec::new() };
    let (rows, _) = campaign.of_workload(&load.name);
    let mut bars: Vec<Bar> = rows.iter().map(|row| bar(campaign, row)).collect();
    let rate = |bar: &Bar| bar.processed_per_s.unwrap_or(f64::MIN);
    bars.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    bars
}

fn bar(campaign: &Campaign, row: &Row) -> Bar {
    Bar {
        name: format!("{}{}", row.client, labels::class(row.class)),
        processed_per_s: row.rates.processed_per_s,
        standing: standing(campaign, &row.client),
        verdict: row.verdict,
    }
}

fn standing(campaign: &Campaign, client: &str) -> Standing {
    let mut loads: Vec<&Workload> =
        campaign.workloads.iter().filter(|load| !load.is_flood()).collect();
    loads.sort_by_key(|load| rate_per_s(load));
    let row_of = |load: &Workload| {
        campaign.rows.iter().find(|row| row.workload == load.name && row.client == client)
    };
    let rows: Vec<(&Workload, &Row)> =
        loads.into_iter().filter_map(|load| Some((load, row_of(load)?))).collect();
    let name = |load: &Workload| match rate_per_s(load) {
        Some(rate) => format!("{}/s", short(rate as f64)),
        None => load.name.clone(),
    };
    if let Some((load, row)) = rows.iter().find(|(_, row)| row.verdict == Verdict::Overloaded) {
        let layer = row.backlog_end.and_then(|backlog| backlog.largest());
        return Standing::FallsBehind(name(load), layer);
    }
    match rows.iter().find(|(_, row)| row.verdict != Verdict::Ok) {
        Some((load, row)) => Standing::Unknown(Some((name(load), row.verdict))),
        None if rows.is_empty() => Standing::Unknown(None),
        None => Standing::KeepsUp,
    }
}

/// The picture as an SVG file; `None` unless the campaign is a comparison of ordinary workloads
/// with numbers.
///
/// # Errors
/// When plotters refuses.
pub fn file(campaign: &Campaign, theme: Theme) -> Result<Option<String>> {
    if !across::is_ordinary(campaign) {
        return Ok(None);
    }
    let bars = bars(campaign);
    let Some(svg) = chart(campaign, &bars)? else { return Ok(None) };
    let svg = svg.replacen(
        "<svg ",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"system-ui, sans-serif\" ",
        1,
    );
    Ok(Some(match theme {
        Theme::Light => svg + "\n",
        Theme::Dark => svg.replace(&INK.css(), "#E6E6E6").replace(&GRID.css(), "#3A3E44") + "\n",
    }))
}

fn chart(campaign: &Campaign, bars: &[Bar]) -> Result<Option<String>> {
    let Some(range) = decades(bars.iter().filter_map(|bar| bar.processed_per_s)) else {
        return Ok(None);
    };
    let low = range.start;
    let height = 92 + BAR * bars.len() as u32;
    let svg = paint((WIDTH, height), "Ticks per second that each client processes", |area| {
        legend(area, bars)?;
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_top(32)
            .margin_right(LABELS)
            .x_label_area_size(44)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(range.clone().log_scale(), bars.len() as f64..0.0)?;
        lines_mesh!(chart, axis(campaign), &|rate| short(*rate))?;
        let name = label().pos(Pos::new(HPos::Right, VPos::Center));
        for (row, bar) in bars.iter().enumerate() {
            let middle = row as f64 + 0.5;
            let (left, y) = chart.backend_coord(&(low, middle));
            area.draw(&Text::new(bar.name.clone(), (left - 8, y), name.clone()))?;
            let mut right = left;
            if let Some(rate) = bar.processed_per_s {
                let ends = [(low, middle - 0.36), (rate, middle + 0.36)];
                chart.draw_series([Rectangle::new(ends, colour(bar).rgb().filled())])?;
                right = chart.backend_coord(&ends[1]).0;
            }
            area.draw(&Text::new(text(bar), (right + 6, y), label()))?;
        }
        Ok(Vec::new())
    })?;
    Ok(Some(svg))
}

fn colour(bar: &Bar) -> Colour {
    match bar.standing {
        Standing::KeepsUp => KEEPS_UP,
        Standing::FallsBehind(..) => FALLS_BEHIND,
        Standing::Unknown(_) => UNKNOWN,
    }
}

/// The legend of the colours that occur, above the bars.
fn legend(area: &Area<'_>, bars: &[Bar]) -> Result<()> {
    let entries = [
        (KEEPS_UP, "keeps up with every offered load"),
        (FALLS_BEHIND, "falls behind, and where its backlog is"),
        (UNKNOWN, "not known"),
    ];
    let used = entries.into_iter().filter(|(one, _)| bars.iter().any(|bar| colour(bar) == *one));
    for (place, (colour, text)) in used.enumerate() {
        let left = NAMES as i32 + 8 + 250 * place as i32;
        let square = [(left, 10), (left + 12, 22)];
        area.draw(&Rectangle::new(square, colour.rgb().filled()))?;
        area.draw(&Text::new(text, (left + 18, 16), label()))?;
    }
    Ok(())
}

/// The label of the axis.
fn axis(campaign: &Campaign) -> String {
    match measured_by(campaign) {
        Some(load) if load.is_flood() => {
            format!("ticks/s processed when ticks are always ready ({})", load.name)
        }
        Some(load) => format!("ticks/s processed under {}", load.name),
        None => String::new(),
    }
}

/// The label of a bar: its rate, and if the client falls behind, where its backlog is.
fn text(bar: &Bar) -> String {
    let Some(rate) = bar.processed_per_s else { return bar.verdict.to_string() };
    let rate = format!("{}/s{}", short(rate), labels::verdict(bar.verdict));
    match &bar.standing {
        Standing::KeepsUp | Standing::Unknown(None) => rate,
        Standing::FallsBehind(load, None) => format!("{rate}, falls behind at {load}"),
        Standing::FallsBehind(load, Some(layer)) => {
            format!("{rate}, falls behind at {load}: backlog in {layer}")
        }
        Standing::Unknown(Some((load, verdict))) => format!("{rate}, {verdict} at {load}"),
    }
}
