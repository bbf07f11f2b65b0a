//! Finds the directory of the suite.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The given directory, or the nearest one at or above the working directory that contains
/// the suite.
///
/// # Errors
/// When there is none.
pub fn find(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(dir) = given {
        if !is_root(dir) {
            bail!("--root {}: no Tick Bench there (no harness/workloads)", dir.display());
        }
        return dir.canonicalize().with_context(|| dir.display().to_string());
    }
    let here = std::env::current_dir().context("the working directory")?;
    here.ancestors()
        .find(|dir| is_root(dir))
        .map(Path::to_owned)
        .context("no Tick Bench here or above: change to its directory, or give --root DIR")
}

fn is_root(dir: &Path) -> bool {
    dir.join("harness/workloads").is_dir() && dir.join("clients").is_dir()
}
