//! Puts the picture and the short table of a comparison between the markers of a Markdown
//! file. Pure.

use crate::export::svg::{DARK, LIGHT};
use crate::tables::short;
use anyhow::{Result, bail};
use bench_archive::campaign::Campaign;
use bench_core::text::escape;

/// The line that begins the part that is replaced.
const BEGIN: &str = "<!-- harness publish: compare -->";
/// The line that ends it.
const END: &str = "<!-- harness publish: end -->";

/// Replaces what is between the markers.
///
/// # Errors
/// When markers are missing, in the wrong order, or there more than once.
pub fn splice(text: &str, block: &str) -> Result<String> {
    let at = |marker: &str| -> Vec<usize> {
        let lines = text.lines().enumerate();
        lines.filter(|(_, line)| line.trim() == marker).map(|(number, _)| number).collect()
    };
    let (begin, end) = match (at(BEGIN).as_slice(), at(END).as_slice()) {
        (&[begin], &[end]) if begin < end => (begin, end),
        (&[], &[]) => bail!("no markers: put `{BEGIN}` and `{END}` on lines of their own"),
        (begins, ends) => bail!(
            "`{BEGIN}` occurs {} times and `{END}` {} times: use each once, in this order",
            begins.len(),
            ends.len()
        ),
    };
    let lines: Vec<&str> = text.lines().collect();
    let part = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let before = part(&lines[..=begin]);
    let after = part(&lines[end..]);
    Ok(format!("{before}\n{}\n\n{after}", block.trim()))
}

/// The picture, the short table, and their source. `link` is the path of the campaign's
/// directory, relative to the file.
#[must_use]
pub fn block(campaign: &Campaign, link: &str) -> String {
    let address = escape::address(link);
    let machine = escape::markdown(&campaign.machine_line());
    let placement = escape::markdown(&campaign.placement.to_string());
    let day = campaign.started.get(..10).unwrap_or(&campaign.started);
    format!(
        "<picture>\n  <source media=\"(prefers-color-scheme: dark)\" srcset=\"{address}/{DARK}\">\n  <img alt=\"Ticks per second that each client processes, and which clients fall behind\" src=\"{address}/{LIGHT}\">\n</picture>\n\n{}\n\nMedians over {} rounds, {}, on {machine}: {placement}. [All tables and charts]({address}/report.html) ([as text]({address}/table.md)).",
        short::markdown(campaign),
        campaign.rounds,
        escape::markdown(day),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_the_markers_changes() {
        let readme = format!("# Title\n{BEGIN}\nold\n{END}\nlast\n");
        let once = splice(&readme, "new\n").unwrap();
        assert_eq!(once, format!("# Title\n{BEGIN}\n\nnew\n\n{END}\nlast\n"));
        assert_eq!(splice(&once, "new\n").unwrap(), once, "twice changes nothing");
    }

    #[test]
    fn wrong_markers_are_refused() {
        let cases = [
            ("nothing".to_owned(), "no markers"),
            (format!("{BEGIN}\nx"), "1 times and"),
            (format!("{END}\n{BEGIN}"), "in this order"),
            (format!("{BEGIN}\n{END}\n{BEGIN}\n{END}"), "2 times"),
        ];
        for (text, message) in cases {
            let error = splice(&text, "").unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
