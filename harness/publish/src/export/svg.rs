//! The bar chart of a comparison, for white and for dark pages.

use super::exporter::{Exporter, File};
use crate::report::chart::keeping_up::{self, Theme};
use anyhow::Result;
use bench_archive::archive::Archive;

/// The file for white pages, in a campaign's directory.
pub const LIGHT: &str = "chart.svg";
/// The file for dark pages.
pub const DARK: &str = "chart-dark.svg";

/// `chart.svg` and `chart-dark.svg`.
pub struct Svg;

impl Exporter for Svg {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        let mut files = Vec::new();
        for (name, theme) in [(LIGHT, Theme::Light), (DARK, Theme::Dark)] {
            let svg = keeping_up::file(&archive.campaign, theme)?;
            files.extend(svg.map(|svg| File::new(name, svg)));
        }
        Ok(files)
    }
}
