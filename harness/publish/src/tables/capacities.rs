//! The table of a search for capacities.

use crate::columns::capacities::column;
use crate::text::labels;
use crate::text::style::{Style, aligned, or_dash};
use bench_core::analysis::capacity::result::Capacity;

/// How to read the table.
pub const LEGEND: &str = "A rate is sustained if 0.99 of the offered load is processed, the backlog does not grow, the p99 of the response time meets its objective, and the audit passes. A failed probe is repeated once. Confirmed: fresh rounds sustained the rate, and two at the next rate above failed; rounds that contradict either are among the probes. Clients a step or two apart cannot be distinguished: a search has no noise floor.";

/// The columns between the client and the limiting factor, and those after it.
const BEFORE: [&str; 3] = ["capacity", "not_sustained", "confirmed"];
const AFTER: [&str; 4] = ["response_p99", "client_cpus", "probes", "search"];

/// The table with its notes.
#[must_use]
pub fn render(all: &[Capacity], style: Style) -> String {
    let head = |key: &&str| style.head(column(key).head, "");
    let first = ["client".to_owned()].into_iter();
    let limit = style.head("limiting factor", "");
    let heads = first.chain(BEFORE.iter().map(head)).chain([limit]).chain(AFTER.iter().map(head));
    let mut table = style.table(heads);
    for one in all {
        let name = format!("{}{}", style.text(&one.client), labels::class(one.class));
        let cell = |key: &&str| column(key).cell(one, column(key).format);
        let limit = one.limited_by.map_or(String::new(), |limit| limit.to_string());
        let cells = BEFORE.iter().map(cell).chain([limit]).chain(AFTER.iter().map(cell));
        table.add_row([name].into_iter().chain(cells).map(or_dash));
    }
    let notes = all.iter().filter_map(|c| Some(format!("{}: {}", c.client, c.note.as_ref()?)));
    let notes = [LEGEND.to_owned()].into_iter().chain(notes);
    format!("{}\n\n{}", aligned(table, 1), style.list(notes))
}
