//! Where a table is shown, and how it is drawn there.

use bench_core::text::escape;
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{CellAlignment, Table};

/// Where a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// On a terminal.
    Terminal,
    /// In a Markdown file.
    Markdown,
}

impl Style {
    /// A foreign text, escaped so that it stays text there.
    #[must_use]
    pub fn text(self, foreign: &str) -> String {
        match self {
            Self::Terminal => escape::terminal(foreign),
            Self::Markdown => escape::markdown(foreign),
        }
    }

    /// A foreign sentence, escaped; it may have code between backticks.
    #[must_use]
    pub fn prose(self, foreign: &str) -> String {
        match self {
            Self::Terminal => escape::terminal(foreign),
            Self::Markdown => escape::prose(foreign),
        }
    }

    /// A heading below that of the campaign.
    #[must_use]
    pub fn heading(self, title: &str) -> String {
        match self {
            Self::Terminal => title.to_owned(),
            Self::Markdown => format!("## {title}"),
        }
    }

    /// The head of a column: on a terminal in two lines, its unit in the second.
    #[must_use]
    pub fn head(self, head: &str, unit: &str) -> String {
        let gap = if unit.is_empty() { "" } else { ", " };
        match self {
            Self::Markdown => format!("{head}{gap}{unit}"),
            Self::Terminal if !unit.is_empty() => format!("{head}\n{unit}"),
            Self::Terminal => head.replacen(' ', "\n", 1),
        }
    }

    /// A table without rows.
    #[must_use]
    pub fn table(self, heads: impl IntoIterator<Item = String>) -> Table {
        let mut table = Table::new();
        table.load_style(match self {
            Self::Terminal => UTF8_BORDERS_ONLY,
            Self::Markdown => ASCII_MARKDOWN,
        });
        table.set_header(heads);
        table
    }

    /// Notes as a list.
    #[must_use]
    pub fn list(self, notes: impl IntoIterator<Item = String>) -> String {
        notes.into_iter().map(|note| format!("- {}\n", self.prose(&note))).collect()
    }
}

/// The table as text, its first columns aligned to the left, the others to the right.
#[must_use]
pub fn aligned(mut table: Table, left: usize) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        let side = if index < left { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    table.to_string()
}

/// A dash for an empty cell.
#[must_use]
pub fn or_dash(text: String) -> String {
    if text.is_empty() { "–".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_two_lines_on_a_terminal_and_one_in_markdown() {
        let head = |style: Style, head, unit| style.head(head, unit);
        assert_eq!(head(Style::Terminal, "processed", "k ticks/s"), "processed\nk ticks/s");
        assert_eq!(head(Style::Terminal, "response p99", ""), "response\np99");
        assert_eq!(head(Style::Markdown, "processed", "k ticks/s"), "processed, k ticks/s");
        assert_eq!(head(Style::Markdown, "rank", ""), "rank");
    }
}
