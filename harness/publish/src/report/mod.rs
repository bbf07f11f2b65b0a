//! `report.html`: a saved campaign as one self-contained page. Pure, except for reading the
//! campaign's own files; the same campaign gives the same bytes.

pub mod answer;
pub mod chart;
mod conditions;
pub mod data;
pub mod figures;
pub mod glance;
pub mod grid;
pub mod headline;
pub mod page;
pub mod palette;
pub mod series;
pub mod share;
pub mod waits;

use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind};

/// The page of a campaign.
///
/// # Errors
/// When a file of the campaign is missing or damaged.
pub fn html(archive: &Archive) -> Result<String> {
    Ok(page::render(archive)?.into_string())
}

/// Whether a campaign's page shows single rounds, which needs their stamps and snapshots.
#[must_use]
pub fn shows_rounds(campaign: &Campaign) -> bool {
    campaign.kind == Kind::Compare
}
