//! The view without a terminal: a line for each round, as in logs. Pure.

use bench_core::analysis::rows::result::RoundResult;
use bench_core::text::digits::count;
use bench_core::text::escape;

/// The result of a round in one line, with its number among all.
#[must_use]
pub fn line((done, total): (usize, usize), title: &str, result: &RoundResult) -> String {
    format!("[{done}/{total}] {title}: {}", summary(result))
}

fn summary(result: &RoundResult) -> String {
    let reasons = match result.reasons.is_empty() {
        true => String::new(),
        false => format!(": {}", escape::terminal(&result.reasons.to_string())),
    };
    let numbers = result.measurement.as_ref().map_or(String::new(), |m| {
        let p99 = m.response_ns.map_or(String::new(), |q| format!(", p99 {}", q.p99));
        format!(
            ", {} ticks/s processed, backlog {}{p99}",
            count(m.rates.processed_per_s),
            count(m.backlog_end.total())
        )
    });
    format!("{}{reasons}{numbers}", result.verdict)
}
