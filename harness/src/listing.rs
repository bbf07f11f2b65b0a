//! More tables for people: capacities, sweeps, single ticks. Pure, as
//! [`crate::table`].

use crate::capacity::Capacity;
use crate::groups;
use crate::journey::Stamps;
use crate::rows::{self, Row};
use crate::saved::{Campaign, Kind};
use crate::table::{
    self, Column, Style, align, class, count, empty, grid, nanos, or_dash, plain, thousands, time,
};
use crate::verdict::Verdict;
use crate::workload::{Rate, Workload};

/// `table.md`: a campaign's heading and its tables.
#[must_use]
pub fn markdown(campaign: &Campaign) -> String {
    format!("{}\n{}", campaign.heading(Style::Markdown), tables(campaign, Style::Markdown))
}

/// All tables of a campaign, one after the other.
#[must_use]
pub fn tables(campaign: &Campaign, style: Style) -> String {
    let tables = match campaign.kind {
        Kind::Capacity => capacities(&campaign.capacities, style),
        Kind::Sweep => sweep(&campaign.workloads, &campaign.rows, style),
        Kind::Compare => {
            let of = |workload: &Workload| {
                let (rows, noise) = campaign.of_workload(&workload.name);
                table::render(workload, &rows, &noise, style)
            };
            let own = campaign.workloads.iter().map(of);
            let across = groups::tables(campaign).into_iter().map(|table| table.text(style));
            own.chain(across).collect::<Vec<_>>().join("\n")
        }
    };
    format!("{tables}{}", server(campaign, style))
}

/// The note on a server that is not the usual one.
fn server(campaign: &Campaign, style: Style) -> String {
    campaign.server.note().map_or(String::new(), |note| format!("\n{}\n", style.prose(&note)))
}

/// Single ticks with the time that each part of their way took.
#[must_use]
pub fn ticks(ticks: &[(usize, Stamps)], start_ns: u64, ended_ns: u64) -> String {
    let heads = [
        "connection",
        "seq",
        "due at",
        "response",
        "schedule lag",
        "server queue",
        "kernel + library",
        "client queue + work",
    ];
    let mut table = empty(heads.into_iter(), Style::Terminal);
    for (connection, stamps) in ticks {
        let mut cells = vec![
            connection.to_string(),
            stamps.seq.to_string(),
            format!("{:.6} s", (stamps.due_ns as f64 - start_ns as f64) / 1e9),
            time(Some(stamps.response(ended_ns))),
        ];
        cells.extend(stamps.parts(ended_ns).map(|part| or_dash(time(part))));
        table.add_row(cells);
    }
    align(&mut table, 0)
}

/// What the words of a search mean.
pub const SUSTAINED: &str = "Sustained: 0.99 of the offered rate processed, no growing backlog, the p99 of the response time within its objective, and a passed audit. A failed probe is repeated once. Confirmed: fresh rounds held the rate, and two at the next rate above failed; a contrary round at either is among the probes. Neighbours a step or two apart are not told from each other: a search has no noise floor.";

/// The table of capacities.
#[must_use]
pub fn capacities(all: &[Capacity], style: Style) -> String {
    let columns: Vec<Column<Capacity>> = vec![
        ("client", |c| format!("{}{}", c.client, class(c.class))),
        ("capacity\nticks/s", |c| c.capacity_per_s.map_or(String::new(), |n| count(n as f64))),
        ("sustained", |c| c.interval_per_s.map_or(String::new(), |(low, _)| count(low as f64))),
        ("not\nsustained", |c| match c.interval_per_s {
            Some((_, Some(high))) => count(high as f64),
            _ => String::new(),
        }),
        ("confirmed", |c| if c.confirmed { "yes".into() } else { "no".into() }),
        ("what gave way first", |c| c.limited_by.map_or(String::new(), |l| l.words().into())),
        ("p99 there", |c| c.response_p99_ns.map_or(String::new(), |ns| nanos(ns as u64))),
        ("CPUs", |c| c.client_cpus.map_or(String::new(), |n| format!("{n:.2}"))),
        ("probes", |c| c.probes.len().to_string()),
        ("took", |c| format!("{:.0} s", c.took_s)),
    ];
    let text = |capacity: &Capacity| Capacity {
        client: style.text(&capacity.client),
        note: capacity.note.as_deref().map(|note| style.prose(note)),
        ..capacity.clone()
    };
    let all = &all.iter().map(text).collect::<Vec<_>>();
    let notes: String = all
        .iter()
        .filter_map(|c| Some(format!("- {}: {}\n", c.client, c.note.as_ref()?)))
        .collect();
    format!("{}\n\n- {SUSTAINED}\n{notes}", grid(&columns, all, style))
}

