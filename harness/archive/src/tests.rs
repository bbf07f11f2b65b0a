//! Published campaigns can be read, and damage is reported in one line.

use crate::archive::Archive;
use crate::campaign::Kind;
use crate::packed::{GridRow, JOURNEY_COLUMNS};
use crate::publication::{self, prepare};
use crate::rounds::{self, Round};
use crate::store::{Files, GRID, JOURNEYS, PACKED_ROUNDS, ROUNDS};
use bench_core::analysis::round::journey::Stamps;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The directories of the published campaigns, the oldest first.
fn published() -> Vec<PathBuf> {
    publication::published(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results")).unwrap()
}

/// The newest published campaign of a kind; of comparisons, the newest of the default
/// workloads.
fn published_of(kind: Kind) -> Archive {
    let all = published().into_iter().rev().map(|dir| Archive::open(&dir).unwrap());
    let has_flood = |archive: &Archive| archive.campaign.workloads.iter().any(|w| w.is_flood());
    let fits = |archive: &Archive| {
        archive.campaign.kind == kind && (kind != Kind::Compare || has_flood(archive))
    };
    all.into_iter().find(fits).unwrap()
}

/// Opening computes every row again from the rounds and compares.
#[test]
fn every_published_campaign_agrees_with_its_rounds() {
    let all = published();
    assert!(!all.is_empty());
    for dir in all {
        let archive = Archive::open(&dir).unwrap();
        if archive.lacks_stamps() {
            continue;
        }
        for round in archive.rounds.iter().take(2) {
            let evidence = round.evidence.as_ref().unwrap();
            assert!(!archive.grid(evidence).unwrap().is_empty());
            assert!(!archive.journeys(round, evidence).unwrap().is_empty());
        }
    }
}

/// A copy of a published campaign's two text files, its rounds unpacked.
fn copy(kind: Kind) -> tempfile::TempDir {
    let (dir, from) = (tempfile::tempdir().unwrap(), published_of(kind));
    fs::copy(from.dir().join("campaign.json"), dir.path().join("campaign.json")).unwrap();
    fs::write(dir.path().join(ROUNDS), rounds::rounds_file(from.dir()).unwrap()).unwrap();
    dir
}

fn refused(change: impl Fn(&Path), expected: &str) {
    refused_of(Kind::Compare, change, expected);
}

fn refused_of(kind: Kind, change: impl Fn(&Path), expected: &str) {
    let dir = copy(kind);
    change(dir.path());
    let error = format!("{:#}", Archive::open(dir.path()).unwrap_err());
    assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
}

/// Changes `campaign.json` as an object.
fn rewrite(with: impl Fn(&mut Value)) -> impl Fn(&Path) {
    move |dir| {
        let path = dir.join("campaign.json");
        let mut campaign = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        with(&mut campaign);
        fs::write(path, campaign.to_string()).unwrap();
    }
}

fn edit(name: &'static str, with: impl Fn(String) -> String) -> impl Fn(&Path) {
    move |dir| {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        fs::write(dir.join(name), with(text)).unwrap();
    }
}

#[test]
fn damage_is_named_with_its_place() {
    refused(|dir| fs::remove_file(dir.join("campaign.json")).unwrap(), "is not a campaign");
    refused(|dir| fs::remove_file(dir.join("rounds.jsonl")).unwrap(), "rounds.jsonl");
    refused(edit("campaign.json", |t| t[..t.len() / 2].into()), "campaign.json is damaged");
    refused(edit("campaign.json", |_| "{\"schema\":3}".into()), "not of this suite");
    let schema_1 = |campaign: &mut Value| campaign["schema"] = 1.into();
    refused(rewrite(schema_1), "campaign of schema 1");
    refused(edit("rounds.jsonl", |t| t[..t.len() - 9].into()), "is cut off");
    refused(edit("rounds.jsonl", |t| t.replacen("\"steady\"", "\"stea", 1)), "line 1 is damaged");
}

/// Publishing compresses a large file of rounds.
#[test]
fn compressed_rounds_are_read_too() {
    let dir = copy(Kind::Compare);
    let path = dir.path().join(ROUNDS);
    let packed = zstd::encode_all(fs::read(&path).unwrap().as_slice(), 3).unwrap();
    let before = Archive::open(dir.path()).unwrap().rounds.len();
    fs::remove_file(path).unwrap();
    fs::write(dir.path().join(PACKED_ROUNDS), &packed).unwrap();
    assert_eq!(Archive::open(dir.path()).unwrap().rounds.len(), before);
    fs::write(dir.path().join(PACKED_ROUNDS), &packed[..packed.len() / 2]).unwrap();
    let error = format!("{:#}", Archive::open(dir.path()).unwrap_err());
    assert!(error.contains("rounds.jsonl.zst is damaged"), "{error}");
}

/// How many rounds of a copy have their stamps and snapshots.
const STAMPED: usize = 2;

/// The first rounds of a campaign that have stamps.
fn stamped(archive: &Archive) -> Vec<&Round> {
    archive.rounds.iter().filter(|round| round.evidence.is_some()).take(STAMPED).collect()
}

/// A copy of a published comparison as its harness left it: with the stamps and snapshots of a few
/// rounds, nothing compressed for publishing.
fn measured() -> tempfile::TempDir {
    let (dir, from) = (copy(Kind::Compare), published_of(Kind::Compare));
    for name in [JOURNEYS, GRID] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    for round in stamped(&from) {
        let evidence = round.evidence.as_ref().unwrap();
        for name in [&evidence.journeys, &evidence.grid] {
            let unpacked =
                zstd::decode_all(fs::read(from.dir().join(name)).unwrap().as_slice()).unwrap();
            let packed = zstd::encode_all(unpacked.as_slice(), crate::packed::LEVEL).unwrap();
            fs::write(dir.path().join(name), packed).unwrap();
        }
    }
    dir
}

/// The snapshots and stamps of a round.
type Tables = (Vec<GridRow>, Vec<(usize, Stamps)>);

/// What is read of a campaign: all of its rounds, as text, and the tables of a few.
fn content(dir: &Path) -> (String, Vec<Tables>) {
    let archive = Archive::open(dir).unwrap();
    let of = |round: &Round| {
        let evidence = round.evidence.as_ref().unwrap();
        (archive.grid(evidence).unwrap(), archive.journeys(round, evidence).unwrap())
    };
    let tables = stamped(&archive).into_iter().map(of).collect();
    (format!("{:?}", archive.rounds), tables)
}

fn bytes(dir: &Path) -> u64 {
    let files = dir.read_dir().unwrap().map(|file| file.unwrap().metadata().unwrap());
    files.map(|file| file.len()).sum()
}

/// Prepares a campaign's directory and returns how many of its files changed.
fn published_again(dir: &Path, with_journeys: bool) -> usize {
    let mut files = Files::new(false);
    prepare(dir, with_journeys, &mut files).unwrap();
    files.changed().len()
}

#[test]
fn publishing_loses_nothing_that_is_read() {
    let dir = measured();
    let (path, before) = (dir.path(), content(dir.path()));
    let (rounds, packed) = (path.join(ROUNDS), path.join(PACKED_ROUNDS));
    assert!(before.1.len() == STAMPED && before.1.iter().all(|(_, ticks)| ticks.len() > 100));
    let unpacked = fs::metadata(&rounds).unwrap().len();
    let tables = [JOURNEYS, GRID].map(|name| path.join(name));
    let sizes = tables.each_ref().map(|dir| bytes(dir));

    assert_eq!(published_again(path, false), 3, "both forms of the rounds, and what git ignores");
    assert!(!rounds.exists() && fs::metadata(&packed).unwrap().len() < unpacked / 4);
    let ignored = fs::read_to_string(path.join(".gitignore")).unwrap();
    assert!(ignored.ends_with("\n/journeys/\n/grid/\n"), "{ignored}");
    assert_eq!(tables.each_ref().map(|dir| bytes(dir)), sizes, "whoever measured it keeps them");
    assert!(content(path) == before);
    assert_eq!(published_again(path, false), 0);

    assert!(published_again(path, true) > STAMPED);
    let ignored = fs::read_to_string(path.join(".gitignore")).unwrap();
    assert!(!ignored.contains("\n/journeys/"), "{ignored}");
    for (dir, size) in tables.iter().zip(sizes) {
        assert!(bytes(dir) < size, "{} is not smaller", dir.display());
    }
    assert!(content(path) == before);
    assert_eq!(published_again(path, true), 0);

    // As others get it if it was published without them.
    tables.iter().for_each(|dir| fs::remove_dir_all(dir).unwrap());
    let archive = Archive::open(path).unwrap();
    assert_eq!(format!("{:?}", archive.rounds), before.0);
    assert!(archive.lacks_stamps() && archive.needs_stamps().is_err());
}

#[test]
fn publishing_keeps_small_rounds_and_refuses_damaged_stamps() {
    let dir = measured();
    let path = dir.path();
    fs::write(path.join(ROUNDS), "{}\n").unwrap();
    assert_eq!(published_again(path, false), 1, "only what git ignores");
    assert_eq!(fs::read_to_string(path.join(ROUNDS)).unwrap(), "{}\n");

    let journeys = path.join(JOURNEYS).read_dir().unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&journeys).unwrap();
    fs::write(&journeys, &whole[..whole.len() / 2]).unwrap();
    let error = format!("{:#}", prepare(path, true, &mut Files::new(false)).unwrap_err());
    assert!(error.contains(journeys.to_str().unwrap()) && error.lines().count() == 1, "{error}");
    assert_eq!(fs::read(&journeys).unwrap(), &whole[..whole.len() / 2]);
    assert!(path.join(".gitignore").exists(), "not ready for being committed");
}

