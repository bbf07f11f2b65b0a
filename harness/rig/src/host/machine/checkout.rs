//! The commit of the suite's checkout.

use std::path::Path;
use std::process::Command;

/// The commit, and whether files differ from it (except results).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkout {
    /// Its hash; `None` outside of git, and where git cannot tell.
    pub commit: Option<String>,
    /// Whether the files differ from it; `None` as above.
    pub is_dirty: Option<bool>,
    /// Why git cannot tell, in its own words, although there is a `.git`.
    pub refusal: Option<String>,
}

/// Reads it. A checkout of another owner, as in a container, is read too: git refuses it unless
/// it is declared safe (git-config(1), `safe.directory`), and what is built and run from it
/// is trusted anyway.
#[must_use]
pub fn read(root: &Path) -> Checkout {
    let safe = format!("safe.directory={}", root.display());
    let git = |args: &[&str]| {
        let output = Command::new("git").current_dir(root).args(["-c", &safe]).args(args).output();
        match output {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
            Ok(output) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                Err(stderr.lines().next().unwrap_or("git failed").to_owned())
            }
            Err(error) => Err(format!("git: {error}")),
        }
    };
    if !root.ancestors().any(|dir| dir.join(".git").exists()) {
        return Checkout::default();
    }
    let commit = git(&["rev-parse", "HEAD"]);
    let changed = git(&["status", "--porcelain", "--", ".", ":!results"]);
    let refusal = [&commit, &changed].into_iter().find_map(|result| result.as_ref().err().cloned());
    Checkout { refusal, commit: commit.ok(), is_dirty: changed.ok().map(|lines| !lines.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &Path, args: &[&str]) {
        let status = Command::new("git").current_dir(dir).args(args).status().unwrap();
        assert!(status.success());
    }

    #[test]
    fn a_checkout_tells_its_commit_and_changes() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), Checkout::default());
        git(dir.path(), &["init", "--quiet"]);
        let empty = read(dir.path());
        assert!(empty.commit.is_none() && empty.refusal.is_some(), "{empty:?}");
        let author = ["-c", "user.name=a", "-c", "user.email=a@b"];
        git(
            dir.path(),
            &[&author[..], &["commit", "--quiet", "--allow-empty", "-m", "a"]].concat(),
        );
        let clean = read(dir.path());
        assert_eq!((clean.is_dirty, &clean.refusal), (Some(false), &None));
        assert_eq!(clean.commit.unwrap().len(), 40);
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(read(dir.path()).is_dirty, Some(true));
    }

    /// Needs root, to give the files away.
    #[test]
    fn a_checkout_of_another_owner_is_read() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "--quiet"]);
        let author = ["-c", "user.name=a", "-c", "user.email=a@b"];
        git(
            dir.path(),
            &[&author[..], &["commit", "--quiet", "--allow-empty", "-m", "a"]].concat(),
        );
        for path in [dir.path().to_owned(), dir.path().join(".git")] {
            if std::os::unix::fs::chown(path, Some(12_345), None).is_err() {
                return;
            }
        }
        let mut plain = Command::new("git");
        plain.current_dir(dir.path()).env("HOME", dir.path()).args(["rev-parse", "HEAD"]);
        let refused = plain.output().unwrap();
        assert!(!refused.status.success(), "git refuses it without our setting");
        let read = read(dir.path());
        assert!(read.commit.is_some() && read.refusal.is_none(), "{read:?}");
    }
}
