//! `harness check`, its quick cases before a campaign, and new clients from templates.

use crate::common;

use crate::common::Room;
use serde_json::Value;
use std::path::Path;

/// Sends its hello, and ends without connecting.
const IDLE: &str = r#"echo '{"type":"hello","contract":2,"name":"idle","versions":["sh 1"],"runtime":"sh","transport":"none","class":"library","queue":{"kind":"none","bound":null}}'; echo 'nothing to do' >&2; exit 1"#;

fn run(room: &Room, args: &[&str]) -> (i32, String, String) {
    let output = room.harness(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_sound_client_passes_every_case_that_is_not_long() {
    let room = Room::new();
    let report = room.path().join("report.json");
    let cases = conformance::CASES.iter().filter(|case| case.pace != conformance::Pace::Long);
    let mut args = vec!["check", "floor", "--json", report.to_str().unwrap()];
    args.extend(cases.flat_map(|case| ["--case", case.name]));
    let (code, stdout, stderr) = run(&room, &args);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("floor: passed  cut-frames"), "{stdout}");
    assert!(stdout.contains("floor: 35 of 35 cases passed"), "{stdout}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    common::valid("check.schema.json", &report);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 35);
    assert!(findings.iter().all(|finding| finding["result"] == "passed"));
}

#[test]
fn a_failing_client_gets_advice_and_is_not_measured() {
    let room = Room::new();
    let script = room.script("idle", IDLE);
    let folder = Path::new(&script).parent().unwrap().to_str().unwrap();
    let (code, stdout, stderr) = run(&room, &["check", "idle", "--quick", "--client", folder]);
    assert_eq!(code, 1, "{stdout}{stderr}");
    for expected in ["idle: FAILED  binary", "nothing to do", "proves:", "mend:", "idle: 0 of 4"] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let out = room.path().join("results");
    let args = ["compare", "floor", "--client", &script, "--workload", &room.light(), "--quick"];
    let more = ["--seconds", "0.4", "--json", "-", "--out", out.to_str().unwrap()];
    let (code, stdout, stderr) = run(&room, &[&args[..], &more[..]].concat());
    assert_eq!(code, 1, "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let row = |name: &str| {
        let rows = report["rows"].as_array().unwrap();
        rows.iter().find(|row| row["client"] == name).unwrap().clone()
    };
    assert_eq!(row("idle")["verdict"], "failed");
    let reason = common::reason(&row("idle"));
    assert!(reason.contains("it fails the conformance case `binary`"), "{reason}");
    assert!(reason.contains("nothing to do"), "{reason}");
    assert!(common::is_measured(&row("floor")), "{}", row("floor"));
}

#[test]
fn cases_are_listed_and_unknown_ones_refused() {
    let room = Room::new();
    let (code, stdout, _) = run(&room, &["check", "--list"]);
    assert_eq!((code, stdout.lines().count()), (0, conformance::CASES.len()));
    let (code, _, stderr) = run(&room, &["check", "floor", "--case", "cut-frame"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("no case `cut-frame`") && stderr.contains("cut-frames"), "{stderr}");
    let (code, _, stderr) = run(&room, &["check"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("name the clients to check, or give --all"), "{stderr}");
}

fn new(args: &[&str]) -> (i32, String) {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let output = command.current_dir(common::root()).arg("new").args(args).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Whether they run is tested by `.ci/run`, which may install what they need.
#[test]
fn a_new_client_is_complete_and_nothing_is_overwritten() {
    let room = Room::new();
    for template in ["rust", "node", "python", "browser"] {
        let dir = room.path().join(template);
        let dir = dir.to_str().unwrap();
        let args = ["mine", "--template", template, "--dir", dir];
        let (code, stderr) = new(&args);
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains(&format!("harness check mine --client {dir}")), "{stderr}");
        for file in walk(Path::new(dir)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let left = ["{{name}}", "{{kit}}", "{{main}}", "{{workspace}}"];
            assert!(!left.iter().any(|place| text.contains(place)), "{}", file.display());
        }
        let manifest = std::fs::read_to_string(Path::new(dir).join("client.toml")).unwrap();
        assert!(manifest.contains("name = \"mine\"\n"), "{manifest}");
        assert!(Path::new(dir).join("README.md").exists());
        let before: Vec<_> = walk(Path::new(dir));
        let (code, stderr) = new(&args);
        assert_eq!((code, walk(Path::new(dir))), (2, before));
        assert!(stderr.contains("nothing is overwritten"), "{stderr}");
    }
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let pattern = format!("{}/**/*", dir.display());
    glob::glob(&pattern).unwrap().map(Result::unwrap).filter(|path| path.is_file()).collect()
}

#[test]
fn bad_names_are_refused_in_one_line() {
    let room = Room::new();
    let dir = room.path().join("x");
    let dir = dir.to_str().unwrap();
    for (name, expected) in [
        ("Mine", "lower-case letters"),
        ("../mine", "lower-case letters"),
        ("", "lower-case letters"),
        ("7th", "beginning with a letter"),
        ("floor", "there is a client `floor` already"),
    ] {
        let (code, stderr) = new(&[name, "--template", "rust", "--dir", dir]);
        assert_eq!((code, stderr.lines().count()), (2, 1), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    let (code, stderr) = new(&["mine", "--template", "cobol", "--dir", dir]);
    assert_eq!(code, 2);
    assert!(stderr.contains("rust, node, python, browser"), "{stderr}");
    assert!(!Path::new(dir).exists());
}
