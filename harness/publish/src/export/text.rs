//! Tables and small charts for a terminal.

use super::exporter::{Exporter, File};
use crate::tables::overview;
use anyhow::Result;
use bench_archive::archive::Archive;

/// What `harness show` prints.
pub struct Text {
    /// The width of the terminal, in columns.
    pub width: usize,
}

impl Exporter for Text {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        Ok(vec![File::new("table.txt", overview::text(archive, self.width)?)])
    }
}
