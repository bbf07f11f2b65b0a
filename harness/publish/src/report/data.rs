//! The numbers behind the first pictures of a page, for other plotting programs: `charts.json`.

use super::answer;
use super::chart::bars::throughput;
use super::chart::lines::knee;
use super::chart::{cost, lateness};
use super::series;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::round::backlog::Layer;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::statistics::inference::Interval;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use contract::Class;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of [`Charts`].
pub const SCHEMA: u32 = 1;

/// The object of `charts.json`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Charts {
    /// The version of this object.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The answer of the campaign, in one sentence.
    pub answer: String,
    /// The pictures, in the order of the page.
    pub charts: Vec<Chart>,
}

/// The numbers of one picture.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Chart {
    /// What it shows.
    pub shows: Shows,
    /// The workload; absent where the campaign has several rates of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Its title, which states its finding.
    pub title: String,
    /// Its numbers, in the order in which they are drawn.
    pub values: Vec<Value>,
}

/// The kinds of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// Who processes how much.
    Throughput,
    /// How late each client is.
    Lateness,
    /// Who falls behind, and where ticks wait.
    Backlog,
    /// What each client costs.
    Cost,
    /// The highest rate that each client sustains.
    Capacity,
    /// Response times against the offered rate.
    Sweep,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Value {
    /// The client.
    pub client: String,
    /// Its class.
    pub class: Class,
    /// The verdict of its row; absent for a capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What it is, with its unit last, such as `p99_ns`.
    pub quantity: String,
    /// The value in that unit.
    pub value: f64,
    /// Whether it is only a lower bound, because ticks still waited.
    pub at_least: bool,
    /// The lower end of its 95 % confidence interval, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Where it is on the axis of a sweep, in offered ticks per second, or of a backlog, in s since
    /// the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
}

impl Value {
    fn new(row: &Row, quantity: &str, value: f64) -> Self {
        Self {
            client: row.client.clone(),
            class: row.class,
            verdict: Some(row.verdict),
            quantity: quantity.to_owned(),
            value,
            at_least: false,
            low: None,
            high: None,
            at: None,
        }
    }

    fn time(row: &Row, quantity: &str, time: Time) -> Self {
        let at_least = time.is_censored();
        Self { at_least, ..Self::new(row, quantity, time.bound_ns() as f64) }
    }

    fn within(self, interval: Option<Interval>) -> Self {
        Self { low: interval.map(|i| i.low), high: interval.map(|i| i.high), ..self }
    }

    fn at(self, at: f64) -> Self {
        Self { at: Some(at), ..self }
    }
}

/// The numbers of a campaign's pictures.
///
/// # Errors
/// When a file of a round is missing or damaged.
pub fn of(archive: &Archive) -> Result<Charts> {
    let campaign = &archive.campaign;
    let charts: Vec<Chart> = match campaign.kind {
        Kind::Compare => comparison(archive)?,
        Kind::Capacity => vec![capacities(campaign)],
        Kind::Sweep => vec![sweep(campaign)],
    };
    let charts = charts.into_iter().filter(|chart| !chart.values.is_empty()).collect();
    Ok(Charts { schema: SCHEMA, answer: answer::of_campaign(campaign), charts })
}

fn comparison(archive: &Archive) -> Result<Vec<Chart>> {
    let campaign = &archive.campaign;
    let mut charts = Vec::new();
    let rows = |load: &Workload| campaign.of_workload(&load.name).0;
    let mut add = |shows, load: &Workload, title: String, values: Vec<Value>| {
        if !values.is_empty() {
            charts.push(Chart { shows, workload: Some(load.name.clone()), title, values });
        }
    };
    let flood = |load: &&Workload| load.is_flood() && load.rank_by == RankBy::Processed;
    if let Some(load) = campaign.workloads.iter().find(flood) {
        let rows = rows(load);
        add(Shows::Throughput, load, answer::throughput(&rows), rates(&rows));
    }
    if let Some(load) = answer::timed(campaign) {
        let rows = rows(load);
        add(Shows::Lateness, load, answer::lateness(load, &rows), times(&rows));
    }
    if let Some(load) = answer::highest(campaign) {
        let rows = rows(load);
        add(Shows::Backlog, load, answer::keeping_up(load, &rows), backlogs(archive, load, &rows)?);
    }
    if let Some(load) = answer::timed(campaign) {
        let rows = rows(load);
        if let Some(title) = answer::cost(&rows) {
            add(Shows::Cost, load, title, costs(&rows));
        }
    }
    Ok(charts)
}

