//! Which campaigns are published; prepares a campaign's directory for it: without its stamps
//! and snapshots, unless they are requested.

use crate::campaign::Status;
use crate::packed;
use crate::store::{Files, GRID, JOURNEYS, PACKED_ROUNDS, ROUNDS};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that keeps git from committing stamps and snapshots.
const IGNORE: &str = ".gitignore";
/// The content of that file.
const IGNORED: &str = "# Written by harness publish: stamps and snapshots stay with whoever measured this\n# campaign. --with-journeys publishes them.\n/journeys/\n/grid/\n";
/// From this size on, a file of rounds is compressed.
const LARGE_BYTES: u64 = 256 << 10;
/// The stamps and snapshots are committed.
const COMMITTED: &str =
    "# Written by harness publish --with-journeys: stamps and snapshots are published too.\n";
/// A high level of zstd: no round waits for it.
const LEVEL: i32 = 19;

/// Prepares a campaign's directory for being committed: with its stamps and snapshots,
/// compressed further, or without them.
///
/// # Errors
/// When a file is damaged, or cannot be written.
pub fn prepare(dir: &Path, with_journeys: bool, files: &mut Files) -> Result<()> {
    let text = fs::read(dir.join("campaign.json")).context("campaign.json")?;
    let head: Head = serde_json::from_slice(&text).context("campaign.json")?;
    if head.status == Status::Running {
        // Its harness may still append to its files.
        return Ok(());
    }
    let rounds = dir.join(ROUNDS);
    if fs::metadata(&rounds).is_ok_and(|file| file.len() >= LARGE_BYTES) {
        let packed = zstd::encode_all(fs::read(&rounds)?.as_slice(), LEVEL)?;
        files.put(&dir.join(PACKED_ROUNDS), &packed)?;
        files.remove(&rounds)?;
    }
    let ignore = dir.join(IGNORE);
    if !with_journeys {
        // A campaign that was published with its stamps keeps them when it is published again.
        let is_chosen = fs::read(&ignore).is_ok_and(|text| text == COMMITTED.as_bytes());
        return if is_chosen { Ok(()) } else { files.put(&ignore, IGNORED.as_bytes()) };
    }
    for path in tables(dir)? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let packed = packed::again(&bytes, LEVEL).with_context(|| path.display().to_string())?;
        if packed.len() < bytes.len() {
            files.put(&path, &packed)?;
        }
    }
    files.put(&ignore, COMMITTED.as_bytes())
}

/// The part of `campaign.json` that is read here.
#[derive(Deserialize)]
struct Head {
    status: Status,
}

/// The name of the file that has the rounds of a campaign.
#[must_use]
pub fn rounds_name(dir: &Path) -> &'static str {
    if dir.join(PACKED_ROUNDS).exists() { PACKED_ROUNDS } else { ROUNDS }
}

/// Whether the stamps and snapshots of a campaign are published with it.
#[must_use]
pub fn has_stamps(dir: &Path) -> bool {
    let is_ignored = fs::read(dir.join(IGNORE)).is_ok_and(|text| text == IGNORED.as_bytes());
    !is_ignored && [JOURNEYS, GRID].iter().all(|name| dir.join(name).exists())
}

/// Whether a directory is that of a published campaign, which has a page.
#[must_use]
pub fn is_published(dir: &Path) -> bool {
    dir.join("campaign.json").exists() && dir.join("report.html").exists()
}

/// The directories of the published campaigns below one directory, the oldest first.
///
/// # Errors
/// When it cannot be read.
pub fn published(within: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(within).with_context(|| within.display().to_string())? {
        all.extend(Some(entry?.path()).filter(|dir| is_published(dir)));
    }
    // Their names begin with the time at which they did.
    all.sort();
    Ok(all)
}

/// The files of stamps and of snapshots.
fn tables(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for name in [JOURNEYS, GRID] {
        let within = dir.join(name);
        let found = fs::read_dir(&within).with_context(|| within.display().to_string())?;
        for entry in found {
            paths.push(entry?.path());
        }
    }
    paths.sort();
    Ok(paths)
}
