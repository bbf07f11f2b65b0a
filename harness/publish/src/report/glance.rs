//! The first screen of a comparison's page: a picture for each question, who processes how much,
//! how late, who falls behind and where its backlog is, and at what cost.

use super::answer;
use super::chart::bars::throughput;
use super::chart::{cost, lateness};
use super::figures::figure;
use super::palette::{Colour, classes};
use super::{series, waits};
use crate::text::labels;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use contract::Class;
use maud::{Markup, PreEscaped, html};

/// The pictures of a comparison; nothing for other campaigns.
///
/// # Errors
/// When a file of a round is damaged, or a chart cannot be drawn.
pub fn pictures(archive: &Archive) -> Result<Markup> {
    let campaign = &archive.campaign;
    if campaign.kind != Kind::Compare {
        return Ok(html! {});
    }
    let mut all = Vec::new();
    if let Some(load) = campaign.workloads.iter().find(|load| is_flood(load)) {
        let offered = campaign.workloads.iter().filter_map(answer::offered_per_s);
        all.extend(rates(
            load,
            &rows(campaign, load),
            &offered.map(|rate| rate as f64).collect::<Vec<_>>(),
        )?);
    }
    if let Some(load) = answer::timed(campaign) {
        all.extend(times(load, &rows(campaign, load))?);
    }
    if let Some(load) = answer::highest(campaign) {
        let shown = series::shown(archive, load)?;
        all.extend(waits::backlogs(&shown, &rows(campaign, load))?);
    }
    if let Some(load) = answer::timed(campaign) {
        all.extend(costs(load, &rows(campaign, load))?);
    }
    Ok(html! { @if !all.is_empty() { div.glance { @for picture in &all { (picture) } } } })
}

fn is_flood(load: &Workload) -> bool {
    load.is_flood() && load.rank_by == RankBy::Processed
}

fn rows(campaign: &Campaign, load: &Workload) -> Vec<Row> {
    campaign.of_workload(&load.name).0
}

/// How much each client processes under a flood.
fn rates(load: &Workload, rows: &[Row], offered: &[f64]) -> Result<Option<Markup>> {
    let title = answer::throughput(rows);
    let Some(svg) = throughput::chart(rows, offered, &title)? else { return Ok(None) };
    let marks = if offered.is_empty() {
        ""
    } else {
        " Vertical lines: the loads that the other workloads offer."
    };
    let more = format!(
        "Who processes how much: ticks/s when ticks are always ready, medians with 95 % intervals, logarithmic.{marks}"
    );
    Ok(Some(picture(&title, &more, &classes(rows.iter().map(|row| row.class)), svg, &load.name)))
}

/// How late each client processes ticks.
fn times(load: &Workload, rows: &[Row]) -> Result<Option<Markup>> {
    let title = answer::lateness(load, rows);
    let Some(svg) = lateness::chart(rows, &title)? else { return Ok(None) };
    let without: Vec<&str> = rows
        .iter()
        .filter(|row| row.verdict != Verdict::Ok)
        .map(|row| row.client.as_str())
        .collect();
    let without = match without.is_empty() {
        true => String::new(),
        false => format!(" Not shown: {} (overloaded, or not ranked).", without.join(", ")),
    };
    let ties = match rows.iter().any(|row| row.tied) {
        true => " Right: p99 and rank; brackets join clients that are not told apart.",
        false => "",
    };
    let band = match rows.iter().any(|row| row.class == Class::Reference) {
        true => " Band: p50 to p99 of the reference client, which does least.",
        false => "",
    };
    let stalls = match rows.iter().any(|row| row.stalls_more) {
        true => " †: stalls more than the reference client, and so is not in the first group.",
        false => "",
    };
    let more = format!(
        "How late, with {}: dot: p99 of the response time with its 95 % interval; stroke: p50; ring: p99.9 (medians over rounds).{ties}{stalls}{band}{without}",
        labels::load(load)
    );
    Ok(Some(picture(&title, &more, &classes(rows.iter().map(|row| row.class)), svg, &load.name)))
}

/// What each client costs.
fn costs(load: &Workload, rows: &[Row]) -> Result<Option<Markup>> {
    let Some(title) = answer::cost(rows) else { return Ok(None) };
    let Some(svg) = cost::chart(rows, &title)? else { return Ok(None) };
    let more = format!(
        "What it costs, with {}: CPU time of the client per tick against the p99 of the response time, both logarithmic: low and left is good.",
        labels::load(load)
    );
    Ok(Some(picture(&title, &more, &classes(rows.iter().map(|row| row.class)), svg, &load.name)))
}

/// A picture that links to its rows.
fn picture(
    title: &str,
    more: &str,
    legend: &[(String, Colour)],
    svg: String,
    workload: &str,
) -> Markup {
    let body = html! {
        (PreEscaped(svg))
        p.rows { a href={ "#" (workload) } { "Table of " (workload) } }
    };
    figure(title, more, legend, &body)
}
