//! Replays all seeds, including the inputs that a fuzzer found, as ordinary tests.

use fuzz::TARGETS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// The files of a directory, sorted by name.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = dir.read_dir().unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Whether the target accepts it; a panic is reported with the seed's name.
fn accepts(target: fuzz::Target, seed: &Path) -> bool {
    let bytes = fs::read(seed).unwrap();
    std::panic::catch_unwind(|| target(&bytes))
        .unwrap_or_else(|_| panic!("{} does not hold", seed.display()))
}

fn replay(name: &str) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let seeds = files(&seeds().join(name));
    let accepted = seeds.iter().filter(|seed| accepts(*target, seed)).count();
    // Seeds that are all refused would be stale: they would not reach most of the code.
    assert!(accepted >= 3, "{name}: {accepted} of {} seeds are accepted", seeds.len());
    assert!(accepted < seeds.len(), "{name}: no seed is refused");
}

#[test]
fn all_seeds_of_wire_formats_pass() {
    replay("wire");
}

#[test]
fn all_seeds_of_frames_pass() {
    replay("frames");
}

#[test]
fn all_seeds_of_contract_lines_pass() {
    replay("lines");
}

#[test]
fn all_seeds_of_campaigns_pass() {
    replay("campaign");
    fuzz::campaign::tidy();
}

#[test]
fn all_seeds_of_subscriptions_pass() {
    replay("subscription");
}

#[test]
fn every_target_has_seeds_and_a_program() {
    let names = |dir: &str| -> BTreeSet<String> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&dir).into_iter().map(stem).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("seeds"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
