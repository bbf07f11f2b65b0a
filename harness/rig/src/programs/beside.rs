//! Files beside what is built: receipts and logs of builds. They are no results, and nothing
//! fails where they cannot be written, as in a read-only checkout.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The directory that this module writes to, below cargo's target directory.
const DIR: &str = "tick-bench";

/// Where files beside the build output of a suite are.
#[derive(Debug, Clone)]
pub struct Beside {
    dir: PathBuf,
    root: PathBuf,
}

impl Beside {
    /// Below the target directory of cargo for the suite at `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let set = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().find_map(std::env::var_os);
        // Cargo runs in that directory.
        Self::at(&root.join(set.unwrap_or_else(|| "target".into())), root)
    }

    /// Below this directory.
    pub(super) fn at(target: &Path, root: &Path) -> Self {
        Self { dir: target.join(DIR), root: root.to_owned() }
    }

    /// The log of a build, empty, and how messages name it; `None` if it cannot be written.
    pub(super) fn log(&self, name: &str) -> Option<(File, String)> {
        let path = self.dir.join("logs").join(format!("{}.log", file_name(name)));
        fs::create_dir_all(path.parent()?).ok()?;
        let file = File::create(&path).ok()?;
        let shown = path.strip_prefix(&self.root).unwrap_or(&path);
        Some((file, shown.display().to_string()))
    }

    /// Reads the file of a receipt.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.receipt(name)).ok()
    }

    /// Writes the file of a receipt, in one step: another harness may be reading it.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.receipt(name);
        let partial = path.with_extension(format!("{}.partial", std::process::id()));
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.dir))?;
            fs::write(&partial, bytes)?;
            fs::rename(&partial, &path)
        };
        if let Err(error) = write() {
            log::debug!("cannot write {}: {error}", path.display());
        }
    }

    fn receipt(&self, name: &str) -> PathBuf {
        self.dir.join("receipts").join(format!("{}.json", file_name(name)))
    }
}

/// A name of a client or server as part of a file's name: they have no `/`, and variants a `:`,
/// which artefact stores of CI do not take.
fn file_name(name: &str) -> String {
    name.replace(':', "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn files_are_below_the_target_directory_and_a_missing_place_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        let beside = Beside::at(&root.path().join("target"), root.path());
        assert!(beside.read("a:v").is_none());
        beside.write("a:v", b"{}");
        assert_eq!(beside.read("a:v").unwrap(), b"{}");
        let (mut log, shown) = beside.log("a:v").unwrap();
        log.write_all(b"x").unwrap();
        assert_eq!(shown, "target/tick-bench/logs/a+v.log");
        let receipts = root.path().join("target/tick-bench/receipts");
        assert_eq!(fs::read_dir(receipts).unwrap().count(), 1, "nothing partial");
        let nowhere = Beside::at(Path::new("/proc/none"), root.path());
        nowhere.write("a", b"{}");
        assert!(nowhere.log("a").is_none() && nowhere.read("a").is_none());
    }
}
