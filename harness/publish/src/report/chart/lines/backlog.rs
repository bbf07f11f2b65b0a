//! Where ticks wait, over time: the layers of one round's backlog, stacked.

use crate::report::chart::paint::{self, Tip, headroom, mesh, paint};
use crate::report::palette::LAYERS;
use crate::report::series::{Layers, Shown};
use anyhow::Result;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// The names of the layers, in the order in which a tick passes them.
#[must_use]
pub fn names() -> [String; 5] {
    Backlog::default().layers().map(|(layer, _)| layer.to_string())
}

/// The chart of one client, called `name`; `top` is the upper end of its scale.
///
/// # Errors
/// When plotters refuses.
pub fn chart(shown: &Shown, name: &str, top: f64) -> Result<String> {
    let grid = &shown.backlog;
    let end = grid.last().map_or(1.0, |last| last.at_s);
    let top = headroom(std::iter::once(top), 5.0);
    paint((360, 210), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .x_label_area_size(40)
            .y_label_area_size(62)
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        mesh!(chart, "s since the start", "ticks", &|x| short(*x), &|y| short(*y))?;
        let mut base: Vec<f64> = vec![0.0; grid.len()];
        for (index, colour) in LAYERS.iter().enumerate() {
            let height = |at: &Layers| at.backlog.layers()[index].1;
            let upper: Vec<f64> = grid.iter().zip(&base).map(|(r, b)| b + height(r)).collect();
            if grid.iter().any(|at| height(at) > 0.0) {
                let there = grid.iter().zip(&upper).map(|(row, y)| (row.at_s, *y));
                let back = grid.iter().zip(&base).rev().map(|(row, y)| (row.at_s, *y));
                let outline: Vec<(f64, f64)> = there.chain(back).collect();
                chart.draw_series([Polygon::new(outline, colour.rgb().filled())])?;
            }
            base = upper;
        }
        let x = |at: f64, y: f64| chart.backend_coord(&(at, y));
        for edge in shown.window_s {
            let line = PathElement::new(vec![(edge, 0.0), (edge, top)], paint::guide());
            chart.plotting_area().draw(&line)?;
        }
        let (bottom, ceiling) = (x(0.0, 0.0).1, x(0.0, top).1);
        let strip = |pair: &[Layers]| {
            let (from, to) = (x(pair[0].at_s, 0.0).0, x(pair[1].at_s, 0.0).0);
            Tip::of(
                &shown.client,
                [from, ceiling, (to - from).max(1), bottom - ceiling],
                tooltip(&pair[1]),
            )
        };
        Ok(grid.windows(2).map(strip).collect())
    })
}

/// `5 ticks wait`.
#[must_use]
pub fn waiting(ticks: f64) -> String {
    match bench_core::text::digits::count(ticks).as_str() {
        "0" => "no tick waits".into(),
        "1" => "1 tick waits".into(),
        many => format!("{many} ticks wait"),
    }
}

/// The tooltip of a snapshot: its time and its backlog.
fn tooltip(at: &Layers) -> String {
    let mut text = format!("{:.2} s: {}", at.at_s, waiting(at.backlog.total()));
    for (layer, ticks) in at.backlog.layers().into_iter().filter(|(_, ticks)| *ticks >= 0.5) {
        text.push_str(&format!("\n{layer}: {}", bench_core::text::digits::count(ticks)));
    }
    text
}
