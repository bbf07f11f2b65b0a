//! `harness classic`: a short run with light clients, its report, what is missing in it, and an
//! interrupted run.

use crate::common;

use crate::common::Room;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Two experiments with two clients each, a third whose server does not exist, and a claim on
/// each; and one on a client that the suite lacks.
fn data(room: &Room) -> String {
    let load = "rate_per_s = 20000\nformat = \"classic-binary\"\nsample_stride = 25\nrank_by = \"backlog_growth\"";
    let workload = room.workload("light", load);
    let role = |name: &str, client: &str, every: u32| {
        format!(
            "[[role]]\nname = '{name}'\ntitle = 'the {name}'\nclient = '{client}'\nevery = {every}\n"
        )
    };
    let experiment = |name: &str, server: &str| {
        format!(
            "[[experiment]]\nname = '{name}'\ntitle = 'experiment {name}'\nwhy = 'a test'\n{server}\nworkload = '{workload}'\nroles = ['a', 'b', 'c']\ncontrol = 'a'\n"
        )
    };
    let claim_on = |role: &str, id: &str, experiment: &str, most: u32| {
        format!(
            "[[claim]]\nid = '{id}'\ntext = 'a text'\nhow = 'somehow'\n[[claim.check]]\ntest = 'level'\nof = {{ experiment = '{experiment}', role = '{role}', quantity = 'processed_per_s' }}\nat_most = {most}\n"
        )
    };
    let claim = |id: &str, experiment: &str, most: u32| claim_on("b", id, experiment, most);
    let text = [
        "about = 'a test'\n".to_owned(),
        "[question]\ntext = 'which?'\nexperiments = ['open']\nbrowser_page = 'c'\ntauri_page = 'a'\ntauri_native = 'b'\nnative = 'c'\n".to_owned(),
        role("a", "floor", 1),
        role("b", "tokio", 1000),
        role("c", "no-such-client", 1),
        experiment("open", "server = 'tick-server'"),
        experiment("looped", "server = 'tick-server'\nstyle = 'classic'"),
        experiment("gone", "server = 'nowhere'"),
        claim("light", "open", 40_000),
        claim("none", "looped", 1),
        claim("unknown", "gone", 1),
        claim_on("c", "absent", "open", 1),
    ];
    let path = room.path().join("data.toml");
    fs::write(&path, text.concat()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The only directory in the room's results.
fn folder(out: &Path) -> Option<PathBuf> {
    Some(out.read_dir().ok()?.next()?.ok()?.path())
}

fn run() -> &'static (Room, PathBuf, Output) {
    static DONE: OnceLock<(Room, PathBuf, Output)> = OnceLock::new();
    DONE.get_or_init(|| {
        let room = Room::new();
        let (data, out) = (data(&room), room.path().join("results"));
        let mut command = room.harness(&["classic", "--unchecked", "--data", &data]);
        command.args(["--seconds", "0.4", "--warmup", "0.1", "--out", out.to_str().unwrap()]);
        let output = command.output().unwrap();
        let folder = folder(&out).unwrap_or_else(|| panic!("{output:?}"));
        (room, folder, output)
    })
}

fn again(folder: &Path, more: &[&str]) -> Output {
    let mut command = Room::new().harness(&["classic", "--report", folder.to_str().unwrap()]);
    command.args(more).output().unwrap()
}

fn object(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("classic.json")).unwrap()).unwrap()
}

