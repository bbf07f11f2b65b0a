//! `harness show`: saved campaigns in every format, by the real binary; names that would be markup,
//! formulas or commands to a terminal stay text.

use crate::common;

use pulldown_cmark::{Event, Options, Parser};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

fn show(campaign: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    command.current_dir(common::root()).arg("show").arg(campaign).args(args);
    command
}

fn shown(campaign: &Path, args: &[&str]) -> Vec<u8> {
    let output = show(campaign, args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    assert_eq!(stderr, "");
    output.stdout
}

fn text(campaign: &Path, args: &[&str]) -> String {
    String::from_utf8(shown(campaign, args)).unwrap()
}

fn refused(campaign: &Path, args: &[&str], expected: &str) {
    let output = show(campaign, args).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected) && stderr.lines().count() == 1, "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn what_is_shown_is_what_was_saved() {
    for campaign in common::published() {
        let saved = |name: &str| fs::read(campaign.join(name)).unwrap();
        assert!(shown(&campaign, &["--format", "md"]) == saved("table.md"));
        let json: Value = serde_json::from_slice(&saved("campaign.json")).unwrap();
        // Campaigns of older schemas are shown in this one.
        if json["schema"] == bench_archive::campaign::SCHEMA {
            assert!(shown(&campaign, &["--format", "json"]) == saved("campaign.json"));
        }
    }
}

#[test]
fn a_terminal_gets_tables_and_charts() {
    let shown = text(&common::published_of("compare"), &[]);
    for expected in ["Campaign of 20", ", complete\n", "(logarithmic scale from ", "peak "] {
        assert!(shown.contains(expected), "no {expected}: {shown}");
    }
    let charts = shown.lines().filter(|line| line.contains(['█', '▁']));
    assert!(charts.clone().count() > 10);
    // Not a terminal: 80 columns.
    assert!(charts.clone().all(|line| line.chars().count() <= 80), "{shown}");
    let capacity = text(&common::published_of("capacity"), &[]);
    assert!(capacity.contains("\nCapacity\n") && capacity.contains('█'));
    assert!(text(&common::published_of("sweep"), &[]).contains("from the lowest rate to the"));
}

#[test]
fn one_client_and_one_workload_can_be_chosen() {
    let campaign = common::published_of("compare");
    let csv = text(&campaign, &["--format", "csv", "--client", "tokio", "--workload", "steady"]);
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let whose: Vec<(String, String)> = rows
        .records()
        .map(Result::unwrap)
        .filter(|row| !row[3].is_empty()) // the noise floor is the control's
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    assert!(whose.len() > 30);
    assert!(whose.iter().all(|pair| *pair == ("steady".to_owned(), "tokio".to_owned())));

    let log = text(&campaign, &["--format", "hlog", "--workload", "steady", "--client", "tokio"]);
    let intervals: Vec<&str> = log.lines().filter(|line| line.starts_with("Tag=")).collect();
    assert!(intervals.len() >= 3 && intervals.iter().all(|l| l.starts_with("Tag=tokio,")));
    // Times count from the first round of all, whichever clients are shown.
    let all = text(&campaign, &["--format", "hlog", "--workload", "steady"]);
    assert!(intervals.iter().all(|line| all.contains(line)));

    let probes = common::published_of("capacity");
    let csv = text(&probes, &["--format", "csv", "--client", "tokio"]);
    assert!(csv.contains(",tokio,") && !csv.contains(",floor,"));
    // It was published without its stamps.
    let args = ["--format", "hlog", "--workload", "steady@1000"];
    refused(&probes, &args, "was published without its stamps");
}

#[test]
fn names_and_data_that_are_missing_are_reported() {
    let campaign = common::published_of("compare");
    refused(Path::new("nowhere"), &[], "nowhere is not a campaign");
    refused(
        &campaign,
        &["--client", "nobody"],
        "this campaign: no client `nobody`: choose async-std, ",
    );
    refused(
        &campaign,
        &["--workload", "none"],
        "this campaign: no workload `none`: choose flood, ",
    );
    refused(&campaign, &["--format", "hlog"], "give --workload with one of steady, ");
    refused(&campaign, &["--format", "hlog", "--workload", "flood"], "have no due times");
}

