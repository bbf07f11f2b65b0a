//! A diff as text: for a terminal, and as Markdown for a comment on a pull request.

use super::change::{Change, Subject, Value, Word};
use super::diff::{Diff, Tally};
use super::gate::outcome::Outcome;
use super::side::Which;
use crate::columns::rows;
use crate::text::labels;
use crate::text::style::or_dash;
use crate::text::style::{Style, aligned};
use bench_archive::campaign::Kind;
use bench_core::analysis::rows::ranks::ranking::SIGNIFICANT;
use bench_core::analysis::statistics::inference::Interval;
use bench_core::text::digits::{count, ratio};
use bench_core::text::escape;
use std::ops::Range;

/// Maximum length of a comment, in bytes: GitHub's limit is 65 536 characters.
const COMMENT: usize = 65_000;
/// Maximum length of a note or another line with foreign text, in characters.
const NOTE: usize = 400;
/// Maximum length of a foreign text in a table or a heading, in characters.
const CELL: usize = 100;
/// Maximum length of a list, in lines.
const LINES: usize = 30;
/// Number of changes that are shown in any case.
const CHANGED: usize = 60;
/// Of these, and of notes and outcomes, those that are not folded in a comment: it should be read
/// at a glance, within 40 lines.
const UNFOLDED: [usize; 3] = [16, 5, 5];

/// For a terminal.
#[must_use]
pub fn terminal(diff: &Diff) -> String {
    let page = Page { diff, style: Style::Terminal, most: usize::MAX };
    let notes = page.notes().iter().map(|note| format!("NOTE: {note}\n")).collect::<String>();
    let gap = if notes.is_empty() { "" } else { "\n" };
    format!(
        "{}\n\n{notes}{gap}{}{}\n\n{}{}{}",
        page.heads().join("\n"),
        tally(diff.headlines),
        page.others("\n"),
        page.changed(0..diff.changes.len()),
        page.rest(),
        page.gate(0..LINES, "\n")
    )
}

/// For a comment on a pull request: the summary first, what did not change collapsed, and never
/// too long.
#[must_use]
pub fn markdown(diff: &Diff) -> String {
    let mut most = diff.changes.len();
    loop {
        let text = Page { diff, style: Style::Markdown, most }.markdown();
        if text.len() <= COMMENT || most == 0 {
            return escape::clipped(&text, COMMENT).into_owned();
        }
        most = (most * COMMENT / text.len()).min(most - 1);
    }
}

/// A diff, and how to render it.
struct Page<'a> {
    diff: &'a Diff,
    style: Style,
    /// Maximum number of rows of each table.
    most: usize,
}