/// The last line of a harness that was killed may be cut off anywhere, even within a
/// character; every round before it was finished.
#[test]
fn a_line_that_a_killed_harness_was_writing_costs_only_itself() {
    let dir = copy(Kind::Compare);
    let running = |campaign: &mut Value| campaign["status"] = "running".into();
    rewrite(running)(dir.path());
    let path = dir.path().join("rounds.jsonl");
    let whole = fs::read(&path).unwrap();
    // The last round of a campaign may be one with counters.
    let saved = || {
        let archive = Archive::open(dir.path()).unwrap();
        archive.rounds.len() + archive.counted.len()
    };
    let count = saved();
    for cut in ["9", "µ"] {
        let mut bytes = whole.clone();
        bytes.extend([b"{\"order\":", cut.as_bytes()].concat());
        bytes.truncate(bytes.len() - (cut.len() - 1));
        fs::write(&path, &bytes).unwrap();
        assert_eq!(saved(), count);
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(saved(), count - 1);
}

#[test]
fn numbers_that_were_changed_afterwards_are_found() {
    let expected = "not those that rounds.jsonl gives";
    let untied = |t: String| t.replacen("\"tied\": true", "\"tied\": false", 1);
    refused(edit("campaign.json", untied), expected);
    refused(
        edit("rounds.jsonl", |t| t.lines().skip(1).map(|line| format!("{line}\n")).collect()),
        expected,
    );
    // What is removed from the tables is still in the rounds.
    let without = |key: &'static str| {
        rewrite(move |campaign| {
            for rows in ["rows", "noise"] {
                let all = campaign[rows].as_array_mut().unwrap();
                all.retain(|row| row["workload"] != "flood" || key != "workload");
                all.retain(|row| row["client"] != "js-sim" || key != "client");
            }
            let loads = campaign["workloads"].as_array_mut().unwrap();
            loads.retain(|load| load["name"] != "flood" || key != "workload");
        })
    };
    refused(without("workload"), expected);
    refused(without("client"), expected);
    let faster = |campaign: &mut Value| {
        let probe = &mut campaign["capacities"][0]["probes"][0];
        probe["response_p99_ns"] = (probe["response_p99_ns"].as_u64().unwrap() - 1).into();
    };
    refused_of(Kind::Capacity, rewrite(faster), expected);
    let fewer = |campaign: &mut Value| {
        campaign["capacities"][1]["probes"].as_array_mut().unwrap().pop();
    };
    refused_of(Kind::Capacity, rewrite(fewer), expected);
}

