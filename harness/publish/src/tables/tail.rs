//! The tail of the response times, of all rounds together.

use crate::columns::layout;
use crate::text::labels;
use crate::text::style::{Style, aligned, or_dash};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::rows::tail::{Needs, PooledTail, TailQuantile};

/// What the table shows.
pub const TITLE: &str =
    "The tail of the response time, of all rounds together, and what its slowest 0.1 % waited for";

/// Whether there is anything to show.
#[must_use]
pub fn has_any(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.tail.is_some())
}

/// The table of one workload's rows with its title; empty where no tail was kept.
#[must_use]
pub fn render(rows: &[Row], style: Style) -> String {
    if !has_any(rows) {
        return String::new();
    }
    let columns = layout::of_tail();
    let heads = columns.iter().map(|column| style.head(&column.head(), column.unit()));
    let mut table = style.table(["client".to_owned()].into_iter().chain(heads));
    for row in rows.iter().filter(|row| row.tail.is_some()) {
        let cells = columns.iter().map(|column| column.cell(row));
        let name = format!("{}{}", style.text(&row.client), labels::verdict(row.verdict));
        table.add_row([name].into_iter().chain(cells).map(or_dash));
    }
    let notes = match notes(rows) {
        none if none.is_empty() => String::new(),
        notes => format!("{}\n", style.list(notes)),
    };
    format!("{TITLE}:\n\n{}\n\n{notes}", aligned(table, 1))
}

/// Which quantiles have too few ticks beyond them in some row, and what they need.
#[must_use]
pub fn notes(rows: &[Row]) -> Vec<String> {
    let p999 = note("p99.9", rows, |tail| tail.p999);
    p999.into_iter().chain(note("p99.99", rows, |tail| tail.p9999)).collect()
}

fn note(name: &str, rows: &[Row], of: fn(&PooledTail) -> TailQuantile) -> Option<String> {
    let all = rows.iter().filter_map(|row| of(row.tail.as_ref()?).needs);
    let needs: Needs = all.max_by_key(|needs| needs.rounds)?;
    Some(format!("{name} is shown with at least ten ticks beyond it; where it is not, it {needs}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::campaigns::{Synthetic, kept_up, rounds, steady};
    use bench_core::analysis::round::latency::slowest::Slowest;
    use bench_core::analysis::round::latency::tail::Tail;
    use bench_core::analysis::round::measure::Measurement;
    use bench_core::analysis::statistics::times::Time;
    use bench_core::analysis::verdict::Verdict;

    /// A round of 20 000 ticks, one per µs up to 20 ms.
    fn round() -> Measurement {
        let responses: Vec<_> = (1..=20_000).map(|us| (us, Time::Exact(us * 1000))).collect();
        Measurement {
            window_from_ns: 500_000_000,
            window_to_ns: Some(2_500_000_000),
            tail: Tail::of(&responses),
            slowest: Some(Slowest {
                ticks: 20,
                disturbed: 5,
                late_write: 4,
                snapshot: 1,
                preempted: 2,
            }),
            ..kept_up(1000)
        }
    }

    #[test]
    fn a_quantile_without_enough_ticks_beyond_it_is_a_dash_with_what_it_needs() {
        let all = rounds("steady", "a", Verdict::Ok, vec![round(), round(), round()]);
        let campaign = Synthetic::new("x", &[steady()], all).campaign;
        let text = render(&campaign.rows, Style::Markdown);
        let row = text.lines().find(|line| line.starts_with("| a")).unwrap();
        let cells: Vec<&str> =
            row.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells[1], "20 ms", "{text}");
        assert_eq!([cells[3], cells[4], cells[5]], ["–", "–", "20 ms"], "{text}");
        assert_eq!(cells[6..], ["25.0", "20.0", "5.0", "10.0", "40.0"], "{text}");
        let note = "p99.99 is shown with at least ten ticks beyond it; where it is not, it needs 5 rounds, 10 s measured.";
        assert!(text.contains(note), "{text}");
        assert_eq!(render(&[], Style::Markdown), "");
    }
}
