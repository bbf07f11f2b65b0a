//! The numbers behind the first pictures of a page.

use super::exporter::{Exporter, File};
use crate::report::data;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::store;

/// `charts.json`.
pub struct Charts;

impl Exporter for Charts {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        Ok(vec![File::new("charts.json", store::pretty(&data::of(archive)?)?)])
    }
}
