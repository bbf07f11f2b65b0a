//! A campaign's numbers as tidy CSV: a row per workload, client and metric, its unit
//! in a column.

use crate::capacity::Capacity;
use crate::escape;
use crate::inference::Interval;
use crate::journey::Stage;
use crate::ranking::Noise;
use crate::rows::{Metric, Row};
use crate::saved::{Campaign, Kind};
use crate::stats::{Quantiles, Time};
use contract::Class;

/// The columns. `value` is the median over `rounds` of what `statistic` is within a
/// round; `bound` says whether it is `exact` or `at_least` so much; `low` and `high`
/// are its 95 % interval.
pub const COLUMNS: [&str; 13] = [
    "workload",
    "client",
    "class",
    "verdict",
    "rank",
    "metric",
    "statistic",
    "unit",
    "value",
    "bound",
    "low",
    "high",
    "rounds",
];

/// One number.
#[derive(Debug, Clone, Copy)]
struct Number {
    metric: &'static str,
    statistic: &'static str,
    unit: &'static str,
    value: f64,
    at_least: bool,
    interval: Option<(f64, Option<f64>)>,
}

/// All numbers of one client.
#[derive(Debug, Default)]
struct Numbers(Vec<Number>);

impl Numbers {
    fn add(&mut self, name: [&'static str; 3], value: Option<f64>) {
        self.with(name, value, None);
    }

    fn with(&mut self, name: [&'static str; 3], value: Option<f64>, interval: Option<Interval>) {
        let [metric, statistic, unit] = name;
        let interval = interval.map(|i| (i.low, Some(i.high)));
        self.0.extend(value.filter(|value| value.is_finite()).map(|value| Number {
            metric,
            statistic,
            unit,
            value,
            at_least: false,
            interval,
        }));
    }

    fn time(&mut self, name: [&'static str; 2], time: Option<Time>, interval: Option<Interval>) {
        let [metric, statistic] = name;
        self.with([metric, statistic, "ns"], time.map(|t| t.bound_ns() as f64), interval);
        if let (Some(time), Some(last)) = (time, self.0.last_mut()) {
            last.at_least = time.is_censored();
        }
    }

    fn quantiles(
        &mut self,
        metric: &'static str,
        quantiles: Option<Quantiles>,
        intervals: [Option<Interval>; 2],
    ) {
        let Some(q) = quantiles else { return };
        let [p50, p99] = intervals;
        for (statistic, time, interval) in [
            ("p50", q.p50, p50),
            ("p90", q.p90, None),
            ("p99", q.p99, p99),
            ("p999", q.p999, None),
            ("max", q.max, None),
        ] {
            self.time([metric, statistic], Some(time), interval);
        }
    }

    fn stage(&mut self, metric: &'static str, stage: Option<Stage>) {
        self.time([metric, "p50"], stage.map(|s| s.p50), None);
        self.time([metric, "p99"], stage.map(|s| s.p99), None);
        self.add([metric, "share", "share"], stage.map(|s| s.share));
    }
}

/// Whose numbers they are.
struct Owner<'a> {
    workload: &'a str,
    client: &'a str,
    class: Option<Class>,
    verdict: &'a str,
    rank: Option<usize>,
    rounds: Option<usize>,
}

/// The table, in the order of the tables for people.
#[must_use]
pub fn csv(campaign: &Campaign) -> String {
    let mut all = Vec::new();
    if campaign.kind == Kind::Capacity {
        let workload = campaign.workloads.first().map_or("", |w| w.name.as_str());
        all.extend(campaign.capacities.iter().map(|c| of_capacity(workload, c)));
    }
    for workload in &campaign.workloads {
        let name = &workload.name;
        all.extend(campaign.rows.iter().filter(|row| row.workload == *name).map(of_row));
        all.extend(campaign.noise.iter().filter(|noise| noise.workload == *name).map(of_noise));
    }
    table(&all).unwrap_or_else(|error| unreachable!("memory takes everything: {error}"))
}

fn table(all: &[(Owner, Numbers)]) -> anyhow::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS)?;
    for (owner, numbers) in all {
        for number in &numbers.0 {
            csv.write_record(record(owner, number))?;
        }
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

fn record(owner: &Owner, number: &Number) -> [String; COLUMNS.len()] {
    let optional = |value: Option<String>| value.unwrap_or_default();
    [
        cell(owner.workload),
        cell(owner.client),
        optional(owner.class.map(|class| format!("{class:?}").to_lowercase())),
        owner.verdict.to_owned(),
        optional(owner.rank.map(|rank| rank.to_string())),
        number.metric.to_owned(),
        number.statistic.to_owned(),
        number.unit.to_owned(),
        number.value.to_string(),
        if number.at_least { "at_least" } else { "exact" }.to_owned(),
        optional(number.interval.map(|(low, _)| low.to_string())),
        optional(number.interval.and_then(|(_, high)| high).map(|high| high.to_string())),
        optional(owner.rounds.map(|rounds| rounds.to_string())),
    ]
}

/// A foreign text that a spreadsheet does not take for a formula: one that begins
/// like one, behind blanks or not, gets an apostrophe (OWASP, CSV Injection).
fn cell(text: &str) -> String {
    let shown = escape::terminal(text);
    match shown.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{shown}"),
        // A tab or a new line at the beginning, which has become a blank.
        false if text.starts_with(['\t', '\r', '\n']) => format!("'{shown}"),
        false => shown,
    }
}

fn of_row(row: &Row) -> (Owner<'_>, Numbers) {
    let mut numbers = Numbers::default();
    numbers.add(["rounds", "count", "rounds"], Some(row.rounds as f64));
    rates(&mut numbers, row);
    backlog(&mut numbers, row);
    times(&mut numbers, row);
    costs(&mut numbers, row);
    versus(&mut numbers, row);
    let owner = Owner {
        workload: &row.workload,
        client: &row.client,
        class: Some(row.class),
        verdict: row.verdict.word(),
        rank: row.rank,
        rounds: Some(row.rounds),
    };
    (owner, numbers)
}

fn rates(numbers: &mut Numbers, row: &Row) {
    let rates = &row.rates;
    for (metric, rate) in [
        ("offered", rates.offered_per_s),
        ("generated", rates.generated_per_s),
        ("written", rates.written_per_s),
        ("acknowledged", rates.acknowledged_per_s),
        ("confirmed", rates.confirmed_per_s),
        ("received", rates.received_per_s),
    ] {
        numbers.add([metric, "mean", "ticks/s"], rate);
    }
    let name = ["processed", "mean", "ticks/s"];
    numbers.with(name, rates.processed_per_s, row.intervals.processed_per_s);
    numbers.add(["efficiency", "mean", "share"], row.efficiency);
    numbers.add(["loss", "mean", "share"], row.loss);
    numbers.add(["held_back", "mean", "share"], row.held_back);
}

fn backlog(numbers: &mut Numbers, row: &Row) {
    let name = ["backlog_growth", "slope", "ticks/s"];
    numbers.with(name, row.backlog_growth_per_s, row.intervals.backlog_growth_per_s);
    let end = row.backlog_end;
    numbers.add(["backlog_server", "end", "ticks"], end.map(|b| b.server));
    numbers.add(["backlog_kernel_send", "end", "ticks"], end.map(|b| b.kernel_send));
    numbers.add(["backlog_kernel_receive", "end", "ticks"], end.map(|b| b.kernel_receive));
    numbers.add(["backlog_library", "end", "ticks"], end.map(|b| b.library));
    numbers.add(["backlog_client", "end", "ticks"], end.map(|b| b.client));
    // Of medians, layer by layer, as in the tables.
    numbers.add(["backlog", "end", "ticks"], end.map(|b| b.total()));
    numbers.add(["backlog", "max", "ticks"], row.backlog_peak);
    numbers.add(["oldest_age", "end", "ns"], row.oldest_age_ns);
    numbers.add(["drain", "end", "s"], row.drain_s);
    let bursts = row.recovery;
    numbers.add(["bursts", "count", "bursts"], bursts.map(|r| r.bursts as f64));
    numbers.add(["burst_backlog", "max", "ticks"], bursts.map(|r| r.peak_backlog));
    numbers.time(["burst_recovery", "p50"], bursts.map(|r| r.recovery_ns), None);
}

fn times(numbers: &mut Numbers, row: &Row) {
    let intervals = [row.intervals.response_p50_ns, row.intervals.response_p99_ns];
    numbers.quantiles("response", row.response_ns, intervals);
    numbers.quantiles("service", row.service_ns, [None; 2]);
    let age = row.staleness_ns;
    numbers.add(["staleness", "p50", "ns"], age.map(|s| s.p50 as f64));
    let name = ["staleness", "p99", "ns"];
    numbers.with(name, age.map(|s| s.p99 as f64), row.intervals.staleness_p99_ns);
    numbers.add(["staleness", "max", "ns"], age.map(|s| s.max as f64));
    let fall = row.waterfall;
    numbers.stage("schedule_lag", fall.map(|w| w.schedule_lag));
    numbers.stage("server_queue", fall.map(|w| w.server_queue));
    numbers.stage("kernel_and_library", fall.map(|w| w.kernel_and_library));
    numbers.stage("client_queue_and_work", fall.map(|w| w.client));
    let late = row.server_lateness_ns;
    numbers.add(["server_lateness", "p50", "ns"], late.map(|l| l.p50 as f64));
    numbers.add(["server_lateness", "p99", "ns"], late.map(|l| l.p99 as f64));
    numbers.add(["server_lateness", "max", "ns"], late.map(|l| l.max as f64));
}

fn costs(numbers: &mut Numbers, row: &Row) {
    let name = ["client_cpu", "mean", "ns/tick"];
    numbers.with(name, row.client_cpu_ns_per_tick, row.intervals.client_cpu_ns_per_tick);
    numbers.add(["client_cpu", "mean", "CPUs"], row.client_cpus);
    numbers.add(["server_cpu", "mean", "ns/tick"], row.server_cpu_ns_per_tick);
    numbers.add(["client_memory", "max", "bytes"], row.client_peak_rss_bytes);
}

fn versus(numbers: &mut Numbers, row: &Row) {
    let Some(versus) = &row.versus_leader else { return };
    let name = match versus.metric {
        Metric::Processed => "processed_to_leader",
        Metric::Growth => "backlog_growth_to_leader",
        Metric::ResponseP99 => "response_p99_to_leader",
        Metric::ResponseP50 => "response_p50_to_leader",
        Metric::Cpu => "client_cpu_to_leader",
        Metric::StalenessP99 => "staleness_p99_to_leader",
    };
    numbers.with([name, "ratio", "ratio"], versus.ratio, versus.interval);
    numbers.add([name, "mann_whitney", "p"], Some(versus.p));
    numbers.add([name, "holm", "p"], Some(versus.p_holm));
}

/// Under the name of the client that was entered twice.
fn of_noise(noise: &Noise) -> (Owner<'_>, Numbers) {
    let name = match noise.metric {
        Metric::Processed => "processed_to_itself",
        Metric::Growth => "backlog_growth_to_itself",
        Metric::ResponseP99 => "response_p99_to_itself",
        Metric::ResponseP50 => "response_p50_to_itself",
        Metric::Cpu => "client_cpu_to_itself",
        Metric::StalenessP99 => "staleness_p99_to_itself",
    };
    let mut numbers = Numbers::default();
    numbers.with([name, "ratio", "ratio"], Some(noise.ratio), Some(noise.interval));
    numbers.add([name, "noise_floor", "share"], Some(noise.floor));
    let owner = Owner {
        workload: &noise.workload,
        client: &noise.client,
        class: None,
        verdict: "",
        rank: None,
        rounds: None,
    };
    (owner, numbers)
}

fn of_capacity<'a>(workload: &'a str, capacity: &'a Capacity) -> (Owner<'a>, Numbers) {
    let mut numbers = Numbers::default();
    let interval = capacity.interval_per_s;
    numbers.add(["probes", "count", "rounds"], Some(capacity.probes.len() as f64));
    numbers.add(
        ["capacity", "highest_sustained", "ticks/s"],
        capacity.capacity_per_s.map(|n| n as f64),
    );
    if let (Some(_), Some((low, high)), Some(last)) =
        (capacity.capacity_per_s, interval, numbers.0.last_mut())
    {
        last.interval = Some((low as f64, high.map(|n| n as f64)));
        last.at_least = high.is_none();
    }
    numbers.add(["confirmed", "count", "yes"], Some(f64::from(u8::from(capacity.confirmed))));
    numbers.add(["response", "p99", "ns"], capacity.response_p99_ns);
    numbers.add(["client_cpu", "mean", "CPUs"], capacity.client_cpus);
    numbers.add(["search", "length", "s"], Some(capacity.took_s));
    let owner = Owner {
        workload,
        client: &capacity.client,
        class: Some(capacity.class),
        verdict: "",
        rank: None,
        rounds: Some(capacity.probes.len()),
    };
    (owner, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for formula in ["=cmd()", "+1", "-1+2", "@SUM(A1)", "  =1"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(["\tx", "\r=1", "\u{1b}[31m=1"].map(cell), ["' x", "' =1", "␛[31m=1"]);
        assert_eq!(cell("tokio:current-thread"), "tokio:current-thread");
    }
}
