//! Tables of the page: sortable, with what is to be said about a row folded below its verdict.

use super::palette::Palette;
use crate::columns::capacities::column;
use crate::columns::layout::{self, Shown};
use crate::text::labels;
use crate::text::notes::by_kind;
use crate::text::style::{Style, or_dash};
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::rows::row::Row;
use bench_core::load::workload::Workload;
use bench_core::text::digits::count;
use contract::Class;
use maud::{Markup, html};

/// A column of a table.
struct Column<'a, T> {
    /// Its head, with the unit.
    head: String,
    /// What it means, as a tooltip.
    hint: String,
    /// The cell of a row.
    cell: Box<dyn Fn(&T) -> Markup + 'a>,
    /// The number by which a row is sorted; `None`: by its text.
    key: Box<Key<'a, T>>,
}

/// The number by which a row is sorted.
type Key<'a, T> = dyn Fn(&T) -> Option<f64> + 'a;

impl<'a, T> Column<'a, T> {
    /// A column that is sorted by text.
    fn text(head: &str, hint: &str, cell: impl Fn(&T) -> Markup + 'a) -> Self {
        Self {
            head: head.to_owned(),
            hint: hint.to_owned(),
            cell: Box::new(cell),
            key: Box::new(|_| None),
        }
    }
}

/// A column of the catalogue.
fn shown<'a>(column: Shown) -> Column<'a, Row> {
    Column {
        head: Style::Markdown.head(&column.head(), column.unit()),
        hint: column.hint(),
        cell: Box::new(move |row| html! { (or_dash(column.cell(row))) }),
        key: Box::new(move |row| column.sort_key(row)),
    }
}