/// The tables of a sweep: clients across, rates down, one for each metric.
#[must_use]
pub fn sweep(workloads: &[Workload], rows: &[Row], style: Style) -> String {
    let tables: Vec<String> =
        SWEPT.into_iter().map(|column| swept(column, workloads, rows, style)).collect();
    let all = rows.iter().flat_map(|row| table::row_notes(row, true));
    format!("{}\n{SWEEP_NOTE}{}", tables.join("\n"), points(all, style))
}

/// Notes as a list.
fn points(notes: impl Iterator<Item = String>, style: Style) -> String {
    notes.map(|note| format!("- {}\n", style.prose(&note))).collect()
}

/// Only that of the p99 of the response time.
#[must_use]
pub fn sweep_p99(campaign: &Campaign, style: Style) -> String {
    let (workloads, rows) = (&campaign.workloads, &campaign.rows);
    let unranked = rows.iter().filter(|row| !row.verdict.is_ranked());
    let why = unranked.flat_map(|row| table::row_notes(row, true).into_iter().take(1));
    let table = swept(SWEPT[1], workloads, rows, style);
    format!("{table}\n{SWEEP_NOTE}{}{}", points(why, style), server(campaign, style))
}

const SWEEP_NOTE: &str = "- Medians over rounds; ▲: overloaded, its backlog grew all the time, so the times only tell how long the round was.\n";

const SWEPT: [Column<Row>; 5] = [
    ("Response time, p50", |r| time(rows::pick(r.response_ns, |q| q.p50))),
    ("Response time, p99", |r| time(rows::pick(r.response_ns, |q| q.p99))),
    ("Processed of what was offered, %", |r| {
        r.efficiency.map_or(String::new(), |e| format!("{:.1}", e * 100.0))
    }),
    ("Growth of the backlog, k ticks/s", |r| thousands(r.backlog_growth_per_s)),
    ("CPU of the client, ns/tick", |r| plain(r.client_cpu_ns_per_tick)),
];

/// One table of a sweep.
fn swept((title, cell): Column<Row>, workloads: &[Workload], rows: &[Row], style: Style) -> String {
    let mut clients: Vec<&str> = rows.iter().map(|row| row.client.as_str()).collect();
    clients.sort_unstable();
    clients.dedup();
    let heads: Vec<String> = clients.iter().map(|client| style.text(client)).collect();
    let heads = heads.iter().map(String::as_str);
    let mut table = empty(std::iter::once("offered\nticks/s").chain(heads), style);
    for workload in workloads {
        let rate = match workload.rate_per_s {
            Some(Rate::PerSecond(rate)) => count(rate as f64),
            _ => style.text(&workload.name),
        };
        let of = |client: &&str| {
            let is = |row: &&Row| row.workload == workload.name && row.client == **client;
            let row = rows.iter().find(is);
            let mark = |row: &Row| match row.verdict {
                Verdict::Ok => or_dash(cell(row)),
                Verdict::Overloaded => format!("{} ▲", or_dash(cell(row))),
                other => format!("{} [{}]", or_dash(cell(row)), other.word()),
            };
            row.map_or("–".into(), mark)
        };
        table.add_row(std::iter::once(rate).chain(clients.iter().map(of)));
    }
    let title = match style {
        Style::Terminal => title.to_owned(),
        Style::Markdown => format!("## {title}"),
    };
    format!("{title}\n\n{}\n", align(&mut table, 0))
}
