//! The content of `campaign.json`.

use super::exporter::{Exporter, File};
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::store;

/// `campaign.json`, its rows computed again from the rounds.
pub struct Json;

impl Exporter for Json {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        Ok(vec![File::new("campaign.json", store::pretty(&archive.campaign)?)])
    }
}
