//! The small picture of a campaign in the index: a bar for each client, without text.

use crate::report::answer;
use crate::report::chart::bars::throughput;
use crate::report::chart::paint::{decades, paint};
use crate::report::palette;
use anyhow::Result;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::load::workload::RankBy;
use contract::Class;
use plotters::prelude::*;

/// Width and height, in px.
const SIZE: (u32, u32) = (132, 60);

/// The picture; `None` without numbers.
///
/// # Errors
/// When plotters refuses.
pub fn chart(campaign: &Campaign) -> Result<Option<String>> {
    let bars = bars(campaign);
    let Some(range) = decades(bars.iter().map(|(value, _)| *value)) else { return Ok(None) };
    let svg = paint(SIZE, &answer::of_campaign(campaign), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(1)
            .build_cartesian_2d(0.0..bars.len() as f64, range.clone().log_scale())?;
        for (place, (value, class)) in bars.iter().enumerate() {
            let bar = [(place as f64 + 0.1, range.start), (place as f64 + 0.9, *value)];
            let colour = palette::of_class(*class).rgb();
            chart.draw_series([Rectangle::new(bar, colour.filled())])?;
        }
        Ok(Vec::new())
    })?;
    Ok(Some(svg.replacen("class=\"chart\"", "class=\"thumb\"", 1)))
}

/// What each client sustains, or processes under a flood or the highest load, the greatest first.
fn bars(campaign: &Campaign) -> Vec<(f64, Class)> {
    let mut all: Vec<(f64, Class)> = match campaign.kind {
        Kind::Capacity => campaign
            .capacities
            .iter()
            .filter_map(|one| Some((one.capacity_per_s? as f64, one.class)))
            .collect(),
        Kind::Sweep | Kind::Compare => {
            let flood = campaign.workloads.iter().find(|load| load.rank_by == RankBy::Processed);
            match flood.or_else(|| answer::highest(campaign)) {
                None => Vec::new(),
                Some(load) => throughput::order(&campaign.of_workload(&load.name).0)
                    .into_iter()
                    .filter_map(|row| Some((row.rates.processed_per_s?, row.class)))
                    .collect(),
            }
        }
    };
    all.retain(|(value, _)| *value > 0.0);
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all
}
