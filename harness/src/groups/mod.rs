//! Tables across workloads that belong together: below those of the single workloads,
//! one for each group. Pure.

pub mod fan_out;
pub mod policies;
#[cfg(test)]
mod tests;

use crate::saved::{Campaign, Kind};
use crate::table::{Style, align, empty, or_dash};
use crate::workload::Workload;
use maud::{Markup, html};
use serde::Serialize;

/// The groups as `--json` has them; what a campaign has none of is left out.
#[derive(Debug, Default, Serialize)]
pub struct Groups {
    /// The policies for slow consumers, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<policies::Line>,
    /// The numbers of connections, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fan_out: Vec<fan_out::Line>,
}

impl Groups {
    /// Those of a campaign.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        match campaign.kind {
            Kind::Compare => {
                Self { policies: policies::lines(campaign), fan_out: fan_out::lines(campaign) }
            }
            Kind::Capacity | Kind::Sweep => Self::default(),
        }
    }
}

/// Workloads that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// One overload under several policies for slow consumers.
    Policies,
    /// One load for several numbers of connections.
    FanOut,
}

impl Group {
    /// In the order of their tables.
    pub const ALL: [Self; 2] = [Self::Policies, Self::FanOut];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::FanOut => fan_out::GROUP,
        }
    }

    /// Whether a workload belongs to it.
    #[must_use]
    pub fn has(self, workload: &Workload) -> bool {
        match self {
            Self::Policies => workload.slow_consumer.is_some(),
            Self::FanOut => workload.group.as_deref() == Some(fan_out::GROUP),
        }
    }

    /// Its table; `None` where a campaign has not several of its workloads.
    #[must_use]
    pub fn table(self, campaign: &Campaign) -> Option<Table> {
        match self {
            _ if campaign.kind != Kind::Compare => None,
            Self::Policies => policies::table(campaign, &policies::lines(campaign)),
            Self::FanOut => fan_out::table(&fan_out::lines(campaign)),
        }
    }
}

/// The tables of all groups that a campaign has.
#[must_use]
pub fn tables(campaign: &Campaign) -> Vec<Table> {
    Group::ALL.into_iter().filter_map(|group| group.table(campaign)).collect()
}

/// One table of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is about.
    pub title: &'static str,
    /// Its place on a page.
    pub anchor: &'static str,
    /// The heads of its columns.
    pub heads: Vec<&'static str>,
    /// How many of the first columns are words; the others are numbers.
    pub words: usize,
    /// A text for each column; empty where there is none.
    pub rows: Vec<Vec<String>>,
    /// What is said below it.
    pub notes: Vec<String>,
}

impl Table {
    /// For a terminal, or as Markdown.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut table = empty(self.heads.iter().copied(), style);
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(column, text)| match column < self.words {
                true => style.text(text),
                false => or_dash(text.clone()),
            });
            table.add_row(cells);
        }
        let title = match style {
            Style::Terminal => self.title.to_owned(),
            Style::Markdown => format!("## {}", self.title),
        };
        let notes: String = self.notes.iter().map(|n| format!("- {}\n", style.prose(n))).collect();
        format!("{title}\n\n{}\n\n{notes}", align(&mut table, self.words))
    }

    /// As a section of a page.
    #[must_use]
    pub fn html(&self) -> Markup {
        html! {
            section {
                h2 id=(self.anchor) { (self.title) }
                div.scroll tabindex="0" role="region" aria-label=(self.title) {
                    table {
                        thead { tr { @for head in &self.heads {
                            th scope="col" { (head.trim().replace('\n', " ")) }
                        } } }
                        tbody { @for row in &self.rows { tr {
                            @for (column, text) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (text) } }
                                @else if column < self.words { td.text { (text) } }
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
