//! Parts of sentences.

use crate::report::headline::list;
use bench_core::analysis::rows::row::Row;
use bench_core::text::digits::count;

/// Names in a sentence, at most; further ones are counted.
const NAMED: usize = 4;

pub(super) fn nothing() -> String {
    "Nothing has been measured yet.".into()
}

/// The answer where no client was measured well enough.
pub(super) fn unmeasured(rows: &[Row]) -> String {
    match with_verdicts(rows) {
        None => nothing(),
        Some(each) => format!("No client was measured well enough: {each}."),
    }
}

/// The clients that are not ranked, with their verdicts; `None` without any.
pub(super) fn with_verdicts(rows: &[Row]) -> Option<String> {
    let other = rows.iter().filter(|row| !row.verdict.is_ranked());
    let each: Vec<String> = other.map(|row| format!("{} ({})", row.client, row.verdict)).collect();
    (!each.is_empty()).then(|| named(&each))
}

/// `a`, `a and b`, or `a, b, c, d and 3 more`.
pub(super) fn named(names: &[String]) -> String {
    match names.len() > NAMED + 1 {
        true => {
            let (first, more) = names.split_at(NAMED);
            format!("{} and {} more", first.join(", "), more.len())
        }
        false => list(names),
    }
}

/// The names of clients.
pub(super) fn clients<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<String> {
    rows.map(|row| row.client.clone()).collect()
}

/// How many times a number is another: with a decimal where it is small.
pub(super) fn times(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.1}") } else { count(ratio) }
}