impl Page<'_> {
    fn markdown(&self) -> String {
        let [_, notes, outcomes] = UNFOLDED;
        let all_notes = self.notes();
        let (first, further) = all_notes.split_at(notes.min(all_notes.len()));
        let lines = |notes: &[String]| -> String {
            notes.iter().map(|note| format!("> - {note}\n")).collect()
        };
        let notes = match first.is_empty() {
            true => String::new(),
            false => format!("> [!WARNING]\n{}\n", lines(first)),
        };
        let further = match further.is_empty() {
            true => String::new(),
            false => format!("Further notes:\n\n{}\n", lines(further)),
        };
        let changes = self.diff.changes.iter().filter(|change| change.word.is_change()).count();
        let folded = match changes.saturating_sub(UNFOLDED[0]) {
            0 => String::new(),
            more => format!("{more} further changes, "),
        };
        let (same, open) = {
            let (h, o) = (self.diff.headlines, self.diff.others);
            (h.same + o.same, h.cannot_tell + o.cannot_tell)
        };
        format!(
            "**{}**{}\n\n{}{}\n\n{notes}{}<details>\n<summary>{folded}{same} the same, {open} undecided, and how to read it</summary>\n\n{further}{}{}{}\n</details>\n",
            tally(self.diff.headlines),
            self.others("\n\n"),
            self.gate(0..outcomes, "\n"),
            self.heads().map(|head| format!("- {head}")).join("\n"),
            self.changed(0..UNFOLDED[0]),
            self.gate(outcomes..LINES, "\n"),
            self.further_changes(UNFOLDED[0]),
            self.rest(),
        )
    }

    fn escaped(&self, text: &str, most: usize) -> String {
        let text = escape::clipped(text, most);
        match self.style {
            Style::Terminal => escape::terminal(&text),
            Style::Markdown => escape::markdown(&text),
        }
    }

    fn heads(&self) -> [String; 2] {
        [(Which::A, &self.diff.a), (Which::B, &self.diff.b)].map(|(side, head)| {
            let name = self.escaped(&head.name, CELL);
            let kind = self.diff.kind;
            let commit = labels::commit(head.commit.as_deref(), head.dirty);
            format!(
                "{side}: {name}, {kind} of {}, commit {}",
                self.escaped(&head.started, CELL),
                self.escaped(&commit, CELL)
            )
        })
    }

    fn notes(&self) -> Vec<String> {
        let shown =
            self.diff.notes.iter().take(LINES).map(|note| self.escaped(&note.to_string(), NOTE));
        let left = self.diff.notes.len().saturating_sub(LINES);
        shown
            .chain((left > 0).then(|| format!("and {left} more notes: see --format json")))
            .collect()
    }

    /// The summary of the metrics besides the headlines.
    fn others(&self, before: &str) -> String {
        match self.diff.others.total() {
            0 => String::new(),
            _ => format!("{before}In other metrics: {}.", tally(self.diff.others)),
        }
    }

    /// These of the changes, as a table.
    fn changed(&self, which: Range<usize>) -> String {
        let changed: Vec<&Change> =
            self.diff.changes.iter().filter(|c| c.word.is_change()).collect();
        let shown = changed.get(which.start..which.end.min(changed.len())).unwrap_or(&[]);
        match changed.is_empty() {
            true => "No change is shown.\n\n".to_owned(),
            false => format!("{}\n\n", self.table(shown)),
        }
    }

    /// The changes from this one on; empty without any.
    fn further_changes(&self, from: usize) -> String {
        let changes = self.diff.changes.iter().filter(|c| c.word.is_change()).count();
        match changes > from {
            true => format!("Further changes:\n\n{}", self.changed(from..changes)),
            false => String::new(),
        }
    }

    /// What did not change, what is missing, and how to read it.
    fn rest(&self) -> String {
        let mut text = String::new();
        for (word, title) in [(Word::Same, "The same:"), (Word::CannotTell, "Undecided:")] {
            let of: Vec<&Change> = self.diff.changes.iter().filter(|c| c.word == word).collect();
            if !of.is_empty() {
                text.push_str(&format!("{title}\n\n{}\n\n", self.table(&of)));
            }
        }
        for missing in self.diff.missing.iter().take(LINES) {
            let line = format!(
                "only in {}: {}: {}",
                missing.only_in,
                missing.workload,
                missing.clients.join(", ")
            );
            text.push_str(&format!("- {}\n", self.escaped(&line, NOTE)));
        }
        let left = self.diff.missing.len().saturating_sub(LINES);
        if left > 0 {
            text.push_str(&format!("- and {left} more workloads that only one of them has\n"));
        }
        text.push_str(legend(self.diff.kind));
        if let Some(client) = &self.diff.ratios_to {
            let client = self.escaped(client, CELL);
            text.push_str(&match self.diff.kind {
                Kind::Capacity => format!("- A and B are ratios to the capacity of {client}.\n"),
                Kind::Compare | Kind::Sweep => format!(
                    "- A and B are ratios to {client} in the same workload and block: medians over the blocks, which are what is tested and resampled. The noise floors of both campaigns multiply.\n"
                ),
            });
        }
        text
    }

    fn value(&self, subject: Subject, of: &Value) -> String {
        match (&self.diff.ratios_to, of.value) {
            (Some(_), Some(times)) => {
                format!("{}{} ×", if of.at_least { "> " } else { "" }, ratio(times))
            }
            _ => value(subject, of),
        }
    }

    /// These of the outcomes of the conditions.
    fn gate(&self, which: Range<usize>, after: &str) -> String {
        let mut gate: Vec<&Outcome> = self.diff.gate.iter().collect();
        gate.sort_by_key(|outcome| outcome.holds);
        let lines = gate.into_iter().take(which.end).skip(which.start);
        let lines: String = lines
            .map(|outcome| format!("- gate: {}\n", self.escaped(&outcome.to_string(), NOTE)))
            .collect();
        if lines.is_empty() { lines } else { format!("{lines}{after}") }
    }

    fn table(&self, changes: &[&Change]) -> String {
        let heads = [
            "",
            "workload",
            "client",
            "metric",
            "A",
            "B",
            "B / A",
            "95 % CI",
            "p",
            "noise floor",
            "why",
        ];
        let has_why = changes.iter().any(|change| change.reason.is_some());
        let width = heads.len() - usize::from(!has_why);
        let heads = heads.into_iter().take(width).map(|head| self.style.head(head, ""));
        let mut table = self.style.table(heads);
        let shown = match changes.first() {
            // Changes are the purpose of a comment.
            Some(change) if change.word.is_change() => self.most.max(CHANGED),
            _ => self.most,
        };
        for change in changes.iter().take(shown) {
            table.add_row(self.cells(change).into_iter().map(or_dash).take(width));
        }
        let text = aligned(table, 4);
        match changes.len().saturating_sub(shown) {
            0 => text,
            left => format!("{text}\n\nand {left} more: see `harness diff --format json`"),
        }
    }

    fn cells(&self, change: &Change) -> [String; 11] {
        let mark = if change.headline { " •" } else { "" };
        let untested = change.p_holm.is_some_and(|p| p >= SIGNIFICANT);
        let word = match (change.word, change.margin) {
            (Word::Same, Some(margin)) => format!("same within {}", percent(margin)),
            (word, _) if word.is_change() && untested => format!("{word} (no test)"),
            (word, _) => word.to_string(),
        };
        let bound = match (change.a.at_least, change.b.at_least) {
            (false, true) => "> ",
            (true, false) => "< ",
            _ => "",
        };
        let bounded = |x: f64| format!("{bound}{}", ratio(x));
        // A bound has one end only.
        let span = |i: Interval| match bound {
            "> " => format!("> {}", ratio(i.low)),
            "< " => format!("< {}", ratio(i.high)),
            _ => format!("{}–{}", ratio(i.low), ratio(i.high)),
        };
        [
            word,
            self.escaped(&change.workload, CELL),
            self.escaped(&change.client, CELL),
            format!("{}{mark}", change.subject),
            self.value(change.subject, &change.a),
            self.value(change.subject, &change.b),
            change.ratio.map_or(String::new(), bounded),
            change.interval.map_or(String::new(), span),
            change.p_holm.map_or(String::new(), |p| format!("{p:.4}")),
            change.noise_floor.map_or(String::new(), percent),
            self.escaped(&change.reason.as_ref().map_or(String::new(), ToString::to_string), CELL),
        ]
    }
}

