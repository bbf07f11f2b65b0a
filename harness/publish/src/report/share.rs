//! One picture of a comparison for a chat or a slide: its answer, and beside each other who
//! processes how much and how late.

use super::answer;
use super::chart::bars::throughput;
use super::chart::lateness;
use super::palette::INK;
use anyhow::{Context, Result, bail};
use bench_archive::campaign::{Campaign, Kind};
use bench_core::load::workload::RankBy;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Width and height in px, as previews in chats show them.
pub const SIZE: (u32, u32) = (1200, 630);
/// The file for pages.
pub const SVG: &str = "share.svg";
/// The file for programs that show no SVG.
pub const PNG: &str = "share.png";
/// Characters of a line of the answer.
const LINE: usize = 88;

/// The picture as an SVG file; `None` for campaigns without numbers to compare.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn svg(campaign: &Campaign) -> Result<Option<String>> {
    if campaign.kind != Kind::Compare {
        return Ok(None);
    }
    let rows = |name: &str| campaign.of_workload(name).0;
    let flood =
        campaign.workloads.iter().find(|load| load.is_flood() && load.rank_by == RankBy::Processed);
    let offered: Vec<f64> = campaign
        .workloads
        .iter()
        .filter_map(|load| answer::offered_per_s(load).map(|rate| rate as f64))
        .collect();
    let mut charts = Vec::new();
    if let Some(load) = flood {
        let rows = rows(&load.name);
        let title = answer::throughput(&rows);
        charts.extend(throughput::chart(&rows, &offered, &title)?.map(|chart| (title, chart)));
    }
    if let Some(load) = answer::timed(campaign) {
        let rows = rows(&load.name);
        let title = answer::lateness(load, &rows);
        charts.extend(lateness::chart(&rows, &title)?.map(|chart| (title, chart)));
    }
    if charts.is_empty() {
        return Ok(None);
    }
    Ok(Some(framed(campaign, &charts)))
}

/// The charts below the answer, side by side.
fn framed(campaign: &Campaign, charts: &[(String, String)]) -> String {
    let (width, height) = SIZE;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, DejaVu Sans, sans-serif\"><rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>"
    );
    let mut y = 40;
    for line in lines(&answer::of_campaign(campaign), LINE, 3) {
        out.push_str(&text((24, y), (22, "bold"), &line));
        y += 28;
    }
    let each = (width - 48) / charts.len() as u32;
    for (place, (title, chart)) in charts.iter().enumerate() {
        let x = 24 + place as u32 * each;
        let mut top = y + 8;
        for line in lines(title, (each / 9) as usize, 2) {
            out.push_str(&text((x, top), (15, "bold"), &line));
            top += 20;
        }
        let place = format!(
            "<svg x=\"{x}\" y=\"{top}\" width=\"{}\" height=\"{}\" ",
            each - 16,
            height.saturating_sub(top + 30)
        );
        out.push_str(&chart.replacen("<svg ", &place, 1));
    }
    let foot = format!("Tick Bench, {}, {}", day(campaign), campaign.machine_line());
    out.push_str(&text((24, height - 12), (13, "normal"), &foot));
    out.push_str("</svg>\n");
    out
}

fn day(campaign: &Campaign) -> &str {
    campaign.started.get(..10).unwrap_or(&campaign.started)
}

fn text((x, y): (u32, u32), (size, weight): (u32, &str), text: &str) -> String {
    let text = maud::html! { (text) }.into_string();
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{}\">{text}</text>",
        INK.css()
    )
}

/// A sentence in so many lines at most; the last one ends with an ellipsis where there is more.
fn lines(text: &str, characters: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = |line: &&mut String| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= characters
        };
        match lines.last_mut().filter(fits) {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

/// The picture as a PNG file, drawn with this machine's fonts.
///
/// # Errors
/// When there is no font, or the picture cannot be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let mut options = Options::default();
    let fonts = Arc::make_mut(&mut options.fontdb);
    fonts.load_system_fonts();
    let Some(face) = fonts.faces().find(|face| !face.monospaced) else {
        bail!("--png needs a font: install one, such as Debian's fonts-dejavu-core");
    };
    let family = face.families.first().map(|(name, _)| name.clone()).unwrap_or_default();
    options.font_family.clone_from(&family);
    Arc::make_mut(&mut options.fontdb).set_sans_serif_family(family);
    let tree = Tree::from_str(svg, &options).context("the picture cannot be read")?;
    let mut pixels = Pixmap::new(SIZE.0, SIZE.1).context("the picture has no size")?;
    resvg::render(&tree, Transform::default(), &mut pixels.as_mut());
    pixels.encode_png().context("the picture cannot be encoded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::palette::GRID;

    #[test]
    fn long_sentences_are_cut_at_words() {
        assert_eq!(lines("one two three four", 8, 2), ["one two", "three…"]);
        assert_eq!(lines("one two", 8, 2), ["one two"]);
    }

    #[test]
    fn a_picture_has_its_size_and_is_not_blank() {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"630\"><rect width=\"1200\" height=\"630\" fill=\"#FFFFFF\"/><rect width=\"600\" height=\"630\" fill=\"{}\"/></svg>",
            GRID.css()
        );
        // A machine without fonts says so.
        let Ok(bytes) = png(&svg) else { return };
        assert_eq!(&bytes[1..4], b"PNG");
        let pixels = Pixmap::decode_png(&bytes).unwrap();
        assert_eq!((pixels.width(), pixels.height()), SIZE);
        let at = |x| pixels.pixel(x, 300).unwrap().red();
        assert_eq!((at(100), at(1100)), (GRID.0, 255));
    }
}
