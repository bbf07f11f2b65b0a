//! Tables for people: pure functions from rows to text.

use crate::escape;
use crate::groups::policies;
use crate::inference::Interval;
use crate::journey::{Stage, Waterfall};
use crate::policy;
use crate::ranking::{self, Noise, ROUNDS_FOR_TESTS};
use crate::rows::{self, Row, Versus};
use crate::verdict::Verdict;
use crate::workload::{RankBy, Rate, Workload};
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{Cell, CellAlignment, Table};
use contract::Class;

pub use crate::digits::{count, nanos, time};
pub(crate) use crate::digits::{millions, plain, rate, ratio, thousands};

/// Where a table is going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// On a terminal.
    Terminal,
    /// In a Markdown file.
    Markdown,
}

impl Style {
    /// A foreign text, so that it stays text there.
    #[must_use]
    pub fn text(self, foreign: &str) -> String {
        match self {
            Self::Terminal => escape::terminal(foreign),
            Self::Markdown => escape::markdown(foreign),
        }
    }

    /// A foreign sentence, which may name things between backticks.
    #[must_use]
    pub fn prose(self, foreign: &str) -> String {
        match self {
            Self::Terminal => escape::terminal(foreign),
            Self::Markdown => escape::prose(foreign),
        }
    }
}

/// A workload's table with its heading, the way of the time, and notes.
#[must_use]
pub fn render(workload: &Workload, rows: &[Row], noise: &[Noise], style: Style) -> String {
    let columns = if workload.is_flood() { flood_columns() } else { rate_columns(workload, rows) };
    let falls: Vec<(String, Waterfall)> =
        rows.iter().filter_map(|row| Some((row.client.clone(), row.waterfall?))).collect();
    let (workload, rows, noise) = &readable(workload, rows, noise, style);
    let main = grid(&columns, rows, style);
    let falls = match falls.is_empty() {
        true => String::new(),
        false => format!("Where the response time goes:\n\n{}\n\n", waterfalls(&falls, style)),
    };
    format!("{}\n\n{main}\n\n{falls}{}", heading(workload, style), notes(workload, rows, noise))
}

/// The same with every foreign text as it can be printed.
fn readable(
    workload: &Workload,
    rows: &[Row],
    noise: &[Noise],
    style: Style,
) -> (Workload, Vec<Row>, Vec<Noise>) {
    let text = |foreign: &String| style.text(foreign);
    let prose = |foreign: &String| style.prose(foreign);
    let workload = Workload {
        name: text(&workload.name),
        why: prose(&workload.why),
        read: prose(&workload.read),
        replay: workload.replay.as_ref().map(text),
        ..workload.clone()
    };
    let row = |row: &Row| Row {
        client: text(&row.client),
        reason: row.reason.as_ref().map(prose),
        remarks: row.remarks.iter().map(prose).collect(),
        versus_leader: row
            .versus_leader
            .as_ref()
            .map(|versus| Versus { leader: text(&versus.leader), ..versus.clone() }),
        ..row.clone()
    };
    let entry = |noise: &Noise| Noise { client: text(&noise.client), ..noise.clone() };
    (workload, rows.iter().map(row).collect(), noise.iter().map(entry).collect())
}

pub(crate) fn grid<T>(columns: &[Column<T>], rows: &[T], style: Style) -> String {
    let mut table = empty(columns.iter().map(|(head, _)| *head), style);
    for row in rows {
        table.add_row(columns.iter().map(|(_, cell)| Cell::new(or_dash(cell(row)))));
    }
    align(&mut table, 1)
}

pub(crate) fn empty<'a>(heads: impl Iterator<Item = &'a str>, style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(match style {
        Style::Terminal => UTF8_BORDERS_ONLY,
        Style::Markdown => ASCII_MARKDOWN,
    });
    table.set_header(heads.map(|head| match style {
        Style::Terminal => head.to_owned(),
        Style::Markdown => head.trim().replace('\n', " "),
    }));
    table
}

/// The first columns to the left, the others to the right.
pub(crate) fn align(table: &mut Table, left: usize) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        let side = if index < left { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    table.to_string()
}

pub(crate) fn or_dash(text: String) -> String {
    if text.is_empty() { "–".into() } else { text }
}