#[test]
fn a_reader_that_ends_early_is_not_a_failure() {
    for (kind, format) in [("sweep", "csv"), ("sweep", "json"), ("compare", "parquet")] {
        let mut child = show(&common::published_of(kind), &["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 4];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
        assert_eq!(output.status.code(), Some(0), "{format}");
    }
}

const SCRIPT: &str = "<script>alert(1)</script>";
const BAR: &str = "a|b";
const FORMULA: &str = "=cmd()";
const RED: &str = "\u{1b}[31mred";

/// A published comparison whose clients have hostile names, and one of whose rounds has a remark
/// that would be markup. Its status is `running`, so that its rows are computed from its rounds.
fn hostile() -> tempfile::TempDir {
    let from = common::published_of("compare");
    let read = |name: &str| fs::read_to_string(from.join(name)).unwrap();
    let mut campaign: Value = serde_json::from_str(&read("campaign.json")).unwrap();
    let mut names: Vec<String> = campaign["clients"].as_object().unwrap().keys().cloned().collect();
    names.truncate(4);
    let renamed = |value: &mut Value| {
        let place = names.iter().position(|name| value == name.as_str());
        if let Some(place) = place {
            *value = [SCRIPT, BAR, FORMULA, RED][place].into();
        }
    };
    campaign["status"] = "running".into();
    campaign["machine"]["cpu_model"] = "<b>fast</b>\u{1b}c".into();
    campaign["workloads"][0]["why"] = "Because *I* say <i>so</i>\u{202e}".into();
    for row in campaign["rows"].as_array_mut().unwrap() {
        renamed(&mut row["client"]);
    }
    let mut rounds = String::new();
    for line in common::rounds(&from).lines() {
        let mut round: Value = serde_json::from_str(line).unwrap();
        renamed(&mut round["client"]);
        if round["client"] == BAR {
            round["remarks"] = serde_json::json!(["odd: ![i](http://x/y) <img src=x> `a|b`\nc"]);
        }
        rounds.push_str(&format!("{round}\n"));
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("campaign.json"), campaign.to_string()).unwrap();
    fs::write(dir.path().join("rounds.jsonl"), rounds).unwrap();
    for folder in ["grid", "journeys"] {
        std::os::unix::fs::symlink(from.join(folder), dir.path().join(folder)).unwrap();
    }
    dir
}

#[test]
fn hostile_names_stay_text_in_markdown() {
    let dir = hostile();
    let markdown = text(dir.path(), &["--format", "md"]);
    assert!(markdown.contains(", running\n"));
    let mut content = String::new();
    let (mut cells, mut rows) = (0, 0);
    for event in Parser::new_ext(&markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML: {html}"),
            Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) => panic!("link {dest_url}"),
            Event::Start(pulldown_cmark::Tag::Image { dest_url, .. }) => panic!("image {dest_url}"),
            Event::Start(pulldown_cmark::Tag::Emphasis) => panic!("emphasis"),
            Event::Start(pulldown_cmark::Tag::TableRow) => rows += 1,
            Event::End(pulldown_cmark::TagEnd::TableCell) => {
                cells += 1;
                content.push('\n');
            }
            Event::Text(text) | Event::Code(text) => content.push_str(&text),
            _ => {}
        }
    }
    for name in [SCRIPT, BAR, FORMULA, "␛[31mred", "*I* say <i>so</i>", "<b>fast</b>␛c"] {
        assert!(content.contains(name), "no {name}: {content}");
    }
    assert!(content.contains("![i](http://x/y) <img src=x> "), "{content}");
    assert!(rows > 20 && cells > 10 * rows / 2, "{rows} rows, {cells} cells");
    assert!(!markdown.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn hostile_names_are_neither_formulas_nor_terminal_commands() {
    let dir = hostile();
    let csv = text(dir.path(), &["--format", "csv"]);
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let clients: Vec<String> = rows.records().map(|row| row.unwrap()[1].to_owned()).collect();
    for name in [SCRIPT, BAR, "'=cmd()", "␛[31mred"] {
        assert!(clients.iter().any(|client| client == name), "no {name}");
    }
    assert!(!clients.iter().any(|client| client.starts_with('=')));

    let terminal = text(dir.path(), &[]);
    assert!(!terminal.contains(['\u{1b}', '\u{202e}']), "{terminal}");
    for name in [SCRIPT, BAR, FORMULA, "␛[31mred"] {
        let charts = terminal.lines().filter(|line| line.contains(name));
        assert!(charts.count() > 3, "no {name}: {terminal}");
    }

    let json: Value = serde_json::from_slice(&shown(dir.path(), &["--format", "json"])).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["client"] == RED && row["processed_per_s"].is_f64()));
    let log = text(dir.path(), &["--format", "hlog", "--workload", "steady"]);
    assert!(log.contains("\nTag==cmd(),") && log.contains("\nTag=_[31mred,"), "{log}");
}
