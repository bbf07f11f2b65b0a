//! What a program is built from, as one number: whether a receipt is still true.

use super::recipe::Recipe;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Directories with what was built or installed, and not with what it is made from.
const OUTPUTS: [&str; 5] = ["target", "node_modules", "dist", "__pycache__", "results"];
/// Of a file that is larger only size and time are read, in bytes.
const READ_BYTES: u64 = 1 << 20;
/// More files are no client: someone named a whole disk.
const MOST_FILES: usize = 20_000;

/// Computes the inputs of several programs, each directory once.
#[derive(Debug)]
pub struct Inputs {
    root: PathBuf,
    known: BTreeMap<PathBuf, u64>,
}

impl Inputs {
    /// For programs of the suite at `root`, and others.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: BTreeMap::new() }
    }

    /// A number that differs if the sources of a program, its lock file, the kits that it may use
    /// or its build command differ.
    pub fn of(&mut self, recipe: &Recipe) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&recipe.dir, &recipe.build, &recipe.command, &recipe.args, &recipe.env).hash(&mut hasher);
        for path in self.paths(recipe) {
            self.hash_of(&path).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn paths(&self, recipe: &Recipe) -> BTreeSet<PathBuf> {
        let (clients, servers) = (self.root.join("clients"), self.root.join("server"));
        // Servers share code with each other, and the suite's own is at the root.
        if recipe.dir == self.root || recipe.dir.parent() == Some(&servers) {
            return [servers].into_iter().chain(self.of_cargo(recipe)).collect();
        }
        let mut paths = BTreeSet::from([recipe.dir.clone()]);
        if recipe.dir.parent() == Some(&clients) {
            let others = std::fs::read_dir(&clients).into_iter().flatten().flatten();
            // Those in Rust are for clients in Rust, and the others for the others.
            let by_cargo = recipe.build.cargo.is_some();
            let kits = others.map(|entry| entry.path()).filter(|path| is_kit(path));
            paths.extend(kits.filter(|path| path.join("Cargo.toml").exists() == by_cargo));
        }
        paths.into_iter().chain(self.of_cargo(recipe)).collect()
    }

    /// What cargo reads at the root.
    fn of_cargo(&self, recipe: &Recipe) -> Vec<PathBuf> {
        match recipe.build.cargo {
            Some(_) => vec![self.root.join("Cargo.toml"), self.root.join("Cargo.lock")],
            None => Vec::new(),
        }
    }

    fn hash_of(&mut self, path: &Path) -> u64 {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        let mut hasher = DefaultHasher::new();
        let mut left = MOST_FILES;
        hash(path, path, &mut hasher, &mut left);
        let found = hasher.finish();
        self.known.insert(path.to_owned(), found);
        found
    }
}

/// Whether a directory in `clients` has code that clients share.
fn is_kit(path: &Path) -> bool {
    path.is_dir() && !path.join("client.toml").exists()
}

/// Hashes names and contents of all files at a path, in the order of their names.
fn hash(base: &Path, path: &Path, hasher: &mut DefaultHasher, left: &mut usize) {
    let Ok(about) = path.symlink_metadata() else { return };
    if about.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let paths: BTreeSet<PathBuf> = entries.map(|entry| entry.path()).collect();
        let is_output = |path: &PathBuf| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            name.starts_with('.') || OUTPUTS.contains(&name)
        };
        for path in paths.iter().filter(|path| !is_output(path)) {
            hash(base, path, hasher, left);
        }
        return;
    }
    let Some(fewer) = left.checked_sub(1) else { return };
    *left = fewer;
    path.strip_prefix(base).unwrap_or(path).hash(hasher);
    match about.is_file() && about.len() <= READ_BYTES {
        true => std::fs::read(path).unwrap_or_default().hash(hasher),
        false => (about.len(), about.modified().ok()).hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Build;
    use super::*;
    use std::fs;

    fn recipe(dir: PathBuf, build: Build) -> Recipe {
        let (command, args, env, needs) = Default::default();
        Recipe { dir, build, command, args, env, needs }
    }

    #[test]
    fn only_what_a_program_is_made_from_changes_its_inputs() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (path, text) in [
            ("Cargo.lock", "a"),
            ("clients/a/client.toml", "a"),
            ("clients/a/main.mjs", "a"),
            ("clients/kit/kit.mjs", "a"),
            ("clients/b/client.toml", "b"),
        ] {
            write(path, text);
        }
        let dir = root.path().join("clients/a");
        let of = |build: &Build| Inputs::new(root.path()).of(&recipe(dir.clone(), build.clone()));
        let by_cargo = Build { cargo: Some("a".to_owned()), command: None };
        let by_npm = Build { cargo: None, command: Some(vec!["npm".to_owned()]) };
        let before = (of(&by_cargo), of(&by_npm));
        assert_ne!(before.0, before.1);
        for output in ["node_modules/x/x.js", "dist/a.js", ".venv/a", "target/a"] {
            write(&format!("clients/a/{output}"), "made");
        }
        write("clients/b/main.mjs", "of another client");
        assert_eq!((of(&by_cargo), of(&by_npm)), before);
        write("Cargo.lock", "b");
        assert_ne!(of(&by_cargo), before.0);
        assert_eq!(of(&by_npm), before.1, "cargo's lock file is none of it");
        for changed in ["clients/kit/kit.mjs", "clients/a/main.mjs", "clients/a/package-lock.json"]
        {
            let before = of(&by_npm);
            write(changed, "changed");
            assert_ne!(of(&by_npm), before, "{changed}");
        }
    }
}
