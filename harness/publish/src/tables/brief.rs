//! A comparison on a terminal, as it is printed at its end: a narrow table for each workload, few
//! notes, and the answer last, where the eye is. `harness show` has everything else.

use crate::columns::layout;
use crate::report::answer;
use crate::report::chart::lateness;
use crate::tables::{across, campaign};
use crate::text::small_charts::{self, logarithmic};
use crate::text::style::{Style, or_dash};
use crate::text::{labels, notes};
use bench_archive::campaign::{Campaign, Kind, Status};
use bench_core::analysis::rows::row::Row;
use bench_core::load::workload::{RankBy, Workload};
use bench_core::text::digits::short;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use contract::Class;

/// From this width on there are further columns.
const WIDE: usize = 120;
/// Kinds of notes that are listed, at most.
const NOTES: usize = 3;
/// Columns of a bar.
const BAR: usize = 14;

/// The text; `width` in columns, `name` is what `harness show` calls the campaign. Searches and
/// sweeps have their tables, and the answer below.
#[must_use]
pub fn text(campaign: &Campaign, width: usize, name: &str) -> String {
    let tables = match campaign.kind {
        Kind::Capacity | Kind::Sweep => campaign::tables(campaign, Style::Terminal),
        Kind::Compare => {
            let of = |load: &Workload| {
                let (rows, _) = campaign.of_workload(&load.name);
                of_workload(load, &rows, width)
            };
            campaign.workloads.iter().map(of).collect::<Vec<_>>().join("\n")
        }
    };
    let notes = match campaign.kind {
        Kind::Compare => few_notes(campaign, name),
        Kind::Capacity | Kind::Sweep => String::new(),
    };
    let across: String = match campaign.kind {
        Kind::Compare => across::tables(campaign)
            .into_iter()
            .map(|table| format!("\n{}", table.text(Style::Terminal)))
            .collect(),
        Kind::Capacity | Kind::Sweep => String::new(),
    };
    let state = match campaign.status {
        Status::Complete => String::new(),
        status => format!("This campaign is {status}. "),
    };
    let answer = Style::Terminal.prose(&answer::of_campaign(campaign));
    format!("{tables}{across}{notes}\n{}\n", folded(&format!("{state}{answer}"), width))
}

/// The table of a workload.
#[must_use]
pub fn of_workload(load: &Workload, rows: &[Row], width: usize) -> String {
    let style = Style::Terminal;
    let mut table = Table::new();
    table.load_style(NOTHING);
    let further = match width >= WIDE {
        true => layout::of_keys(&["response_p999", "backlog", "client_cpu", "client_memory"]),
        false => Vec::new(),
    };
    let heads = ["client", "rank", bar_head(load), "ticks/s", p99_head(rows)];
    let heads = heads.into_iter().map(str::to_owned);
    let further_heads = further.iter().map(|column| style.head(&column.head(), column.unit()));
    table.set_header(heads.chain(further_heads).chain(["verdict".to_owned()]));
    let lengths = lengths(load, rows);
    for (row, length) in rows.iter().zip(lengths) {
        let late = lateness::of_row(row).map_or(String::new(), |late| late.p99.to_string());
        let cells = [
            style.text(&row.client),
            or_dash(labels::rank(row)),
            length.map_or(String::new(), |share| small_charts::bar(share, BAR)),
            or_dash(row.rates.processed_per_s.map_or(String::new(), short)),
            or_dash(late),
        ];
        let further = further.iter().map(|column| or_dash(column.cell(row)));
        let verdict = row.verdict.to_string();
        table.add_row(cells.into_iter().chain(further).chain([verdict]));
    }
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        let is_text = index == 0 || index == 2 || index == last;
        let side = if is_text { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    let table = table.to_string();
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    format!(
        "{}: {}\n{}\n",
        style.text(&load.name),
        style.text(&labels::load(load)),
        lines.join("\n")
    )
}

/// What the bars show.
fn bar_head(load: &Workload) -> &'static str {
    match load.rank_by {
        RankBy::Processed => "rate, log",
        RankBy::KeepingUp | RankBy::BacklogGrowth => "of what is due",
        RankBy::TypicalP99 | RankBy::ResponseP99 | RankBy::Staleness => "p99, log",
    }
}

