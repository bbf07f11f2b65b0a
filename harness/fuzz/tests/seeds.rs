//! Every seed again: what a fuzzer found once is held by an ordinary test.

use fuzz::TARGETS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// The files of a folder, by name.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = dir.read_dir().unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Whether the target takes it; a panic is told with the seed's name.
fn takes(target: fuzz::Target, seed: &Path) -> bool {
    let bytes = fs::read(seed).unwrap();
    std::panic::catch_unwind(|| target(&bytes))
        .unwrap_or_else(|_| panic!("{} does not hold", seed.display()))
}

fn all_hold(name: &str) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let seeds = files(&seeds().join(name));
    let taken = seeds.iter().filter(|seed| takes(*target, seed)).count();
    // Seeds that are all refused would be stale: they would lead nowhere near the code.
    assert!(taken >= 3, "{name}: {taken} of {} seeds are taken", seeds.len());
    assert!(taken < seeds.len(), "{name}: no seed is refused");
}

#[test]
fn ticks_hold() {
    all_hold("wire");
}

#[test]
fn frames_hold() {
    all_hold("frames");
}

#[test]
fn contract_lines_hold() {
    all_hold("lines");
}

#[test]
fn campaigns_hold() {
    all_hold("campaign");
    fuzz::campaign::tidy();
}

#[test]
fn subscriptions_hold() {
    all_hold("subscription");
}

#[test]
fn every_target_has_its_seeds_and_its_program() {
    let names = |dir: &str| -> BTreeSet<String> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&dir).into_iter().map(stem).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("seeds"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
