//! Tables of the page: sortable, with a note behind each warning.

use crate::capacity::Capacity;
use crate::report::palette::Palette;
use crate::rows::{self, Row};
use crate::stats::Time;
use crate::table;
use contract::Class;
use maud::{Markup, html};

/// A column: its head, what it says of a row, and what it is sorted by.
pub struct Column<'a, T> {
    /// Its head, with the unit.
    pub head: &'a str,
    /// What it means, for whoever points at it.
    pub hint: &'a str,
    /// The cell.
    pub cell: Box<dyn Fn(&T) -> Markup + 'a>,
    /// The number that it is sorted by; `None`: by its text.
    pub key: Box<Key<'a, T>>,
}

/// What a row is sorted by.
type Key<'a, T> = dyn Fn(&T) -> Option<f64> + 'a;

/// A column of numbers.
pub(crate) fn number<'a, T>(
    head: &'a str,
    hint: &'a str,
    text: impl Fn(&T) -> String + 'a,
    key: impl Fn(&T) -> Option<f64> + 'a,
) -> Column<'a, T> {
    let cell = move |row: &T| html! { (table::or_dash(text(row))) };
    Column { head, hint, cell: Box::new(cell), key: Box::new(key) }
}

/// A table whose first column names its rows.
#[must_use]
pub fn render<T>(columns: &[Column<'_, T>], rows: &[T], caption: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.sortable {
                thead { tr {
                    @for column in columns {
                        th scope="col" aria-sort="none" title=(column.hint) {
                            button type="button" { (column.head) }
                        }
                    }
                } }
                tbody {
                    @for row in rows { tr {
                        @for (index, column) in columns.iter().enumerate() {
                            @let key = (column.key)(row);
                            @if index == 0 {
                                th scope="row" data-key=[key] { ((column.cell)(row)) }
                            } @else {
                                td data-key=[key] { ((column.cell)(row)) }
                            }
                        }
                    } }
                }
            }
        }
    }
}

/// The data behind a chart.
#[must_use]
pub fn data(heads: &[String], rows: &[Vec<String>]) -> Markup {
    folded("Data of this chart", heads, rows)
}

/// A plain table of texts that opens when asked for.
#[must_use]
pub fn folded(title: &str, heads: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        details {
            summary { (title) }
            div.scroll tabindex="0" {
                table {
                    thead { tr { @for head in heads { th scope="col" { (head) } } } }
                    tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
                }
            }
        }
    }
}

/// A client's name with its colour and what it is compared as.
#[must_use]
pub fn client(name: &str, class: Class, palette: &Palette) -> Markup {
    html! {
        span.swatch style={ "background:" (palette.of(name).css()) } {}
        (name) span.soft { (table::class(class)) }
    }
}

fn verdict(row: &Row, notes: &Notes) -> Markup {
    html! {
        span class={ "verdict " (row.verdict.word()) } { (row.verdict.word()) }
        @for number in notes.of(row) {
            a.note-ref href={ "#" (notes.anchor) "-" (number) } { (number) }
        }
    }
}

/// The workload and the client that a note is about.
type Subject = (String, String);

/// What stands below a table, by what it is about.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// The beginning of the notes' ids.
    pub anchor: String,
    /// The workload and client, if it is about one, and the note.
    pub notes: Vec<(Option<Subject>, String)>,
}

impl Notes {
    /// The reasons and remarks of some rows.
    #[must_use]
    pub fn of_rows(anchor: String, rows: &[Row]) -> Self {
        let mut notes = Vec::new();
        let many = rows.iter().any(|row| row.workload != rows[0].workload);
        for row in rows {
            let about = (row.workload.clone(), row.client.clone());
            let own = table::row_notes(row, many).into_iter();
            notes.extend(own.map(|text| (Some(about.clone()), text)));
        }
        Self { anchor, notes }
    }

    fn of<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = usize> + 'a {
        let about = move |(_, (of, _)): &(usize, &(Option<Subject>, String))| {
            of.as_ref().is_some_and(|(load, client)| *load == row.workload && *client == row.client)
        };
        (1..).zip(&self.notes).filter(about).map(|(number, _)| number)
    }

    /// As a list.
    #[must_use]
    pub fn render(&self) -> Markup {
        html! {
            @if !self.notes.is_empty() {
                ol.notes {
                    @for (number, (_, text)) in (1..).zip(&self.notes) {
                        li id={ (self.anchor) "-" (number) } { (text) }
                    }
                }
            }
        }
    }
}