fn rates(rows: &[Row]) -> Vec<Value> {
    let of = |row: &&Row| {
        let rate = row.rates.processed_per_s?;
        Some(Value::new(row, "processed_per_s", rate).within(row.intervals.processed_per_s))
    };
    throughput::order(rows).iter().filter_map(of).collect()
}

fn times(rows: &[Row]) -> Vec<Value> {
    let of = |(row, late): (&Row, lateness::Lateness)| {
        let ns = |quantity, time| Value::time(row, quantity, time);
        let mut values = vec![ns("p50_ns", late.p50), ns("p99_ns", late.p99).within(late.interval)];
        values.extend(late.p999.map(|time| ns("p999_ns", time)));
        values
    };
    lateness::shown(rows).into_iter().flat_map(of).collect()
}

fn backlogs(archive: &Archive, load: &Workload, rows: &[Row]) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    for shown in series::shown(archive, load)? {
        let row = rows.iter().find(|row| row.client == shown.client);
        let Some(row) = row.filter(|row| row.verdict == Verdict::Overloaded) else { continue };
        for at in &shown.backlog {
            let layers = at.backlog.layers().into_iter();
            values.extend(
                layers.map(|(layer, ticks)| Value::new(row, ticks_in(layer), ticks).at(at.at_s)),
            );
        }
    }
    Ok(values)
}

fn ticks_in(layer: Layer) -> &'static str {
    match layer {
        Layer::Server => "server_ticks",
        Layer::KernelSend => "kernel_send_ticks",
        Layer::KernelReceive => "kernel_receive_ticks",
        Layer::Library => "library_ticks",
        Layer::Client => "client_ticks",
    }
}

fn costs(rows: &[Row]) -> Vec<Value> {
    let of = |one: cost::Cost<'_>| {
        [
            Value::new(one.row, "p99_ns", one.p99_ns),
            Value::new(one.row, "cpu_ns_per_tick", one.cpu_ns_per_tick),
        ]
    };
    cost::shown(rows).into_iter().flat_map(of).collect()
}

fn capacities(campaign: &Campaign) -> Chart {
    let value = |one: &Capacity, quantity: &str, rate: u64| Value {
        client: one.client.clone(),
        class: one.class,
        verdict: None,
        quantity: quantity.to_owned(),
        value: rate as f64,
        at_least: false,
        low: None,
        high: None,
        at: None,
    };
    let both = |one: &Capacity| {
        let refuted = one.interval_per_s.and_then(|(_, high)| high);
        [("sustained_per_s", one.capacity_per_s), ("not_sustained_per_s", refuted)]
            .into_iter()
            .filter_map(|(quantity, rate)| Some(value(one, quantity, rate?)))
            .collect::<Vec<_>>()
    };
    Chart {
        shows: Shows::Capacity,
        workload: campaign.workloads.first().map(|load| load.name.clone()),
        title: answer::of_campaign(campaign),
        values: campaign.capacities.iter().flat_map(both).collect(),
    }
}

fn sweep(campaign: &Campaign) -> Chart {
    let mut values = Vec::new();
    for client in row::clients(&campaign.rows) {
        let Some(row) = campaign.rows.iter().find(|row| row.client == client) else { continue };
        for spot in knee::spots(&campaign.rows, client) {
            for (quantity, time) in [("p50_ns", spot.p50), ("p99_ns", spot.p99)] {
                values.push(Value::time(row, quantity, time).at(spot.rate_per_s));
            }
        }
    }
    Chart { shows: Shows::Sweep, workload: None, title: answer::of_campaign(campaign), values }
}
