//! The page with charts.

use super::exporter::{Exporter, File};
use crate::report;
use anyhow::Result;
use bench_archive::archive::Archive;

/// `report.html`.
pub struct Html;

impl Exporter for Html {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        if report::shows_rounds(&archive.campaign) {
            archive.needs_stamps()?;
        }
        Ok(vec![File::new("report.html", report::html(archive)?)])
    }
}