/// `2 slower, 1 faster, 12 same, 3 cannot tell`
#[must_use]
pub(super) fn tally(of: Tally) -> String {
    format!(
        "{} slower, {} faster, {} same, {} cannot tell",
        of.slower, of.faster, of.same, of.cannot_tell
    )
}

/// The value of one side with its unit, or its verdict.
#[must_use]
pub(super) fn value(subject: Subject, of: &Value) -> String {
    let bound = if of.at_least { "> " } else { "" };
    let Some(number) = of.value else {
        return of.verdict.map_or(String::new(), |verdict| verdict.to_string());
    };
    let shown = match subject {
        Subject::Metric(metric) => {
            let format = rows::of_metric(metric).format;
            let gap = if format.unit().is_empty() { "" } else { " " };
            format!("{}{gap}{}", format.text(number), format.unit())
        }
        Subject::Verdict | Subject::Capacity => format!("{} ticks/s", count(number)),
    };
    format!("{bound}{shown}")
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// How to read it.
fn legend(kind: Kind) -> &'static str {
    match kind {
        Kind::Capacity => {
            "- Slower or faster: one search refuted a rate that the other sustained, and the capacities are more than a step of the search apart. Same: no more than that step apart, whatever the searches leave open.\n"
        }
        Kind::Compare | Kind::Sweep => {
            "- •: what the workload is ranked by, or a change of the verdict; the first line counts these.\n\
             - Slower or faster: p below 0.05 (Mann–Whitney, Holm over all comparisons here), a 95 % interval of the ratio that excludes 1, and a ratio beyond the noise floor, the larger of both campaigns, and beyond 1 %. Same: the whole interval within the margin given.\n\
             - >, <: a lower or an upper bound, as ticks still waited. A noise floor is from within a campaign: it does not include what changed on the machine between the two.\n"
        }
    }
}
