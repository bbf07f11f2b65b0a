//! A table of texts that compares workloads of one group.

use crate::columns::column::Format;
use crate::columns::layout::{self, Shown};
use crate::columns::rows;
use crate::text::labels;
use crate::text::style::{Style, aligned, or_dash};
use bench_core::analysis::rows::row::Row;
use maud::{Markup, html};

/// One table, its cells as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its title.
    pub title: &'static str,
    /// Its id on a page.
    pub anchor: &'static str,
    /// The heads of its columns with their units; the first two columns are texts, the
    /// others numbers.
    pub heads: Vec<(String, &'static str)>,
    /// A text for each column; empty where there is none.
    pub rows: Vec<Vec<String>>,
    /// The notes below it.
    pub notes: Vec<String>,
}

/// Number of text columns before those of numbers.
const TEXTS: usize = 2;

/// The columns of numbers of a table.
pub(super) struct Numbers(Vec<Shown>);

impl Numbers {
    /// Columns of the catalogue, each in its own format unless another is given.
    pub(super) fn new(keys: &[(&str, Option<Format>)]) -> Self {
        let shown = |&(key, format): &(&str, Option<Format>)| match format {
            Some(format) => Shown::Value(rows::column(key), format),
            None => layout::of_keys(&[key]).remove(0),
        };
        Self(keys.iter().map(shown).collect())
    }

    /// All heads: `client`, that of the second column, and those of the numbers.
    pub(super) fn heads(&self, second: &str) -> Vec<(String, &'static str)> {
        let texts = ["client", second].map(|head| (head.to_owned(), ""));
        let numbers = self.0.iter().map(|column| (column.head(), column.unit()));
        texts.into_iter().chain(numbers).collect()
    }

    /// A row with this name in the second column.
    pub(super) fn row(&self, name: &str, row: &Row) -> Vec<String> {
        let name = format!("{name}{}", labels::verdict(row.verdict));
        let numbers = self.0.iter().map(|column| column.cell(row));
        [row.client.clone(), name].into_iter().chain(numbers).collect()
    }
}

impl Table {
    /// For a terminal, or as Markdown.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let heads = self.heads.iter().map(|(head, unit)| style.head(head, unit));
        let mut table = style.table(heads);
        for row in &self.rows {
            table.add_row(row.iter().enumerate().map(|(column, text)| match column < TEXTS {
                true => style.text(text),
                false => or_dash(text.clone()),
            }));
        }
        let notes = style.list(self.notes.iter().cloned());
        format!("{}\n\n{}\n\n{notes}", style.heading(self.title), aligned(table, TEXTS))
    }

    /// As a section of a page.
    #[must_use]
    pub fn html(&self) -> Markup {
        html! {
            section {
                h2 id=(self.anchor) { (self.title) }
                div.scroll tabindex="0" role="region" aria-label=(self.title) {
                    table {
                        thead { tr { @for (head, unit) in &self.heads {
                            th scope="col" { (Style::Markdown.head(head, unit)) }
                        } } }
                        tbody { @for row in &self.rows { tr {
                            @for (column, text) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (text) } }
                                @else if column < TEXTS { td.text { (text) } }
                                @else { td { (or_dash(text.clone())) } }
                            }
                        } } }
                    }
                }
                @if !self.notes.is_empty() {
                    ol.notes { @for note in &self.notes { li { (note) } } }
                }
            }
        }
    }
}
