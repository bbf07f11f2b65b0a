//! Baselines: a campaign is saved as one, compared with it, and judged; what cannot be judged is
//! refused before anything is measured.

use crate::common::Room;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

struct Bench {
    room: Room,
    out: PathBuf,
    load: String,
}

impl Bench {
    fn new() -> Self {
        let room = Room::new();
        let (out, load) = (room.path().join("results"), room.light());
        Self { room, out, load }
    }

    fn compare(&self, args: &[&str]) -> Output {
        let mut command = self.room.harness(&["compare", "floor", "--rounds", "1"]);
        command.args(["--repeats", "0"]);
        command.args(["--warmup", "0.1", "--seconds", "0.4", "--workload", &self.load]);
        command.args(["--out", self.out.to_str().unwrap()]).args(args).output().unwrap()
    }

    /// The names in the directory of results, without that of the baselines.
    fn campaigns(&self) -> Vec<String> {
        let entries = self.out.read_dir().into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "baselines").collect();
        names.sort();
        names
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_baseline_is_saved_compared_with_and_judged() {
    let bench = Bench::new();
    let saved = bench.compare(&["--save-baseline", "main"]);
    let stderr = text(&saved.stderr);
    assert!(saved.status.success() && stderr.contains("baseline main saved"), "{stderr}");
    let file = bench.out.join("baselines/main.json");
    let baseline: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(bench.campaigns(), [baseline["campaign"].as_str().unwrap()]);
    assert_eq!(baseline["schema"], 1);
    assert!(baseline["commit"].is_string() && baseline["started"].is_string());

    let gate = ["--fail-on", "slower", "--fail-on", "processed>1k", "--fail-on", "*/floor:max<1ns"];
    let judged = bench.compare(&[&["--baseline", "main"][..], &gate].concat());
    let stdout = text(&judged.stdout);
    assert_eq!(judged.status.code(), Some(3), "{stdout}{}", text(&judged.stderr));
    let (table, diff) = stdout.split_once("A: ").expect("the diff is below the tables");
    assert!(table.contains("light: 5 000 ticks/s"), "{stdout}");
    assert!(diff.starts_with(baseline["campaign"].as_str().unwrap()), "{stdout}");
    assert!(
        diff.contains("0 slower, 0 faster, 0 same, 1 cannot tell")
            && diff.contains("a single round"),
        "{stdout}"
    );
    assert!(diff.contains("gate: slower FAILS (1 row"), "one round proves nothing: {stdout}");
    assert!(diff.contains("gate: processed>1k holds (1 row)"), "{stdout}");
    assert!(diff.contains("gate: */floor:max<1ns FAILS"), "{stdout}");
    assert_eq!(bench.campaigns().len(), 2);

    // With --json on standard output, the rest goes to standard error; the name is reused.
    let objective = ["--fail-on", "p99<60s", "--json", "-", "--save-baseline", "main"];
    let again = bench.compare(&objective);
    let stderr = text(&again.stderr);
    assert_eq!(again.status.code(), Some(0), "{stderr}");
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["rows"].as_array().unwrap().len(), 1);
    assert!(stderr.contains("gate: p99<60s holds") && stderr.contains("baseline main replaced"));
    let replaced: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_ne!(replaced["campaign"], baseline["campaign"]);

    // A campaign that fails a condition does not become a baseline.
    let failed = bench.compare(&["--fail-on", "p99<1ns", "--save-baseline", "main"]);
    assert_eq!(failed.status.code(), Some(3), "{}", text(&failed.stderr));
    assert!(text(&failed.stderr).contains("baseline main: not saved"), "{}", text(&failed.stderr));
    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept, replaced);

    // Its campaign is gone: nothing is measured.
    let before = bench.campaigns();
    let gone = bench.out.join(replaced["campaign"].as_str().unwrap());
    fs::rename(&gone, bench.room.path().join("moved")).unwrap();
    let refused = bench.compare(&["--baseline", "main"]);
    let stderr = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("baseline `main`: its campaign") && stderr.contains("is gone"));
    assert_eq!(
        (stderr.lines().count(), bench.campaigns().len()),
        (1, before.len() - 1),
        "{stderr}"
    );

    // The moved directory is a baseline by its path; another load of the same name is refused.
    let moved = bench.room.path().join("moved");
    bench.room.workload("light", "rate_per_s = 6000\nrank_by = \"response_p99\"");
    let refused = bench.compare(&["--baseline", moved.to_str().unwrap()]);
    let stderr = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("rate_per_s 5000 and 6000") && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(bench.campaigns().len(), before.len() - 1);
}

#[test]
fn a_sweep_uses_the_rates_of_its_baseline() {
    let room = Room::new();
    let (out, load) = (room.path().join("results"), room.light());
    let sweep = |args: &[&str]| {
        let mut command = room.harness(&["sweep", "floor", "--rounds", "1", "--warmup", "0.1"]);
        command.args(["--seconds", "0.4", "--workload", &load, "--out", out.to_str().unwrap()]);
        command.args(args).output().unwrap()
    };
    let first = sweep(&["--rates", "3k,6k", "--save-baseline", "rates"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let second = sweep(&["--baseline", "rates"]);
    let stdout = text(&second.stdout);
    assert!(second.status.success(), "{stdout}{}", text(&second.stderr));
    assert!(stdout.contains("light@3000") && stdout.contains("2 cannot tell"), "{stdout}");
    let other = sweep(&["--baseline", "rates", "--rates", "4k"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("none of these workloads, only light@3000, light@6000"));
}

#[test]
fn a_baseline_of_another_machine_decides_nothing() {
    let bench = Bench::new();
    assert!(bench.compare(&["--save-baseline", "main"]).status.success());
    let file = bench.out.join(&bench.campaigns()[0]).join("campaign.json");
    let saved = fs::read_to_string(&file).unwrap();
    let kernel = "\"kernel\": \"";
    fs::write(&file, saved.replacen(kernel, &format!("{kernel}another-"), 1)).unwrap();
    let refused = |args: &[&str], expected: &str| {
        let output = bench.compare(&[&["--baseline", "main"], args].concat());
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
        assert_eq!(bench.campaigns().len(), 1, "nothing is measured");
    };
    refused(&["--fail-on", "slower"], "measured on another machine (kernel another-");
    refused(&["--across-machines", "nobody"], "the baseline has only floor");
}

fn refused(args: &[&str], expected: &str) {
    let bench = Bench::new();
    let output = bench.compare(args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected), "{args:?}: {stderr}");
    assert!(bench.campaigns().is_empty(), "nothing is measured");
}

#[test]
fn what_cannot_be_judged_is_refused_before_measuring() {
    refused(&["--baseline", "nowhere"], "no baseline is saved");
    refused(&["--save-baseline", "../x"], "use letters, digits");
    refused(&["--save-baseline", "x", "--baseline", "y"], "cannot be used with");
    refused(&["--fail-on", "slower"], "needs --baseline");
    refused(&["--across-machines", "floor"], "--baseline");
    refused(&["--fail-on", "capacity>1M"], "`harness compare` does not measure that");
    refused(&["--fail-on", "p99<fast"], "is not a time");
}
