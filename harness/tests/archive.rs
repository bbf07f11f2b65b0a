//! Published campaigns can be read, and what is damaged says so in one line.

mod common;

use common::published;
use harness::archive::Archive;
use std::fs;
use std::path::Path;

/// Opening computes every row anew from the rounds and compares.
#[test]
fn every_published_campaign_is_what_its_rounds_give() {
    let all = published();
    assert!(!all.is_empty());
    for dir in all {
        let archive = Archive::open(&dir).unwrap();
        for round in archive.rounds.iter().filter_map(|round| round.books.as_ref()).take(2) {
            assert!(!archive.grid(round).unwrap().is_empty());
            assert!(!archive.journeys(round, None).unwrap().is_empty());
        }
    }
}

/// A copy of a published comparison's two text files.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = published()
        .into_iter()
        .find(|path| fs::read_to_string(path.join("table.md")).unwrap().contains("harness compare"))
        .unwrap();
    for name in ["campaign.json", "rounds.jsonl"] {
        fs::copy(from.join(name), dir.path().join(name)).unwrap();
    }
    dir
}

fn refused(change: impl Fn(&Path), words: &str) {
    let dir = copy();
    change(dir.path());
    let error = format!("{:#}", Archive::open(dir.path()).unwrap_err());
    assert!(error.contains(words) && error.lines().count() == 1, "{error}");
}

fn edit(name: &'static str, with: impl Fn(String) -> String) -> impl Fn(&Path) {
    move |dir| {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        fs::write(dir.join(name), with(text)).unwrap();
    }
}

#[test]
fn damage_is_named_with_its_place() {
    refused(|dir| fs::remove_file(dir.join("campaign.json")).unwrap(), "is no campaign");
    refused(|dir| fs::remove_file(dir.join("rounds.jsonl")).unwrap(), "rounds.jsonl");
    refused(edit("campaign.json", |t| t[..t.len() / 2].into()), "campaign.json is damaged");
    refused(edit("campaign.json", |_| "{\"schema\":2}".into()), "no campaign of this suite");
    refused(
        edit("campaign.json", |t| t.replacen("\"schema\": 2", "\"schema\": 1", 1)),
        "campaign of schema 1",
    );
    refused(edit("rounds.jsonl", |t| t[..t.len() - 9].into()), "is cut off");
    refused(edit("rounds.jsonl", |t| t.replacen("\"steady\"", "\"stea", 1)), "line 1 is damaged");
}

#[test]
fn numbers_that_were_changed_afterwards_are_found() {
    let words = "not those that rounds.jsonl gives";
    refused(edit("campaign.json", |t| t.replacen("\"tied\": true", "\"tied\": false", 1)), words);
    refused(
        edit("rounds.jsonl", |t| t.lines().skip(1).map(|line| format!("{line}\n")).collect()),
        words,
    );
}
