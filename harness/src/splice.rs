//! Puts tables between the markers of a Markdown file. Pure.

use crate::saved::{Campaign, Kind};
use crate::table::Style;
use crate::{escape, listing};
use anyhow::{Result, bail};

/// The end of a part that is replaced.
const END: &str = "<!-- harness publish: end -->";

/// The beginning of the part for campaigns of a kind.
#[must_use]
pub fn marker(kind: Kind) -> String {
    format!("<!-- harness publish: {} -->", kind.word())
}

/// Replaces what stands between the markers. `block` gives the text for a kind of
/// campaign; `None` leaves that part as it is.
///
/// # Errors
/// When markers are missing, unknown or unclosed.
pub fn splice(text: &str, block: impl Fn(Kind) -> Option<String>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<(usize, Option<String>)> = None;
    let mut found = false;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let mark = line.trim();
        let kind = [Kind::Compare, Kind::Capacity, Kind::Sweep]
            .into_iter()
            .find(|kind| mark == marker(*kind));
        if mark == END {
            let Some((_, new)) = open.take() else {
                bail!("line {number}: `{END}` without a beginning: remove it");
            };
            if let Some(new) = new {
                out.push_str(&format!("\n{}\n\n", new.trim()));
            }
            out.push_str(line);
        } else if let Some(kind) = kind {
            if let Some((from, _)) = open {
                bail!("line {number}: a part begins within that of line {from}: end it by `{END}`");
            }
            out.push_str(line);
            (open, found) = (Some((number, block(kind))), true);
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
    [Kind::Compare, Kind::Capacity, Kind::Sweep]
        .map(|kind| format!("`{}`", marker(kind)))
        .join(", ")
}

/// What stands between the markers: where it comes from, and the tables. `link` is
/// the campaign's folder as the file would name it.
#[must_use]
pub fn block(campaign: &Campaign, link: &str) -> String {
    let tables = match campaign.kind {
        Kind::Sweep => listing::sweep_p99(campaign, Style::Markdown),
        _ => listing::tables(campaign, Style::Markdown),
    };
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
        let new = |kind| (kind == Kind::Compare).then(|| "new\n".to_owned());
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
