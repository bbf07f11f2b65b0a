//! Single ticks with the time that each part of their path took.

use crate::text::style::{Style, aligned, or_dash};
use bench_archive::sampled::Tick;
use bench_core::analysis::round::journey::Part;

/// A line for each tick and its connection.
#[must_use]
pub fn table(ticks: &[Tick], start_ns: u64, ended_ns: u64) -> String {
    let heads = ["connection", "seq", "due at", "response"].map(str::to_owned).into_iter();
    let mut table = Style::Terminal.table(heads.chain(Part::ALL.map(|part| part.to_string())));
    for Tick { connection, stamps, .. } in ticks {
        let due_s = (stamps.due_ns as f64 - start_ns as f64) / 1e9;
        let response = stamps.response(ended_ns).to_string();
        let parts =
            stamps.parts(ended_ns).map(|part| part.map_or(String::new(), |t| t.to_string()));
        let cells =
            [connection.to_string(), stamps.seq.to_string(), format!("{due_s:.6} s"), response];
        table.add_row(cells.into_iter().chain(parts.map(or_dash)));
    }
    aligned(table, 0)
}