fn p99_head(rows: &[Row]) -> &'static str {
    match rows.iter().any(|row| row.typical_ns.is_some()) {
        true => "typical p99",
        false => "p99",
    }
}

/// The length of each row's bar, from 0 to 1.
fn lengths(load: &Workload, rows: &[Row]) -> Vec<Option<f64>> {
    let value = |row: &Row| match load.rank_by {
        RankBy::Processed => row.rates.processed_per_s,
        RankBy::KeepingUp | RankBy::BacklogGrowth => row.efficiency,
        RankBy::TypicalP99 | RankBy::ResponseP99 => {
            lateness::of_row(row).map(|late| late.p99.bound_ns() as f64)
        }
        RankBy::Staleness => row.staleness_ns.map(|age| age.p99 as f64),
    };
    let values: Vec<Option<f64>> = rows.iter().map(value).collect();
    if load.rank_by.is_keeping_up() {
        return values;
    }
    let known = || values.iter().flatten().copied().filter(|value| *value > 0.0);
    let (least, most) = (known().fold(f64::MAX, f64::min), known().fold(0.0, f64::max));
    let share = |value: f64| match most > least {
        true => logarithmic(value, least, most),
        false => 1.0,
    };
    values.iter().map(|value| value.filter(|value| *value > 0.0).map(share)).collect()
}

/// The kinds of notes with their clients, few of them, and where the others are.
fn few_notes(campaign: &Campaign, name: &str) -> String {
    let mut lines: Vec<(bool, String)> = Vec::new();
    for load in &campaign.workloads {
        let (rows, _) = campaign.of_workload(&load.name);
        for line in notes::by_kind(&rows) {
            lines.push((line.is_verdict, format!("{}: {}", load.name, line.text)));
        }
    }
    // Verdicts first: they are why a row is not ranked with the others.
    lines.sort_by_key(|(is_verdict, _)| !is_verdict);
    let mut kinds: Vec<String> = lines.into_iter().map(|(_, text)| text).collect();
    let left_out = kinds.len().saturating_sub(NOTES);
    kinds.truncate(NOTES);
    let mut out = String::new();
    let classes: Vec<String> = campaign
        .workloads
        .first()
        .map_or(Vec::new(), |load| campaign.of_workload(&load.name).0)
        .iter()
        .filter(|row| row.class != Class::Library)
        .map(|row| format!("{}{}", row.client, labels::class(row.class)))
        .collect();
    if !classes.is_empty() {
        kinds.insert(0, format!("not simply a library: {}", classes.join(", ")));
    }
    for line in &kinds {
        out.push_str(&format!("\n- {}", Style::Terminal.prose(line)));
    }
    let more = match left_out > 0 {
        true => format!("{left_out} more kinds of notes, and all columns"),
        false => "all columns and notes".to_owned(),
    };
    format!("{out}\n- {more}: harness show {}\n", Style::Terminal.text(name))
}

/// A sentence in lines that fit.
fn folded(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        });
        match line {
            Some(line) => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::campaigns::{Synthetic, fell_behind, kept_up, rounds, steady};
    use bench_core::analysis::verdict::Verdict;
    use unicode_width::UnicodeWidthStr;

    fn campaign() -> Campaign {
        let mut all = Vec::new();
        for n in 0..12 {
            let client = format!("a-client-with-a-name-{n}");
            all.extend(rounds("steady", &client, Verdict::Ok, vec![kept_up(1000 + n)]));
        }
        let behind = rounds("steady", "behind", Verdict::Overloaded, vec![fell_behind(60_000.0)]);
        all.extend(behind);
        Synthetic::new("brief", &[steady()], all).campaign
    }

    #[test]
    fn lines_fit_80_columns_and_the_answer_is_last() {
        let text = text(&campaign(), 80, "results/x");
        for line in text.lines().filter(|line| !line.starts_with("- ")) {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
        }
        assert!(text.trim_end().ends_with("behind falls behind."), "{text}");
        assert!(text.contains("harness show results/x"), "{text}");
    }

    #[test]
    fn a_wide_terminal_has_further_columns_and_few_notes() {
        let narrow = text(&campaign(), 80, "x");
        let wide = text(&campaign(), 140, "x");
        assert!(wide.contains("memory") && !narrow.contains("memory"), "{wide}");
        let notes = wide.lines().filter(|line| line.starts_with("- ")).count();
        assert!(notes <= 5, "{wide}");
    }
}
