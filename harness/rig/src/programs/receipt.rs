//! What is known of each program from its last build and its last start, so that it can be shown
//! without either.

use super::beside::Beside;
use super::inputs::Inputs;
use super::recipe::Recipe;
use bench_core::analysis::verdict::reason::Unavailability;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of this file.
const SCHEMA: u32 = 1;

/// The receipt of a client, of a variant or of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    schema: u32,
    /// The directory of its manifest: another program may have had the same name.
    dir: PathBuf,
    /// What it was built from: [`Inputs::of`].
    inputs: u64,
    /// When it was built from that, in seconds since the Unix epoch.
    pub built_unix_s: u64,
    /// The cargo profile.
    pub profile: String,
    /// Why it cannot run here, by its build or by its own word.
    pub unavailable: Option<Unavailability>,
    /// What its last hello said; `None`: it has not been started since it was built.
    pub started: Option<Started>,
}

/// What a program said when it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// When, in seconds since the Unix epoch.
    pub unix_s: u64,
    /// The versions in its hello.
    pub versions: Vec<String>,
    /// The runtime in its hello; `None` for a server.
    pub runtime: Option<String>,
}

/// A receipt, and whether it is still true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The receipt.
    pub receipt: Receipt,
    /// Whether sources, lock file or build command have changed since.
    pub is_stale: bool,
}

/// The receipts of a suite.
#[derive(Debug, Clone)]
pub struct Receipts {
    beside: Beside,
}

/// A program that has a receipt.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// A client or a variant.
    Client(&'a str),
    /// A server.
    Server(&'a str),
}

impl Whose<'_> {
    fn key(self) -> String {
        match self {
            Self::Client(name) => name.to_owned(),
            Self::Server(name) => format!("server+{name}"),
        }
    }
}

impl Receipts {
    /// Those of the suite at `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { beside: Beside::new(root) }
    }

    /// The receipt of a program.
    #[must_use]
    pub fn of(&self, whose: Whose<'_>, recipe: &Recipe, inputs: &mut Inputs) -> Option<Kept> {
        let receipt = self.read(whose).filter(|receipt| receipt.dir == recipe.dir)?;
        let is_stale = receipt.inputs != inputs.of(recipe);
        Some(Kept { receipt, is_stale })
    }

    /// Notes a build. What is known of a program that was built from the same is kept.
    pub fn built(
        &self,
        whose: Whose<'_>,
        (recipe, inputs): (&Recipe, u64),
        profile: &str,
        unavailable: Option<Unavailability>,
    ) {
        let before = self.read(whose).filter(|receipt| receipt.inputs == inputs);
        let receipt = Receipt {
            schema: SCHEMA,
            dir: recipe.dir.clone(),
            inputs,
            built_unix_s: before.as_ref().map_or_else(now_unix_s, |before| before.built_unix_s),
            profile: profile.to_owned(),
            started: before.as_ref().and_then(|before| before.started.clone()),
            unavailable,
        };
        if before.as_ref() != Some(&receipt) {
            self.write(whose, &receipt);
        }
    }

    /// Notes what a program that was built said when it was started.
    pub fn started(&self, whose: Whose<'_>, versions: &[String], runtime: Option<&str>) {
        let started = Started {
            unix_s: now_unix_s(),
            versions: versions.to_vec(),
            runtime: runtime.map(str::to_owned),
        };
        self.update(whose, |receipt| {
            (receipt.started, receipt.unavailable) = (Some(started), None);
        });
    }

    /// Notes that a program that was built cannot run here.
    pub fn unavailable(&self, whose: Whose<'_>, why: &Unavailability) {
        self.update(whose, |receipt| receipt.unavailable = Some(why.clone()));
    }

    fn update(&self, whose: Whose<'_>, change: impl FnOnce(&mut Receipt)) {
        if let Some(mut receipt) = self.read(whose) {
            change(&mut receipt);
            self.write(whose, &receipt);
        }
    }

    /// One that cannot be read is as good as none.
    fn read(&self, whose: Whose<'_>) -> Option<Receipt> {
        let bytes = self.beside.read(&whose.key())?;
        let receipt: Receipt = serde_json::from_slice(&bytes).ok()?;
        (receipt.schema == SCHEMA).then_some(receipt)
    }

    fn write(&self, whose: Whose<'_>, receipt: &Receipt) {
        if let Ok(bytes) = serde_json::to_vec_pretty(receipt) {
            self.beside.write(&whose.key(), &bytes);
        }
    }
}

fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Build;
    use super::*;

    fn recipe(dir: &Path) -> Recipe {
        let (build, command, args, env, needs) = <(Build, _, _, _, _)>::default();
        Recipe { dir: dir.to_owned(), build, command, args, env, needs }
    }

    #[test]
    fn a_receipt_is_true_until_the_sources_change() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a");
        std::fs::create_dir(&dir).unwrap();
        let receipts = Receipts { beside: Beside::at(&root.path().join("target"), root.path()) };
        let (whose, recipe) = (Whose::Client("a"), recipe(&dir));
        let inputs = || Inputs::new(root.path());
        let kept = || receipts.of(whose, &recipe, &mut inputs());
        let build = |unavailable| {
            receipts.built(whose, (&recipe, inputs().of(&recipe)), "release", unavailable);
        };
        receipts.started(whose, &["x 1".to_owned()], None);
        assert_eq!(kept(), None, "what was not built has no receipt");
        build(None);
        assert_eq!(kept().unwrap().receipt.started, None);
        receipts.started(whose, &["x 1".to_owned()], Some("one thread"));
        build(None);
        let started = kept().unwrap().receipt.started.unwrap();
        assert_eq!(
            (started.versions, started.runtime.as_deref()),
            (vec!["x 1".to_owned()], Some("one thread"))
        );
        assert_eq!(receipts.of(Whose::Server("a"), &recipe, &mut inputs()), None);
        let why = Unavailability::Client { reason: "no tea".to_owned() };
        receipts.unavailable(whose, &why);
        assert_eq!(kept().unwrap().receipt.unavailable, Some(why));
        let other = Recipe { dir: root.path().join("b"), ..recipe.clone() };
        assert_eq!(receipts.of(whose, &other, &mut inputs()), None, "of the same name");
        std::fs::write(dir.join("main.c"), "changed").unwrap();
        assert!(kept().unwrap().is_stale);
        build(None);
        let renewed = kept().unwrap();
        assert!(!renewed.is_stale && renewed.receipt.started.is_none());
    }
}