/// A table whose first column names its rows.
fn render<T>(columns: &[Column<'_, T>], rows: &[T], name: fn(&T) -> &str, caption: &str) -> Markup {
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
                    @for row in rows { tr data-client=(name(row)) {
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

/// A collapsed table of texts.
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

fn of_row(row: &Row) -> &str {
    &row.client
}

/// A client's name with its colour and its class.
fn client(name: &str, class: Class, palette: &Palette) -> Markup {
    html! {
        span.swatch style={ "background:" (palette.of(name).css()) } {}
        (name) span.soft { (labels::class(class)) }
    }
}

/// A verdict, with what is to be said about its row folded below it.
fn verdict(row: &Row, own: &[String]) -> Markup {
    let name = html! { span class={ "verdict " (row.verdict.name()) } { (row.verdict) } };
    html! {
        @if own.is_empty() { (name) } @else {
            details.own {
                summary { (name) span.soft { " +" (own.len()) } }
                ul { @for text in own { li { (text) } } }
            }
        }
    }
}

/// What is to be said about each row.
pub type Own<'a> = &'a dyn Fn(&Row) -> Vec<String>;

/// What the rows of a table have in common, below it.
#[must_use]
pub fn kinds(rows: &[Row]) -> Markup {
    let all: Vec<String> = by_kind(rows).into_iter().map(|line| line.text).collect();
    notes(&all)
}

/// Notes below a table.
#[must_use]
pub fn notes(all: &[String]) -> Markup {
    html! { @if !all.is_empty() { ul.notes { @for text in all { li { (text) } } } } }
}

fn names<'a>(palette: &'a Palette) -> Column<'a, Row> {
    Column::text("client", "its colour in the charts, its name and its class", |row: &Row| {
        client(&row.client, row.class, palette)
    })
}

fn ranks<'a>() -> Column<'a, Row> {
    Column {
        key: Box::new(|row: &Row| row.rank.map(|rank| rank as f64)),
        ..Column::text("rank", "ties share a rank (=); – is not ranked", |row: &Row| {
            html! { (or_dash(labels::rank(row))) }
        })
    }
}

fn verdicts(own: Own<'_>) -> Column<'_, Row> {
    let hint = "ok and overloaded are ranked; what is to be said about a row is folded below it";
    Column {
        key: Box::new(|row: &Row| Some(f64::from(row.verdict as u8))),
        ..Column::text("verdict", hint, move |row| verdict(row, &own(row)))
    }
}

/// The first table of one workload of a comparison: what fits a window of 1280 px.
#[must_use]
pub fn of_workload(workload: &Workload, rows: &[Row], own: Own<'_>, palette: &Palette) -> Markup {
    let mut columns = vec![names(palette), ranks()];
    columns.extend(layout::of_page(workload, rows).into_iter().map(shown));
    columns.push(verdicts(own));
    render(&columns, rows, of_row, &format!("Table of {}", workload.name))
}

/// The table of one workload with all columns.
#[must_use]
pub fn in_full(workload: &Workload, rows: &[Row], palette: &Palette) -> Markup {
    let mut columns = vec![names(palette), ranks()];
    columns.extend(layout::of_workload(workload, rows).into_iter().map(shown));
    render(&columns, rows, of_row, &format!("All columns of {}", workload.name))
}

/// The table of the tail of each client's response times.
#[must_use]
pub fn of_tail(workload: &Workload, rows: &[Row], palette: &Palette) -> Markup {
    let rows: Vec<Row> = rows.iter().filter(|row| row.tail.is_some()).cloned().collect();
    let mut columns = vec![names(palette)];
    columns.extend(layout::of_tail().into_iter().map(shown));
    render(&columns, &rows, of_row, &format!("Tail of {}", workload.name))
}

/// The table of what was counted of each client.
#[must_use]
pub fn of_counters(workload: &Workload, rows: &[Row], palette: &Palette) -> Markup {
    let rows: Vec<Row> = rows.iter().filter(|row| row.counters.is_some()).cloned().collect();
    let mut columns = vec![names(palette)];
    columns.extend(layout::of_counters().into_iter().map(shown));
    render(&columns, &rows, of_row, &format!("Counters of {}", workload.name))
}

/// The table of a sweep: a row for each client and rate, without ranks: with three rounds at
/// each rate, they would be due to chance.
#[must_use]
pub fn of_sweep(rows: &[Row], own: Own<'_>, palette: &Palette) -> Markup {
    let offered = Column {
        key: Box::new(|row: &Row| row.rate_per_s.map(|rate| rate as f64)),
        ..Column::text("offered, ticks/s", "the rate of this row", |row: &Row| {
            let rate = row.rate_per_s.map_or(String::new(), |rate| count(rate as f64));
            html! { (or_dash(rate)) }
        })
    };
    let mut columns = vec![names(palette), offered];
    let keys = [
        "efficiency",
        "backlog_growth",
        "response_p50",
        "response_p99",
        "client_cpu",
        "client_memory",
    ];
    columns.extend(layout::of_keys(&keys).into_iter().map(shown));
    columns.push(verdicts(own));
    render(&columns, rows, of_row, "Table of the sweep")
}

/// `3 of 4`: the probes at a rate that sustained it.
fn sustained(one: &Capacity, rate_per_s: Option<u64>) -> String {
    let at = || one.probes.iter().filter(|probe| Some(probe.rate_per_s) == rate_per_s);
    match at().count() {
        0 => String::new(),
        all => format!("{} of {all}", at().filter(|probe| probe.gave_way.is_none()).count()),
    }
}

/// The table of capacities.
#[must_use]
pub fn of_capacities(all: &[Capacity], palette: &Palette) -> Markup {
    fn number<'a>(key: &str) -> Column<'a, Capacity> {
        let column = column(key);
        Column {
            key: Box::new(|c: &Capacity| (column.read)(c).value),
            ..Column::text(column.head, column.hint, |c: &Capacity| {
                html! { (or_dash(column.cell(c, column.format))) }
            })
        }
    }
    let above = |c: &Capacity| c.interval_per_s.and_then(|(_, high)| high);
    let columns = [
        Column::text(
            "client",
            "its colour in the charts, its name and its class",
            |c: &Capacity| client(&c.client, c.class, palette),
        ),
        number("capacity"),
        number("not_sustained"),
        Column::text(
            "sustained at capacity",
            "probes at that rate that sustained it, of all at that rate",
            |c: &Capacity| html! { (or_dash(sustained(c, c.capacity_per_s))) },
        ),
        Column::text(
            "sustained above",
            "the same at the lowest rate not sustained: a probe that sustained it casts doubt",
            move |c: &Capacity| html! { (or_dash(sustained(c, above(c)))) },
        ),
        number("confirmed"),
        Column::text(
            "limiting factor",
            "the most frequent one at the lowest rate not sustained",
            |c: &Capacity| {
                let limit = c.limited_by.map_or(String::new(), |limit| limit.to_string());
                html! { (or_dash(limit)) }
            },
        ),
        number("response_p99"),
        number("client_cpus"),
        number("probes"),
    ];
    render(&columns, all, |one| &one.client, "Table of capacities")
}
