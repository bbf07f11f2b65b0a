//! Every round of a campaign, a line each: what rows are made of.

use crate::text::labels;
use crate::text::style::{Style, aligned, or_dash};
use bench_archive::rounds::Round;
use bench_core::text::digits::short;

/// The rounds as a table, in the order in which they were run; then why those that are not `ok`
/// have their verdicts.
#[must_use]
pub fn text(rounds: &[Round]) -> String {
    let style = Style::Terminal;
    let heads = [
        "workload",
        "client",
        "round",
        "verdict",
        "offered",
        "ticks/s",
        "typical p99",
        "p99",
        "backlog",
    ];
    let mut table = style.table(heads.into_iter().map(|head| style.head(head, "")));
    let mut reasons = Vec::new();
    for Round { result, .. } in rounds {
        let name = style.text(&result.client);
        let control = if result.control { " (control)" } else { "" };
        let again = match result.repeat {
            0 => String::new(),
            1 => ", again".to_owned(),
            n => format!(", again ({n})"),
        };
        let number = format!("{}{again}", result.round);
        let measured = result.measurement.as_ref();
        let cells = [
            style.text(&result.workload),
            format!("{name}{control}"),
            number.clone(),
            result.verdict.to_string(),
            measured.and_then(|m| m.rates.offered_per_s).map_or(String::new(), short),
            measured.map_or(String::new(), |m| short(m.rates.processed_per_s)),
            measured.and_then(|m| m.typical_ns).map_or(String::new(), |t| t.p99.to_string()),
            measured.and_then(|m| m.response_ns).map_or(String::new(), |q| q.p99.to_string()),
            measured.map_or(String::new(), |m| short(m.backlog_end.total())),
        ];
        table.add_row(cells.map(or_dash));
        if !result.reasons.is_empty() {
            reasons.push(format!(
                "{}, {name}{control}, round {number}{}: {}",
                style.text(&result.workload),
                labels::verdict(result.verdict),
                result.reasons
            ));
        }
    }
    format!("{}\n\n{}", aligned(table, 4), style.list(reasons))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::campaigns::{kept_up, rounds};
    use bench_core::analysis::verdict::Verdict;

    #[test]
    fn every_round_has_a_line_and_its_reason() {
        let mut all = rounds("steady", "a", Verdict::Ok, vec![kept_up(1000), kept_up(2000)]);
        all.extend(rounds("steady", "b", Verdict::Noisy, vec![kept_up(1000)]));
        all[1].repeat = 1;
        let all: Vec<Round> =
            all.into_iter().map(|result| Round { result, evidence: None }).collect();
        let text = text(&all);
        assert!(text.contains("2, again") && text.contains("6.0 µs"), "{text}");
        assert!(text.contains("steady, b, round 1 [noisy]: for a test"), "{text}");
    }
}
