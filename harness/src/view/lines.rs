//! The view where there is no terminal: a line for each round, as it stands in
//! logs. Pure.

use crate::escape;
use crate::rows::RoundResult;
use crate::table::{count, time};

/// How a round came out, in one line; its place is `(done, total)`.
#[must_use]
pub fn line((done, total): (usize, usize), title: &str, result: &RoundResult) -> String {
    format!("[{done}/{total}] {title}: {}", summary(result))
}

fn summary(result: &RoundResult) -> String {
    let said = |why: &String| format!(": {}", escape::terminal(why));
    let reason = result.reason.as_ref().map_or(String::new(), said);
    let numbers = result.measurement.as_ref().map_or(String::new(), |m| {
        let p99 = match m.response_ns {
            Some(q) => format!(", p99 {}", time(Some(q.p99))),
            None => String::new(),
        };
        format!(
            ", {} ticks/s processed, backlog {}{p99}",
            count(m.rates.processed_per_s),
            count(m.backlog_end.total())
        )
    });
    format!("{}{reason}{numbers}", result.verdict.word())
}
