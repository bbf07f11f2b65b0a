//! The writer of what is made of saved campaigns; the store's other half.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Puts a file in place whole or not at all.
///
/// # Errors
/// When it cannot be written; what was there is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.draft"));
    let done = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    done.inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Writes what is made of saved campaigns. A file that is already so is not touched.
#[derive(Debug)]
pub struct Press {
    check: bool,
    changed: Vec<PathBuf>,
}

impl Press {
    /// With `check`, it only notes what it would write.
    #[must_use]
    pub fn new(check: bool) -> Self {
        Self { check, changed: Vec::new() }
    }

    /// Makes a file hold these bytes.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then still there.
    pub fn put(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if fs::read(path).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        self.changed.push(path.to_owned());
        if self.check {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| path.display().to_string())?;
        }
        replace(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// What was not as it should be.
    #[must_use]
    pub fn changed(&self) -> &[PathBuf] {
        &self.changed
    }
}
