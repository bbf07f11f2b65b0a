//! Prepares a campaign's directory for publishing: without its stamps and snapshots, unless
//! they are requested.

use crate::packed;
use crate::store::{Files, GRID, JOURNEYS, PACKED_ROUNDS, ROUNDS};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The file that keeps git from committing stamps and snapshots.
const IGNORE: &str = ".gitignore";
/// The content of that file.
const IGNORED: &str = "# Written by harness publish: stamps and snapshots stay with whoever measured this\n# campaign. --with-journeys publishes them.\n/journeys/\n/grid/\n";
/// From this size on, a file of rounds is compressed.
const LARGE_BYTES: u64 = 256 << 10;
/// A high level of zstd: no round waits for it.
const LEVEL: i32 = 19;

/// Prepares a campaign's directory for being committed: with its stamps and snapshots,
/// compressed further, or without them.
///
/// # Errors
/// When a file is damaged, or cannot be written.
pub fn prepare(dir: &Path, with_journeys: bool, files: &mut Files) -> Result<()> {
    let rounds = dir.join(ROUNDS);
    if fs::metadata(&rounds).is_ok_and(|file| file.len() >= LARGE_BYTES) {
        let packed = zstd::encode_all(fs::read(&rounds)?.as_slice(), LEVEL)?;
        files.put(&dir.join(PACKED_ROUNDS), &packed)?;
        files.remove(&rounds)?;
    }
    if !with_journeys {
        return files.put(&dir.join(IGNORE), IGNORED.as_bytes());
    }
    for path in tables(dir)? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let packed = packed::again(&bytes, LEVEL).with_context(|| path.display().to_string())?;
        if packed.len() < bytes.len() {
            files.put(&path, &packed)?;
        }
    }
    files.remove(&dir.join(IGNORE))
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
