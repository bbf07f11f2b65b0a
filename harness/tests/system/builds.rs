//! Builds that fail or hang, what is missing, and what `list` knows without starting anything.

use crate::common::{self, Room};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A client in the room that is built by a command of its own, with further lines of its
/// client.toml and further files.
fn built_by(room: &Room, name: &str, build: &str, files: &[(&str, &str)]) -> String {
    let path = room.script(name, "exit 0");
    let dir = Path::new(&path).parent().unwrap();
    let manifest = fs::read_to_string(&path).unwrap() + &format!("[build]\n{build}\n");
    fs::write(&path, manifest).unwrap();
    for (file, text) in files {
        let file = dir.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    path
}

/// Whether a tool is there; says so if it is not.
fn has(tool: &str) -> bool {
    let run =
        Command::new(tool).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has = run.is_ok();
    if !has {
        eprintln!("SKIPPED: {tool} is not on the PATH");
    }
    has
}

#[test]
fn the_first_error_of_each_tool_is_the_reason_and_its_log_is_named() {
    let room = Room::new();
    let cargo = "[package]\nname = 'broken-crate'\nedition = '2024'\n[workspace]\n";
    let main = "fn main() {\n    let _ = nothing;\n    let _ = also_nothing;\n}\n";
    let mut expected = vec![(
        "by-cargo",
        "error[E0425]: cannot find value `nothing` in this scope",
        built_by(
            &room,
            "by-cargo",
            "cargo = 'broken-crate'",
            &[("Cargo.toml", cargo), ("src/main.rs", main)],
        ),
    )];
    if has("npm") {
        let package = [("package.json", r#"{"name":"a","version":"1.0.0"}"#)];
        let client = built_by(&room, "by-npm", "command = ['npm', 'ci']", &package);
        expected.push(("by-npm", "code EUSAGE: The `npm ci` command can only install", client));
    }
    if has("python3") {
        let pip = "command = ['python3', '-m', 'pip', 'install', '--no-index', 'nothing-like-it']";
        let client = built_by(&room, "by-pip", pip, &[]);
        expected.push(("by-pip", "ERROR: Could not find a version that satisfies", client));
    }
    if has("go") {
        let main = "package main\n\nfunc main() {\n\tnothing()\n\tnothingElse()\n}\n";
        let build = "command = ['sh', '-c', 'GO111MODULE=off go build main.go']";
        let client = built_by(&room, "by-go", build, &[("main.go", main)]);
        expected.push(("by-go", "./main.go:4:2: undefined: nothing", client));
    }
    let light = room.light();
    let mut args = vec!["floor", "--workload", &light];
    args.extend(expected.iter().flat_map(|(.., client)| ["--client", client.as_str()]));
    let compared = room.compare(&args);
    assert_eq!(compared.code, 1, "{}", compared.stderr);
    assert!(common::is_measured(compared.row("floor")));
    for (name, error, _) in &expected {
        let row = compared.row(name);
        assert_eq!(row["verdict"], "unavailable", "{row}");
        let reason = common::reason(row);
        assert!(reason.contains(error), "{name}: {reason}");
        let log = reason.rsplit_once("all of its output is in ").expect("a log").1;
        let text = fs::read_to_string(common::root().join(log)).unwrap();
        let line = error.trim_start_matches("code EUSAGE: ");
        assert!(text.contains(line), "{log}: {text}");
        assert!(compared.stderr.contains(&format!("\n  {name}: its build")), "{}", compared.stderr);
    }
}

#[test]
fn a_build_that_hangs_costs_its_row_only() {
    let room = Room::new();
    let hangs = built_by(&room, "hangs", "command = ['sh', '-c', 'echo begun; sleep 600']", &[]);
    let light = room.light();
    // Long enough for cargo to wait for the builds of other tests.
    let compared = room.compare(&[
        "floor",
        "--client",
        &hangs,
        "--build-silence",
        "10s",
        "--workload",
        &light,
    ]);
    assert!(common::is_measured(compared.row("floor")), "{}", compared.stderr);
    let reason = common::reason(compared.row("hangs"));
    assert!(reason.contains("printed nothing for 10 s and was ended: begun"), "{reason}");
    assert!(room.processes().is_empty(), "what it started was ended, too");
}

#[test]
fn what_is_missing_is_said_in_one_block_before_the_builds() {
    let room = Room::new();
    let needy = |name: &str, needs: &str| {
        let path = built_by(&room, name, "command = ['true']", &[]);
        let manifest = fs::read_to_string(&path).unwrap() + &format!("[needs]\n{needs}\n");
        fs::write(&path, manifest).unwrap();
        path
    };
    let clients = [
        needy("needs-a", "programs = ['no-such-a']\npackages = ['no-such-package-a', 'b-dev']"),
        needy("needs-b", "files = ['/no/such/file']\npackages = ['b-dev']"),
    ];
    let [a, b] = clients.each_ref().map(String::as_str);
    let light = room.light();
    let compared = room.compare(&["floor", "--client", a, "--client", b, "--workload", &light]);
    let block = "2 of 3 clients cannot run here:\n  \
        needs-a: `no-such-a` is not on the PATH: install it\n  \
        needs-b: there is no /no/such/file: install it\n  \
        to get them: apt-get install no-such-package-a b-dev\n";
    assert_eq!(compared.stderr.matches(block).count(), 1, "{}", compared.stderr);
    let reason = common::reason(compared.row("needs-b"));
    assert_eq!(reason, "there is no /no/such/file: apt-get install b-dev");
}

/// A client that leaves a trace whenever it is started, and whenever it is built.
fn traced(room: &Room) -> (String, PathBuf) {
    let traces = room.path().join("traces");
    let hello = r#"echo '{"type":"hello","contract":2,"name":"traced","versions":["traced 7"],"class":"library","runtime":"sh","transport":"none","queue":{"kind":"none","bound":null}}'"#;
    let path =
        room.script("traced", &format!("echo run >> {}\n{hello}\nread end", traces.display()));
    let build = format!("command = ['sh', '-c', 'echo build >> {}']", traces.display());
    let manifest = fs::read_to_string(&path).unwrap() + &format!("[build]\n{build}\n");
    fs::write(&path, manifest).unwrap();
    (path, traces)
}

#[test]
fn list_starts_nothing_and_shows_what_the_last_start_said() {
    let room = Room::new();
    let (client, traces) = traced(&room);
    let list = |more: &[&str]| {
        let output = room.harness(&["list", "--client", &client]).args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let table = String::from_utf8(output.stdout).unwrap();
        let rows = table.lines().filter(|line| line.trim_start().starts_with("traced "));
        (rows.map(str::to_owned).collect::<Vec<_>>().join("\n"), table)
    };
    let traces = || fs::read_to_string(&traces).unwrap_or_default();
    let (row, table) = list(&[]);
    assert!(row.contains("not built yet"), "{table}");
    assert!(table.contains("Nothing was built or started"), "{table}");
    assert_eq!(traces(), "");
    let mut build = room.harness(&["build", "floor", "traced", "--client", &client]);
    assert!(build.output().unwrap().status.success());
    assert!(list(&[]).0.contains("built, not started yet"), "{}", list(&[]).1);
    let mut check = room.harness(&["check", "traced", "--client", &client, "--case", "hello"]);
    check.output().unwrap();
    let before = traces();
    let (row, table) = list(&[]);
    assert!(row.contains("traced 7") && row.contains(" yes "), "{table}");
    assert_eq!(traces(), before);
    fs::write(Path::new(&client).parent().unwrap().join("more.sh"), "true\n").unwrap();
    let (row, table) = list(&[]);
    assert!(row.contains("traced 7 (stale)") && row.contains("stale: its sources"), "{table}");
    assert_eq!(traces(), before);
}
