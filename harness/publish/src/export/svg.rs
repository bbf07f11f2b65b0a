//! The bar chart of a comparison, for white and for dark pages, and its picture for chats.

use super::exporter::{Exporter, File};
use crate::report::chart::bars::keeping_up::{self, Theme};
use crate::report::share;
use anyhow::Result;
use bench_archive::archive::Archive;

/// The file for white pages, in a campaign's directory.
pub const LIGHT: &str = "chart.svg";
/// The file for dark pages.
pub const DARK: &str = "chart-dark.svg";

/// `chart.svg`, `chart-dark.svg` and `share.svg`.
pub struct Svg;

impl Exporter for Svg {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        let mut files = Vec::new();
        for (name, theme) in [(LIGHT, Theme::Light), (DARK, Theme::Dark)] {
            let svg = keeping_up::file(&archive.campaign, theme)?;
            files.extend(svg.map(|svg| File::new(name, svg)));
        }
        files.extend(share::svg(&archive.campaign)?.map(|svg| File::new(share::SVG, svg)));
        Ok(files)
    }
}