fn names<'a>(palette: &'a Palette, notes: &'a Notes) -> Vec<Column<'a, Row>> {
    let name = |row: &Row| client(&row.client, row.class, palette);
    vec![
        Column {
            head: "client",
            hint: "a dot in its colour; what it is compared as",
            cell: Box::new(name),
            key: Box::new(|_| None),
        },
        number("rank", "ties share a rank (=); – is not ranked", table::rank, |r| {
            r.rank.map(|rank| rank as f64)
        }),
        Column {
            head: "verdict",
            hint: "ok and overloaded are ranked; numbers lead to the notes",
            cell: Box::new(|row| verdict(row, notes)),
            key: Box::new(|row| Some(f64::from(row.verdict as u8))),
        },
    ]
}

fn bound(time: Option<Time>) -> Option<f64> {
    time.map(|time| time.bound_ns() as f64)
}

fn quantile<'a>(
    head: &'a str,
    hint: &'a str,
    pick: impl Fn(&Row) -> Option<Time> + Copy + 'a,
) -> Column<'a, Row> {
    number(head, hint, move |r| table::time(pick(r)), move |r| bound(pick(r)))
}

/// The columns of a workload with due times.
#[must_use]
pub fn rate_columns<'a>(
    rows: &[Row],
    palette: &'a Palette,
    notes: &'a Notes,
) -> Vec<Column<'a, Row>> {
    let mut columns = names(palette, notes);
    columns.extend([
        number(
            "processed k/s",
            "decoded, checked and worked on, thousands a second",
            |r: &Row| table::rate(r.rates.processed_per_s),
            |r| r.rates.processed_per_s,
        ),
        number(
            "backlog growth k/s",
            "slope of generated − processed (Theil–Sen)",
            |r: &Row| table::thousands(r.backlog_growth_per_s),
            |r| r.backlog_growth_per_s,
        ),
        number(
            "backlog at end",
            "ticks waiting in all layers at the window's end",
            |r: &Row| r.backlog_end.map_or(String::new(), |b| table::count(b.total())),
            |r| r.backlog_end.map(|b| b.total()),
        ),
        number("mostly in", "the layer that holds most of it", table::mostly_in, |_| None),
    ]);
    if rows.iter().any(|row| row.recovery.is_some()) {
        columns.push(number(
            "peak of bursts",
            "the most ticks that waited at one instant, median over bursts",
            |r: &Row| r.recovery.map_or(String::new(), |b| table::count(b.peak_backlog)),
            |r| r.recovery.map(|b| b.peak_backlog),
        ));
        columns.push(quantile("time to recover", "from a burst's end, median over bursts", |r| {
            r.recovery.map(|b| b.recovery_ns)
        }));
    }
    columns.extend([
        quantile("response p50", "processed − due: half of the ticks took less", |r| {
            rows::pick(r.response_ns, |q| q.p50)
        }),
        quantile("p99", "99 % took less", |r| rows::pick(r.response_ns, |q| q.p99)),
        number(
            "95 % of that p99",
            "bootstrap interval of the median over rounds",
            table::p99_interval,
            |r: &Row| r.intervals.response_p99_ns.map(|i| i.low),
        ),
        quantile("p99.9", "99.9 % took less", |r| rows::pick(r.response_ns, |q| q.p999)),
        quantile("max", "the slowest sampled tick of a round, median over rounds", |r| {
            rows::pick(r.response_ns, |q| q.max)
        }),
        quantile("service p50", "processed − written: without the server's own lateness", |r| {
            rows::pick(r.service_ns, |q| q.p50)
        }),
    ]);
    columns.extend(cost());
    columns.push(number(
        "server late p99",
        "written − due: how late the server itself was",
        |r: &Row| r.server_lateness_ns.map_or(String::new(), |l| table::nanos(l.p99)),
        |r| r.server_lateness_ns.map(|l| l.p99 as f64),
    ));
    columns
}

fn cost<'a>() -> [Column<'a, Row>; 2] {
    [
        number(
            "CPU ns/tick",
            "CPU time of the client's process for each processed tick",
            |r: &Row| table::plain(r.client_cpu_ns_per_tick),
            |r| r.client_cpu_ns_per_tick,
        ),
        number(
            "peak MB",
            "most resident memory of the client",
            |r: &Row| table::plain(r.client_peak_rss_bytes.map(|b| b / 1e6)),
            |r| r.client_peak_rss_bytes,
        ),
    ]
}

