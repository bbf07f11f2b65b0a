//! The columns of both tables: as the older benchmark measured, and as we measure.

use super::findings::Line;
use bench_core::analysis::statistics::times::Time;
use bench_core::text::digits::{count, thousands};

/// A column: its head, its unit, and the cell of a line.
pub struct Column {
    /// The head, without its unit.
    pub head: &'static str,
    /// The unit; empty where each cell has its own, or none.
    pub unit: &'static str,
    /// The text of a line's cell; empty where there is no value.
    pub cell: fn(&Line) -> String,
}

const fn column(head: &'static str, unit: &'static str, cell: fn(&Line) -> String) -> Column {
    Column { head, unit, cell }
}

const RATE: &str = "k ticks/s";

/// The columns in the older benchmark's terms.
pub const OLDER: [Column; 8] = [
    column("role", "", |line| line.role.clone()),
    column("client", "", |line| line.client.clone()),
    column("server reports", RATE, |line| thousands(line.older.server_reports_per_s)),
    column("client reports", RATE, |line| thousands(line.older.client_reports_per_s)),
    column("noted", RATE, |line| thousands(line.older.noted_per_s.map(|n| n as f64))),
    column("latency", "ms", |line| {
        line.older.latency_ms.map_or(String::new(), |ms| format!("{ms:.2}"))
    }),
    column("latency of", "", |line| {
        if line.older.every == 1 { "every message" } else { "every 1000th" }.into()
    }),
    column("efficiency", "", |line| share(line.older.efficiency)),
];

/// The columns in this suite's terms.
pub const OURS: [Column; 15] = [
    column("role", "", |line| line.role.clone()),
    column("verdict", "", verdict),
    column("offered", RATE, |line| thousands(line.ours.offered_per_s)),
    column("generated", RATE, |line| thousands(line.ours.generated_per_s)),
    column("written", RATE, |line| thousands(line.ours.written_per_s)),
    column("received", RATE, |line| thousands(line.ours.received_per_s)),
    column("processed", RATE, |line| thousands(line.ours.processed_per_s)),
    column("efficiency", "", |line| share(line.ours.efficiency)),
    column("backlog growth", RATE, |line| thousands(line.ours.backlog_growth_per_s)),
    column("backlog at end", "ticks", backlog),
    column("backlog layers", "", layers),
    column("response p50", "", |line| time(line.ours.response_ns.map(|q| q.p50))),
    column("response p99", "", |line| time(line.ours.response_ns.map(|q| q.p99))),
    column("service p50", "", |line| time(line.ours.service_ns.map(|q| q.p50))),
    column("service p99", "", |line| time(line.ours.service_ns.map(|q| q.p99))),
];

fn time(time: Option<Time>) -> String {
    time.map_or(String::new(), |time| time.to_string())
}

fn verdict(line: &Line) -> String {
    match line.verdict {
        Some(verdict) => format!("{verdict} ({})", line.rounds),
        None => format!("absent ({})", line.rounds),
    }
}

fn backlog(line: &Line) -> String {
    line.ours.backlog_end.map_or(String::new(), |backlog| count(backlog.total()))
}

/// The layers that hold a tenth of the backlog or more.
fn layers(line: &Line) -> String {
    let Some(backlog) = line.ours.backlog_end else { return String::new() };
    let total = backlog.total();
    let large = backlog.layers().into_iter().filter(|(_, ticks)| *ticks >= 0.1 * total.max(1.0));
    let each: Vec<String> = large
        .map(|(layer, ticks)| format!("{layer} {:.0} %", 100.0 * ticks / total.max(1.0)))
        .collect();
    each.join(", ")
}

fn share(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{:.1} %", value * 100.0))
}