#[test]
fn names_lead_to_no_other_directory() {
    for name in ["../x", "a/b", ""] {
        let named = move |campaign: &mut Value| campaign["workloads"][0]["name"] = name.into();
        refused(rewrite(named), "is not a name of a workload");
    }
}

/// Found by the fuzzer: sums of differences overflowed 64 bits, and a far seq under random
/// gaps was computed tick by tick.
#[test]
fn journeys_that_are_out_of_range_are_refused() {
    let dir = copy(Kind::Compare);
    let archive = Archive::open(dir.path()).unwrap();
    let round = archive.rounds.iter().find(|round| round.evidence.is_some()).unwrap();
    let evidence = round.evidence.as_ref().unwrap();
    let path = dir.path().join(&evidence.journeys);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let row_of = |row: &str| {
        let text = format!("{}\n{row}\n", JOURNEY_COLUMNS.join(","));
        fs::write(&path, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
        archive.journeys(round, evidence)
    };
    assert_eq!(row_of("0,6,1,2,3,4").unwrap()[0].1.seq, 6);
    let far = i64::MAX;
    for row in [
        format!("0,{far},1,2,3,4"),
        "0,-6,1,2,3,4".to_owned(),
        "0,1000000000,1,2,3,4".to_owned(),
        format!("0,6,{far},{far},{far},{far}"),
        format!("0,6,{},2,3,4", i64::MIN),
    ] {
        let error = format!("{:#}", row_of(&row).unwrap_err());
        assert!(error.contains("row 1 is out of range"), "{row}: {error}");
    }
}