/// The columns of a flood.
#[must_use]
pub fn flood_columns<'a>(palette: &'a Palette, notes: &'a Notes) -> Vec<Column<'a, Row>> {
    let mut columns = names(palette, notes);
    columns.extend([
        number(
            "processed M/s",
            "decoded, checked and worked on, millions a second",
            |r: &Row| table::millions(r.rates.processed_per_s),
            |r| r.rates.processed_per_s,
        ),
        number(
            "95 % of it",
            "bootstrap interval of the median over rounds",
            |r: &Row| {
                r.intervals.processed_per_s.map_or(String::new(), |i| {
                    format!("{}–{}", table::millions(Some(i.low)), table::millions(Some(i.high)))
                })
            },
            |r| r.intervals.processed_per_s.map(|i| i.low),
        ),
    ]);
    columns.extend(cost());
    columns.extend([
        number(
            "server CPU ns/tick",
            "CPU time of the server for each tick it made",
            |r: &Row| table::plain(r.server_cpu_ns_per_tick),
            |r| r.server_cpu_ns_per_tick,
        ),
        number(
            "in flight",
            "ticks in all layers at the window's end",
            |r: &Row| r.backlog_end.map_or(String::new(), |b| table::count(b.total())),
            |r| r.backlog_end.map(|b| b.total()),
        ),
        number("mostly in", "the layer that holds most of them", table::mostly_in, |_| None),
    ]);
    columns
}

/// The columns of a sweep: a row for each client and rate.
#[must_use]
pub fn sweep_columns<'a>(palette: &'a Palette, notes: &'a Notes) -> Vec<Column<'a, Row>> {
    let mut columns = names(palette, notes);
    // A rate is no contest: three rounds of each would rank by chance.
    columns.remove(1);
    columns.insert(
        1,
        number(
            "offered ticks/s",
            "the rate of this row",
            |r: &Row| r.rate_per_s.map_or(String::new(), |n| table::count(n as f64)),
            |r| r.rate_per_s.map(|n| n as f64),
        ),
    );
    columns.extend([
        number(
            "processed %",
            "of what was offered",
            |r: &Row| r.efficiency.map_or(String::new(), |e| format!("{:.1}", e * 100.0)),
            |r| r.efficiency,
        ),
        number(
            "backlog growth k/s",
            "slope of generated − processed (Theil–Sen)",
            |r: &Row| table::thousands(r.backlog_growth_per_s),
            |r| r.backlog_growth_per_s,
        ),
        quantile("response p50", "half of the ticks took less", |r| {
            rows::pick(r.response_ns, |q| q.p50)
        }),
        quantile("p99", "99 % took less", |r| rows::pick(r.response_ns, |q| q.p99)),
    ]);
    columns.extend(cost());
    columns
}

/// `3 of 4`: the probes at a rate that held it.
fn held(one: &Capacity, rate_per_s: Option<u64>) -> String {
    let at = || one.probes.iter().filter(|probe| Some(probe.rate_per_s) == rate_per_s);
    match at().count() {
        0 => String::new(),
        all => format!("{} of {all}", at().filter(|probe| probe.gave_way.is_none()).count()),
    }
}

/// The columns of capacities.
#[must_use]
pub fn capacity_columns<'a>(palette: &'a Palette) -> Vec<Column<'a, Capacity>> {
    let rate = |n: Option<u64>| n.map_or(String::new(), |n| table::count(n as f64));
    let above = |c: &Capacity| c.interval_per_s.and_then(|(_, high)| high);
    vec![
        Column {
            head: "client",
            hint: "a dot in its colour; what it is compared as",
            cell: Box::new(|c: &Capacity| client(&c.client, c.class, palette)),
            key: Box::new(|_| None),
        },
        number(
            "capacity ticks/s",
            "the highest rate that it sustained",
            move |c: &Capacity| rate(c.capacity_per_s),
            |c| c.capacity_per_s.map(|n| n as f64),
        ),
        number(
            "not sustained",
            "the lowest rate that it did not sustain",
            move |c: &Capacity| rate(above(c)),
            move |c| above(c).map(|n| n as f64),
        ),
        number(
            "held there",
            "probes at that rate which held it, of all at that rate",
            |c: &Capacity| held(c, c.capacity_per_s),
            |_| None,
        ),
        number(
            "held above",
            "the same at the lowest rate that it did not sustain: one that held there is a doubt",
            move |c: &Capacity| held(c, above(c)),
            |_| None,
        ),
        number(
            "confirmed",
            "whether fresh rounds held the rate, and failed at the next above",
            |c: &Capacity| if c.confirmed { "yes".into() } else { "no".into() },
            |_| None,
        ),
        number(
            "what gave way first",
            "most often, at the lowest rate that was not sustained",
            |c: &Capacity| c.limited_by.map_or(String::new(), |l| l.words().into()),
            |_| None,
        ),
        number(
            "p99 there",
            "response time at that rate",
            |c: &Capacity| c.response_p99_ns.map_or(String::new(), |ns| table::nanos(ns as u64)),
            |c| c.response_p99_ns,
        ),
        number(
            "CPUs",
            "CPU time of the client at that rate",
            |c: &Capacity| c.client_cpus.map_or(String::new(), |n| format!("{n:.2}")),
            |c| c.client_cpus,
        ),
        number(
            "probes",
            "rounds that the search took",
            |c: &Capacity| c.probes.len().to_string(),
            |c| Some(c.probes.len() as f64),
        ),
    ]
}
