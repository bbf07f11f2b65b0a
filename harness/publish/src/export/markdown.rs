//! The tables in Markdown.

use super::exporter::{Exporter, File};
use crate::tables::campaign;
use anyhow::Result;
use bench_archive::archive::Archive;

/// `table.md`.
pub struct Markdown;

impl Exporter for Markdown {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        Ok(vec![File::new("table.md", campaign::markdown(&archive.campaign))])
    }
}
