//! Published campaigns: pages, files, spliced tables, the index.

use crate::common::{self, published_of};
use bench_archive::archive::Archive;
use bench_archive::campaign;
use bench_publish::index::{Entry, apart, markdown, page};
use bench_publish::report;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A copy of a published campaign in a directory of its own; of a comparison, only the first round
/// of each client, as if its harness had been killed then.
fn copy(kind: campaign::Kind) -> (tempfile::TempDir, PathBuf) {
    let (from, room) = (published_of(&kind.to_string()), tempfile::tempdir().unwrap());
    let to = room.path().join(from.file_name().unwrap());
    for folder in ["", "grid", "journeys"] {
        if !from.join(folder).exists() {
            continue;
        }
        fs::create_dir(to.join(folder)).unwrap();
        for item in from.join(folder).read_dir().unwrap() {
            let path = item.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    if kind == campaign::Kind::Compare {
        let rounds = common::rounds(&to);
        let first = rounds.lines().filter(|line| line.contains("\"round\":1,"));
        let first: String = first.map(|line| format!("{line}\n")).collect();
        assert!(!first.is_empty() && first.len() < rounds.len() / 2);
        drop(fs::remove_file(to.join("rounds.jsonl.zst")));
        fs::write(to.join("rounds.jsonl"), first).unwrap();
        let head = text(&to.join("campaign.json"));
        let killed = head.replacen("\"complete\"", "\"running\"", 1);
        assert_ne!(killed, head);
        fs::write(to.join("campaign.json"), killed).unwrap();
    }
    (room, to)
}

/// Makes a campaign whose harness was killed one that ended with the rounds it has.
fn finish(campaign: &Path) {
    let mut saved = Archive::open(campaign).unwrap().campaign;
    saved.status = campaign::Status::Complete;
    let json = serde_json::to_vec_pretty(&saved).unwrap();
    fs::write(campaign.join("campaign.json"), json).unwrap();
}

fn publish(args: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    command.arg("publish").args(args).output().unwrap()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Names and contents of everything below a directory.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for item in dir.read_dir().unwrap() {
        let path = item.unwrap().path();
        match path.is_dir() {
            true => all.extend(contents(&path)),
            false => all.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    all.sort();
    all
}

#[test]
fn publishing_twice_changes_nothing() {
    let (room, campaign) = copy(campaign::Kind::Compare);
    let args = [campaign.to_str().unwrap()];
    let first = publish(&args);
    assert!(first.status.success(), "{first:?}");
    let before = contents(room.path());
    let page = text(&campaign.join("report.html"));
    assert!(page.len() < 3_000_000 && page.contains("<svg"), "{} bytes", page.len());
    let again = publish(&args);
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("all files are up to date"),
        "{again:?}"
    );
    assert!(before == contents(room.path()));

    let check = publish(&[args[0], "--check"]);
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    fs::write(campaign.join("report.html"), "edited").unwrap();
    let check = publish(&[args[0], "--check"]);
    assert_eq!(check.status.code(), Some(1), "{check:?}");
    assert_eq!(text(&campaign.join("report.html")), "edited", "--check writes nothing");
}

#[test]
fn a_page_refers_to_nothing_outside_of_it() {
    for kind in [campaign::Kind::Compare, campaign::Kind::Capacity, campaign::Kind::Sweep] {
        let page = report::html(&Archive::open(&published_of(&kind.to_string())).unwrap()).unwrap();
        for outside in ["http://", "https://", "src=", "@import", "url(", "<link rel=\"style"] {
            let own = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains(outside), "{kind:?}: {outside}");
        }
        assert!(page.contains("Repeat it") && page.contains("git checkout"), "{kind:?}");
    }
}

#[test]
fn the_short_table_is_spliced_between_its_markers() {
    let (room, campaign) = copy(campaign::Kind::Compare);
    let readme = room.path().join("ABOUT.md");
    let parts =
        "# A\n<!-- harness publish: compare -->\noutdated part\n<!-- harness publish: end -->\nb\n";
    fs::write(&readme, parts).unwrap();
    let args = [campaign.to_str().unwrap(), "--splice", readme.to_str().unwrap(), "--no-index"];
    let output = publish(&args);
    assert!(output.status.success(), "{output:?}");
    let new = text(&readme);
    let name = campaign.file_name().unwrap().to_str().unwrap();
    assert!(new.contains(&format!("({name}/report.html)")), "{new}");
    assert!(new.contains(&format!("src=\"{name}/chart.svg\"")), "{new}");
    assert!(campaign.join("chart-dark.svg").exists());
    assert!(new.contains("| tokio") && new.contains("flood: rank"), "{new}");
    assert!(!new.contains("outdated") && new.ends_with("\nb\n"), "{new}");
    assert!(!room.path().join("README.md").exists(), "--no-index");

    fs::write(&readme, "no markers").unwrap();
    let refused = publish(&args);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("no markers: put `<!-- harness publish: compare -->`"), "{stderr}");
    assert_eq!(text(&readme), "no markers");
}

#[test]
fn stamps_and_snapshots_are_published_only_on_demand() {
    let (_room, campaign) = copy(campaign::Kind::Compare);
    finish(&campaign);
    let dir = campaign.to_str().unwrap();
    let ignored = campaign.join(".gitignore");
    // A campaign that was measured just now has made no choice.
    fs::remove_file(&ignored).unwrap();
    assert!(publish(&[dir, "--no-index"]).status.success());
    assert!(text(&ignored).contains("\n/journeys/\n/grid/\n"));
    assert!(publish(&[dir, "--no-index", "--with-journeys"]).status.success());
    let chosen = text(&ignored);
    assert!(!chosen.contains("\n/journeys/") && Archive::open(&campaign).is_ok());
    assert!(publish(&[dir, "--no-index"]).status.success());
    assert_eq!(text(&ignored), chosen, "the choice is kept");

    for part in ["journeys", "grid"] {
        fs::remove_dir_all(campaign.join(part)).unwrap();
    }
    let before = text(&campaign.join("report.html"));
    let again = publish(&[dir, "--no-index"]);
    let stderr = String::from_utf8(again.stderr).unwrap();
    assert!(again.status.success() && stderr.contains("without its stamps"), "{stderr}");
    assert_eq!(text(&campaign.join("report.html")), before);
}

#[test]
fn damaged_campaigns_and_other_readmes_are_not_overwritten() {
    let (room, campaign) = copy(campaign::Kind::Capacity);
    let dir = campaign.to_str().unwrap();
    fs::write(room.path().join("README.md"), "mine").unwrap();
    let before = contents(room.path());
    let refused = publish(&[dir]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--no-index"), "{refused:?}");
    assert!(before == contents(room.path()), "nothing was written");
    fs::remove_file(room.path().join("README.md")).unwrap();

    let whole = text(&campaign.join("campaign.json"));
    fs::write(campaign.join("campaign.json"), &whole[..whole.len() / 3]).unwrap();
    let before = contents(room.path());
    let refused = publish(&[dir]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("campaign.json is damaged") && stderr.lines().count() == 1, "{stderr}");
    assert!(before == contents(room.path()), "nothing was written");
}

fn entry(name: &str, campaign: Result<campaign::Campaign, String>) -> Entry {
    Entry { name: name.into(), campaign, has_stamps: false }
}

#[test]
fn the_index_never_mixes_what_cannot_be_compared() {
    let newest = Archive::open(&published_of("compare")).unwrap().campaign;
    let mut older = newest.clone();
    older.started = "2020-01-01T00:00:00Z".into();
    assert_eq!(apart(&newest, &older), None);
    let same = [entry("new", Ok(newest.clone())), entry("old", Ok(older.clone()))];
    let text = markdown(&same, &[]);
    assert!(text.find("(new/").unwrap() < text.find("(old/").unwrap(), "newest first: {text}");
    assert!(!text.contains("Not to be compared"), "{text}");

    older.workloads[0].queue_bound += 1;
    let why = "workload `steady` differs in queue_bound 65536 and 65537";
    assert_eq!(apart(&newest, &older).as_deref(), Some(why));
    let damaged = entry("bad", Err("bad: campaign.json is damaged".into()));
    let mixed = [entry("old", Ok(older.clone())), entry("new", Ok(newest.clone())), damaged];
    for text in [markdown(&mixed, &[]), page(&mixed, &[]).unwrap()] {
        assert!(text.contains("Not to be compared") && text.contains("differs in"), "{text}");
        assert!(text.contains("cannot be read: bad: campaign.json is damaged"), "{text}");
    }
    older.contract += 7;
    let why = format!("contract {} instead of {}", older.contract, newest.contract);
    assert!(apart(&newest, &older).unwrap().starts_with(&why));
}
