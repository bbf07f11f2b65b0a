//! The evidence that every campaign is published with, so that anyone can compute ranks and the
//! share of disturbed rounds again without its stamps: `windows.parquet` and
//! `disturbances.jsonl`. Pure functions of an archive: the same campaign gives the same bytes.
//!
//! `table ← windows`.

pub mod disturbances;
mod table;
#[cfg(test)]
mod tests;
pub mod windows;

use crate::export::File;
use anyhow::Result;
use bench_archive::archive::Archive;

/// The files of evidence that a campaign is published with; none where it is from before there
/// was any. Without its stamps, its windows stay as they are, and are checked against its rounds.
///
/// # Errors
/// When a file of the campaign is missing or damaged, or its windows are not those of its rounds.
pub fn files(archive: &Archive) -> Result<Vec<File>> {
    if !archive.has_windows() {
        return Ok(Vec::new());
    }
    let mut files = vec![disturbances::file(archive)?];
    // Where the server has its own pacing, the stamps do not tell when a tick was generated.
    if archive.campaign.server.keeps_due_times() {
        match archive.lacks_stamps() {
            true => windows::check(archive)?,
            false => files.push(windows::file(archive)?),
        }
    }
    Ok(files)
}