pub(crate) type Column<T> = (&'static str, fn(&T) -> String);

fn rate_columns(workload: &Workload, rows: &[Row]) -> Vec<Column<Row>> {
    let mut columns: Vec<Column<Row>> = vec![
        ("client", name),
        ("rank", rank),
        ("processed\nk/s", |r| rate(r.rates.processed_per_s)),
        ("backlog\ngrowth k/s", |r| thousands(r.backlog_growth_per_s)),
        ("backlog at\nend, ticks", |r| r.backlog_end.map_or(String::new(), |b| count(b.total()))),
        ("mostly\nin", mostly_in),
        ("response\np50", |r| time(rows::pick(r.response_ns, |q| q.p50))),
        ("\np99", |r| time(rows::pick(r.response_ns, |q| q.p99))),
        ("95 % of\nthat p99", p99_interval),
        ("\np99.9", |r| time(rows::pick(r.response_ns, |q| q.p999))),
        ("\nmax", |r| time(rows::pick(r.response_ns, |q| q.max))),
        ("service\np50", |r| time(rows::pick(r.service_ns, |q| q.p50))),
        ("CPU\nns/tick", |r| plain(r.client_cpu_ns_per_tick)),
        ("peak\nMB", |r| plain(r.client_peak_rss_bytes.map(|b| b / 1e6))),
        ("server late\np99", |r| r.server_lateness_ns.map_or(String::new(), |l| nanos(l.p99))),
    ];
    if rows.iter().any(|row| row.recovery.is_some()) {
        columns.insert(
            5,
            ("peak of\nbursts", |r| r.recovery.map_or(String::new(), |b| count(b.peak_backlog))),
        );
        columns.insert(6, ("time to\nrecover", |r| time(r.recovery.map(|b| b.recovery_ns))));
    }
    if workload.slow_consumer.is_some() {
        let at = columns.iter().position(|(head, _)| head.starts_with("response")).unwrap_or(0);
        columns.splice(at..at, policies::columns());
    }
    columns
}

/// The 95 % interval of the p99 of a response time.
pub(crate) fn p99_interval(row: &Row) -> String {
    let censored = row.response_ns.is_some_and(|q| q.p99.is_censored());
    let bound = if censored { "> " } else { "" };
    let interval = row.intervals.response_p99_ns.filter(|_| row.rounds > 1);
    interval.map_or(String::new(), |i| format!("{bound}{}", span(i)))
}

fn flood_columns() -> Vec<Column<Row>> {
    vec![
        ("client", name),
        ("rank", rank),
        ("processed\nM/s", |r| millions(r.rates.processed_per_s)),
        ("95 %\nfrom", |r| millions(r.intervals.processed_per_s.map(|i| i.low))),
        ("\nto", |r| millions(r.intervals.processed_per_s.map(|i| i.high))),
        ("client CPU\nns/tick", |r| plain(r.client_cpu_ns_per_tick)),
        ("server CPU\nns/tick", |r| plain(r.server_cpu_ns_per_tick)),
        ("peak\nMB", |r| plain(r.client_peak_rss_bytes.map(|b| b / 1e6))),
        ("in flight,\nticks", |r| r.backlog_end.map_or(String::new(), |b| count(b.total()))),
        ("mostly\nin", mostly_in),
    ]
}

fn heading(workload: &Workload, style: Style) -> String {
    let title = format!("{}: {}, {}", workload.name, load(workload), workload.format);
    match style {
        Style::Terminal => format!("{title}\n{}", workload.why),
        Style::Markdown => format!("## {title}\n\n{}", workload.why),
    }
}

/// The offered load in words.
pub(crate) fn load(workload: &Workload) -> String {
    let rate = match workload.rate_per_s {
        Some(Rate::PerSecond(rate)) => count(rate as f64),
        Some(Rate::Flood(_)) => return "as fast as each can".into(),
        None => String::new(),
    };
    let mut words = match (workload.burst, workload.ramp, &workload.replay) {
        (Some(b), ..) => format!(
            "{rate} ticks/s with {} for {} ms every {} ms",
            count(b.to_per_s as f64),
            b.for_ms,
            b.every_ms
        ),
        (_, Some(ramp), _) => {
            format!("{rate} to {} ticks/s within {} ms", count(ramp.to_per_s as f64), ramp.over_ms)
        }
        (_, _, Some(file)) => format!("the gaps of {file}"),
        _ if workload.poisson => format!("{rate} ticks/s offered at random"),
        _ => format!("{rate} ticks/s offered"),
    };
    for (many, what) in [(workload.clients, "processes"), (workload.connections, "connections")] {
        if many > 1 {
            words.push_str(&format!(" to each of {many} {what}"));
        }
    }
    if workload.tls {
        words.push_str(" under TLS");
    }
    if let Some(slow) = &workload.slow_consumer {
        words.push_str(&format!(", {}", policy::words(slow)));
    }
    words
}

fn notes(workload: &Workload, rows: &[Row], noise: &[Noise]) -> String {
    let mut notes = general_notes(workload, rows, noise);
    notes.extend(rows.iter().flat_map(|row| row_notes(row, false)));
    notes.iter().map(|note| format!("- {note}\n")).collect()
}

/// The reason and the remarks of a row; with its rate, where a table has several.
pub(crate) fn row_notes(row: &Row, with_rate: bool) -> Vec<String> {
    let name = match row.rate_per_s.filter(|_| with_rate) {
        Some(rate) => format!("{} at {} ticks/s", row.client, count(rate as f64)),
        None => row.client.clone(),
    };
    let reason = (row.verdict != Verdict::Ok).then(|| {
        let why = row.reason.as_deref().unwrap_or("no round of it was run");
        format!("{name}: {}: {why}", row.verdict.word())
    });
    let remarks = row.remarks.iter().map(|remark| format!("{name}: {remark}"));
    reason.into_iter().chain(remarks).collect()
}

/// What is said below a table of all of its rows.
pub(crate) fn general_notes(workload: &Workload, rows: &[Row], noise: &[Noise]) -> Vec<String> {
    let about = match workload.rank_by {
        RankBy::ResponseP99 => "the p99 of the response time",
        RankBy::BacklogGrowth => "whether the backlog grows: who keeps up, shares the first place",
        RankBy::Processed => "the processed rate",
        RankBy::Staleness => "the p99 of the age of the newest value of each symbol (stale)",
    };
    let most = rows.iter().map(|row| row.rounds).max().unwrap_or(0);
    let among = ranking::most_compared(rows, workload.rank_by);
    let test = match most {
        0 | 1 => {
            "One round each: too few to tell clients apart, so all that kept up share a rank".into()
        }
        2..ROUNDS_FOR_TESTS => {
            "Fewer than 5 rounds: only clients whose rounds lie wholly apart get ranks apart".into()
        }
        rounds if !ranking::can_test(rounds, among) => format!(
            "Among so many clients {rounds} rounds are too few for a test (no p below 0.05 after Holm, however far apart they lie; --rounds {} or more would do): only clients whose rounds lie wholly apart, and by more than the noise floor, get ranks apart",
            ranking::rounds_to_test(among)
        ),
        _ => {
            "Ranks are apart where a Mann–Whitney test against the first of the rank says so (p < 0.05 after Holm) and the difference is beyond the noise floor".into()
        }
    };
    let mut notes = vec![
        workload.read.clone(),
        format!("Medians over rounds, ranked by {about}. Ties share a rank (=). {test}."),
    ];
    notes.extend(noise.iter().map(|noise| {
        format!(
            "Noise floor: {} against itself differs by {} in the {} (ratio {}, 95 % {} to {}); less is no difference.",
            noise.client,
            percent(noise.floor),
            noise.metric.words(),
            ratio(noise.ratio),
            ratio(noise.interval.low),
            ratio(noise.interval.high)
        )
    }));
    notes.extend(rows.iter().filter_map(versus));
    notes
}

/// A row against the leader, where there is something to say.
fn versus(row: &Row) -> Option<String> {
    let versus = row.versus_leader.as_ref()?;
    let (times, interval) = (versus.ratio?, versus.interval?);
    (row.rounds >= 2).then(|| {
        format!(
            "{}: {} {} times that of {} (95 % {} to {}, p {:.4}, after Holm {:.4})",
            row.client,
            versus.metric.words(),
            ratio(times),
            versus.leader,
            ratio(interval.low),
            ratio(interval.high),
            versus.p,
            versus.p_holm
        )
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A 95 % interval of times in ns.
fn span(interval: Interval) -> String {
    format!("{}–{}", nanos(interval.low as u64), nanos(interval.high as u64))
}

/// Where response times go, a line each.
#[must_use]
pub fn waterfalls(all: &[(String, Waterfall)], style: Style) -> String {
    let stages = all.first().map(|(_, fall)| fall.stages().map(|(name, _)| name));
    let heads: Vec<String> =
        stages.into_iter().flatten().map(|stage| format!("{stage}\np50 / p99 / share")).collect();
    let mut table = empty(std::iter::once("client").chain(heads.iter().map(String::as_str)), style);
    for (name, fall) in all {
        let cell = |stage: Stage| {
            format!(
                "{} / {} / {:.0} %",
                time(Some(stage.p50)),
                time(Some(stage.p99)),
                stage.share * 100.0
            )
        };
        let cells = fall.stages().map(|(_, stage)| cell(stage));
        table.add_row(std::iter::once(style.text(name)).chain(cells));
    }
    align(&mut table, 1)
}

fn name(row: &Row) -> String {
    let verdict = match row.verdict {
        Verdict::Ok => String::new(),
        other => format!(" [{}]", other.word()),
    };
    format!("{}{}{verdict}", row.client, class(row.class))
}

pub(crate) fn class(class: Class) -> &'static str {
    match class {
        Class::Library => "",
        Class::Reference => " (reference)",
        Class::Tuned => " (tuned)",
        Class::Simulated => " (simulated)",
        Class::Application => " (application)",
    }
}

pub(crate) fn rank(row: &Row) -> String {
    row.rank.map_or(String::new(), |rank| {
        let tie = if row.tied { "=" } else { "" };
        format!("{rank}{tie}")
    })
}

/// The layer that holds most of a backlog worth naming.
pub(crate) fn mostly_in(row: &Row) -> String {
    let Some(backlog) = row.backlog_end else { return String::new() };
    let [first, rest @ ..] = backlog.layers();
    let (layer, ticks) =
        rest.into_iter().fold(first, |most, next| if next.1 > most.1 { next } else { most });
    if ticks < 1.0 { String::new() } else { layer.to_owned() }
}
