//! Puts tables between the markers of a Markdown file. Pure.

use crate::groups::Group;
use crate::saved::{Campaign, Kind};
use crate::table::Style;
use crate::workload::Workload;
use crate::{escape, listing};
use anyhow::{Result, bail};

/// The end of a part that is replaced.
const END: &str = "<!-- harness publish: end -->";

/// A part of a file that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The tables of a campaign.
    Of(Kind),
    /// The one table across the workloads of a group.
    Across(Group),
}

impl Part {
    /// Every part that there can be.
    const ALL: [Self; 5] = [
        Self::Of(Kind::Compare),
        Self::Of(Kind::Capacity),
        Self::Of(Kind::Sweep),
        Self::Across(Group::Policies),
        Self::Across(Group::FanOut),
    ];

    /// The line that it begins with.
    fn marker(self) -> String {
        let word = match self {
            Self::Of(kind) => kind.word(),
            Self::Across(group) => group.word(),
        };
        format!("<!-- harness publish: {word} -->")
    }

    /// Whether it can be filled from a campaign. A comparison of nothing but a group is
    /// no comparison of the usual workloads.
    #[must_use]
    pub fn is_of(self, campaign: &Campaign) -> bool {
        let is_grouped = |of: &Workload| Group::ALL.into_iter().any(|group| group.has(of));
        match self {
            Self::Of(Kind::Compare) => {
                campaign.kind == Kind::Compare && !campaign.workloads.iter().all(is_grouped)
            }
            Self::Of(kind) => campaign.kind == kind,
            Self::Across(group) => group.table(campaign).is_some(),
        }
    }

    fn tables(self, campaign: &Campaign) -> String {
        match self {
            Self::Of(Kind::Sweep) => listing::sweep_p99(campaign, Style::Markdown),
            Self::Of(_) => listing::tables(campaign, Style::Markdown),
            Self::Across(group) => {
                group.table(campaign).map_or(String::new(), |table| table.text(Style::Markdown))
            }
        }
    }
}

/// Replaces what stands between the markers. `block` gives the text of a part;
/// `None` leaves it as it is.
///
/// # Errors
/// When markers are missing, unknown or unclosed.
pub fn splice(text: &str, block: impl Fn(Part) -> Option<String>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<(usize, Option<String>)> = None;
    let mut found = false;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let mark = line.trim();
        let part = Part::ALL.into_iter().find(|part| mark == part.marker());
        if mark == END {
            let Some((_, new)) = open.take() else {
                bail!("line {number}: `{END}` without a beginning: remove it");
            };
            if let Some(new) = new {
                out.push_str(&format!("\n{}\n\n", new.trim()));
            }
            out.push_str(line);
        } else if let Some(part) = part {
            if let Some((from, _)) = open {
                bail!("line {number}: a part begins within that of line {from}: end it by `{END}`");
            }
            out.push_str(line);
            (open, found) = (Some((number, block(part))), true);
        } else if mark.starts_with("<!-- harness publish:") {
            bail!("line {number}: `{mark}`: use {}", all_markers());
        } else if !matches!(open, Some((_, Some(_)))) {
            out.push_str(line);
        }
    }
    if let Some((from, _)) = open {
        bail!("line {from}: this part never ends: close it by `{END}`");
    }
    if !found {
        bail!("no marker: put {} and `{END}` around each part", all_markers());
    }
    Ok(out)
}

fn all_markers() -> String {
    Part::ALL.map(|part| format!("`{}`", part.marker())).join(", ")
}

/// What stands between the markers: where it comes from, and the tables. `link` is
/// the campaign's folder as the file would name it.
#[must_use]
pub fn block(part: Part, campaign: &Campaign, link: &str) -> String {
    let tables = part.tables(campaign);
    // One level further down than in a campaign's own table.md.
    let tables = tables.lines().map(|line| match line.starts_with("## ") {
        true => format!("#{line}\n"),
        false => format!("{line}\n"),
    });
    let command = escape::terminal(&campaign.command).replace("```", "'''");
    let machine = escape::markdown(&campaign.machine.describe());
    let placement = escape::markdown(&campaign.placement);
    let (name, address) = (escape::code(link), escape::address(link));
    format!(
        "From [{name}]({address}/report.html) ([as text]({address}/table.md)), made by\n\n```\n{command}\n```\n\non {machine}, {placement}.\n\n{}",
        tables.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# Title\n<!-- harness publish: compare -->\nold\n<!-- harness publish: end -->\nbetween\n<!-- harness publish: sweep -->\nolder\n<!-- harness publish: end -->\nlast";

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let new = |part| (part == Part::Of(Kind::Compare)).then(|| "new\n".to_owned());
        let once = splice(README, new).unwrap();
        assert!(once.contains("compare -->\n\nnew\n\n<!-- harness publish: end -->\nbetween"));
        assert!(once.contains("\nolder\n") && !once.contains("\nold\n") && once.ends_with("last"));
        assert_eq!(splice(&once, new).unwrap(), once, "twice changes nothing");
    }

    #[test]
    fn wrong_markers_are_named_with_their_line() {
        let cases = [
            ("nothing", "no marker"),
            ("<!-- harness publish: compare -->\nx", "line 1: this part never ends"),
            ("a\n<!-- harness publish: end -->", "line 2"),
            ("<!-- harness publish: all -->", "use `<!-- harness publish: compare -->`"),
            ("<!-- harness publish: compare -->\n<!-- harness publish: sweep -->", "within that"),
        ];
        for (text, words) in cases {
            let error = splice(text, |_| None).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