#[test]
fn a_run_leaves_its_campaigns_and_its_report() {
    let (room, folder, output) = run();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "an experiment could not be run: {stderr}");
    assert!(folder.to_str().unwrap().ends_with("-classic"));
    let object = object(folder);
    common::valid("classic.schema.json", &object);
    assert_eq!(object["complete"], false);
    for (table, name) in object["experiments"].as_array().unwrap().iter().zip(["open", "looped"]) {
        assert_eq!(table["name"], name);
        let rows = table["rows"].as_array().unwrap();
        let (absent, rows) = rows.split_last().unwrap();
        assert_eq!(
            (&absent["client"], &absent["verdict"]),
            (&"no-such-client".into(), &Value::Null)
        );
        for row in rows {
            assert!(common::is_measured(row), "{row}");
            // Disturbed rounds are left out of the numbers of the others, and played again; a row
            // with too few others has the numbers of all.
            let most = if row["verdict"] == "noisy" { 12 } else { 3 };
            assert!((1..=most).contains(&row["rounds"].as_u64().unwrap()), "{row}");
            let reports = row["older"]["client_reports_per_s"].as_f64().unwrap();
            assert!((10_000.0..30_000.0).contains(&reports), "{row}");
            assert!(row["older"]["latency_ms"].as_f64().unwrap() >= 0.0, "{row}");
        }
        assert!(folder.join(name).join("report.html").exists());
    }
    let load = &object["overview"]["loads"][0];
    assert_eq!((&load["experiment"], &load["offered_per_s"]), (&"open".into(), &20_000.0.into()));
    let rates: Vec<bool> = load["ways"].as_array().unwrap().iter().map(has_rate).collect();
    assert_eq!(rates, [false, true, true, false], "{load}");
    assert_eq!(object["overview"]["question"], "which?");
    let page = fs::read_to_string(folder.join("classic.html")).unwrap();
    assert!(page.split_once("<h2>").unwrap().0.contains("<svg "), "{page}");
    let gone = &object["experiments"][2];
    assert!(gone["lacks"].as_str().unwrap().contains("no server `nowhere`"), "{gone}");
    let unknown = &object["claims"][2];
    assert_eq!(unknown["verdict"], "cannot-tell");
    assert!(unknown["findings"][0]["measured"].as_str().unwrap().contains("no server `nowhere`"));
    let absent = &object["claims"][3];
    assert_eq!(absent["verdict"], "cannot-tell");
    assert_eq!(
        absent["findings"][0]["measured"],
        "experiment open, the c: not measured: no-such-client is unavailable"
    );
    assert!(
        stderr.contains("there is no client no-such-client: claims on it are not tested"),
        "{stderr}"
    );
    // Tests run at the same time: a disturbed row gives no verdict.
    for (claim, sure) in [(0, "holds"), (1, "does-not-hold")] {
        let verdict = object["claims"][claim]["verdict"].as_str().unwrap();
        assert!(verdict == sure || verdict == "cannot-tell", "{}", object["claims"][claim]);
    }
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("As it measured:") && report.contains("the b"), "{report}");
    let paths = [common::root(), room.path().to_owned()];
    for file in ["classic.json", "classic.md", "classic.html", "run.json"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        for path in &paths {
            assert!(!text.contains(path.to_str().unwrap()), "{file} has a machine path");
        }
    }
}

fn has_rate(way: &Value) -> bool {
    way["processed_per_s"].is_f64()
}

/// Copies a directory, as other tests read the original, too.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for item in from.read_dir().unwrap() {
        let item = item.unwrap().path();
        let place = to.join(item.file_name().unwrap());
        match item.is_dir() {
            true => copy(&item, &place),
            false => drop(fs::copy(&item, place).unwrap()),
        }
    }
}

#[test]
fn the_same_directory_gives_the_same_report() {
    let (_, measured, _) = run();
    let room = Room::new();
    let folder = room.path().join("copy-classic");
    copy(measured, &folder);
    let checked = again(&folder, &["--check"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let before = fs::read(folder.join("classic.md")).unwrap();
    fs::write(folder.join("classic.md"), "edited").unwrap();
    let checked = again(&folder, &["--check"]);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    assert_eq!(fs::read(folder.join("classic.md")).unwrap(), b"edited", "--check writes nothing");
    assert_eq!(again(&folder, &[]).status.code(), Some(0));
    assert_eq!(fs::read(folder.join("classic.md")).unwrap(), before);

    let mut publish = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let published = publish.args(["publish", folder.to_str().unwrap()]).output().unwrap();
    assert!(published.status.success(), "{published:?}");
    let index = fs::read_to_string(room.path().join("README.md")).unwrap();
    assert!(index.contains("[copy-classic](copy-classic/classic.html)"), "{index}");
    assert!(index.contains("Of 4 claims of the older benchmark"), "{index}");

    // What is missing is reported, and what is damaged is refused.
    fs::remove_dir_all(folder.join("open")).unwrap();
    assert_eq!(again(&folder, &[]).status.code(), Some(0));
    let lacks = object(&folder)["experiments"][0]["lacks"].clone();
    assert!(lacks.as_str().unwrap().contains("was not run"), "{lacks}");
    fs::write(folder.join("looped/rounds.jsonl"), "{").unwrap();
    assert_eq!(again(&folder, &[]).status.code(), Some(2));
    assert_eq!(again(room.path(), &[]).status.code(), Some(2), "not of harness classic");
}

#[test]
fn what_was_measured_before_an_interrupt_is_reported() {
    let room = Room::new();
    let (data, out) = (data(&room), room.path().join("results"));
    let mut command = room.harness(&["classic", "--unchecked", "--data", &data]);
    command.args(["--rounds", "50", "--seconds", "0.4", "--warmup", "0.1"]);
    command.args(["--out", out.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(300);
    let has_begun = || {
        let rounds = fs::metadata(folder(&out)?.join("open/rounds.jsonl")).ok()?;
        (rounds.len() > 0).then_some(())
    };
    while has_begun().is_none() {
        assert!(Instant::now() < until, "no round ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let folder = folder(&out).unwrap();
    let found = classic::read(&folder).unwrap();
    assert!(!found.complete);
    assert!(found.experiments[0].lacks.as_ref().unwrap().contains("interrupted"));
    assert!(found.experiments[1].lacks.as_ref().unwrap().contains("was not run"));
    let markdown = fs::read_to_string(folder.join("classic.md")).unwrap();
    assert!(markdown.contains("Not all of it was run."), "{markdown}");
}
