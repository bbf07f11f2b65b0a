//! What the tests over real processes share: the harness's binary with a directory of its own
//! for results, and clients that misbehave.

pub mod processes;
pub mod pty;

use bench_archive::publication;
use bench_core::analysis::verdict::reason::Reasons;
use bench_core::analysis::verdict::remark::RowRemark;
use jsonschema::{Registry, Validator};
use nix::sys::signal::{SigHandler, Signal, signal};
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the suite.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The directories of the published campaigns, the oldest first, without those that were
/// measured here but not published.
pub fn published() -> Vec<PathBuf> {
    publication::published(&root().join("results")).unwrap()
}

/// The newest published campaign of a kind (`compare`, …); of comparisons, the newest of the
/// default workloads, which has its stamps.
pub fn published_of(kind: &str) -> PathBuf {
    let is_of = |dir: &PathBuf| {
        let text = std::fs::read_to_string(dir.join("campaign.json")).unwrap();
        let campaign: Value = serde_json::from_str(&text).unwrap();
        let workloads = campaign["workloads"].as_array().unwrap();
        let has_flood = workloads.iter().any(|workload| workload["name"] == "flood");
        campaign["kind"] == kind && (kind != "compare" || has_flood)
    };
    published().into_iter().rev().find(is_of).unwrap()
}

/// `rounds.jsonl` of a published campaign, unpacked.
pub fn rounds(dir: &Path) -> String {
    let plain = dir.join("rounds.jsonl");
    if plain.exists() {
        return std::fs::read_to_string(plain).unwrap();
    }
    let packed = std::fs::read(dir.join("rounds.jsonl.zst")).unwrap();
    String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap()
}

/// A schema of `harness/schema`.
pub fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A validator for a schema, with the definitions and without network access.
pub fn validator(name: &str) -> Validator {
    let definitions = schema(harness::schemas::DEFINITIONS);
    let id = definitions["$id"].as_str().unwrap().to_owned();
    let registry = Registry::new().add(id, definitions).unwrap().prepare().unwrap();
    jsonschema::options().with_registry(&registry).build(&schema(name)).unwrap()
}

/// Asserts that a value is valid under a schema.
pub fn valid(name: &str, value: &Value) {
    let validator = validator(name);
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// Asserts that a valid object is not valid with another value at a place, such as `/rows/0/rank`.
pub fn invalid(name: &str, object: &Value, place: &str, value: &Value) {
    valid(name, object);
    let mut changed = object.clone();
    let (parent, key) = place.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap()[key] = value.clone();
    assert!(!validator(name).is_valid(&changed), "{place}: {value}");
}

/// A directory for one test: results, workloads, clients outside of the suite.
pub struct Room {
    pub dir: tempfile::TempDir,
}

impl Room {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a workload and returns its path. Tests run at the same time, and do not check
    /// whether the machine keeps up: up to a second late is on time.
    pub fn workload(&self, name: &str, lines: &str) -> String {
        let path = self.path().join(format!("{name}.toml"));
        let text = format!(
            "name = \"{name}\"\nwhy = \"a test\"\nread = \"not at all\"\n{lines}\non_time_ms = 1000\n"
        );
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A light load that any machine sustains, even with unoptimised programs.
    pub fn light(&self) -> String {
        self.workload("light", "rate_per_s = 5000\nrank_by = \"typical_p99\"")
    }

    /// A client that is a shell script; `body` runs after the plan was read.
    pub fn script(&self, name: &str, body: &str) -> String {
        let dir = self.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("client.sh"), format!("read plan\n{body}\n")).unwrap();
        let manifest = format!(
            "name = \"{name}\"\nclass = \"library\"\nruntime = \"sh\"\nwhy = \"a test\"\n\
             [run]\ncommand = [\"sh\", \"client.sh\"]\n"
        );
        std::fs::write(dir.join("client.toml"), manifest).unwrap();
        dir.join("client.toml").to_str().unwrap().to_owned()
    }

    /// A harness command; its results go into this room.
    pub fn harness(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        command.current_dir(root()).args(args).args(["--profile", "dev"]);
        command.env(processes::MARK, self.path());
        // A shell that started the tests in the background has them ignore it.
        let heed_ctrl_c = || {
            // SAFETY: a system call, between fork and exec.
            unsafe { signal(Signal::SIGINT, SigHandler::SigDfl) }?;
            Ok(())
        };
        // SAFETY: as above.
        unsafe { command.pre_exec(heed_ctrl_c) };
        command
    }

    /// Processes that are left of all harnesses that were started in this room.
    pub fn processes(&self) -> Vec<i32> {
        processes::marked(processes::MARK, self.path())
    }

    /// Runs `compare` with these arguments, short rounds and `--json -`; without rounds with
    /// counters, unless `--counters` is among the arguments.
    pub fn compare(&self, args: &[&str]) -> Compared {
        let out = self.path().join("results");
        let mut command =
            self.harness(&["compare", "--unchecked", "--rounds", "1", "--warmup", "0.1"]);
        // Tests run at the same time: however disturbed a round is, it is played once.
        command.args(["--repeats", "0"]);
        if !args.contains(&"--seconds") {
            command.args(["--seconds", "0.4"]);
        }
        if !args.contains(&"--counters") {
            command.arg("--no-counters");
        }
        command.args(["--json", "-", "--out", out.to_str().unwrap()]);
        let output = command.args(args).output().unwrap();
        Compared::new(output, &out)
    }
}

/// Whether a row has numbers and has passed its audit. Tests run at the same time, so it may be
/// noisy.
pub fn is_measured(row: &Value) -> bool {
    let verdicts = ["ok", "overloaded", "server-limited", "unsteady", "noisy"];
    verdicts.iter().any(|verdict| row["verdict"] == *verdict)
}

/// The result of a `compare`.
pub struct Compared {
    pub code: i32,
    pub stderr: String,
    /// The object of `--json`.
    pub report: Value,
    pub rows: Vec<Value>,
    pub campaign: PathBuf,
}

impl Compared {
    fn new(output: Output, out: &Path) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
        assert_eq!(report["schema"], 3);
        let rows = report["rows"].as_array().unwrap().clone();
        let campaign = out.read_dir().unwrap().next().unwrap().unwrap().path();
        Self { code: output.status.code().unwrap(), stderr, report, rows, campaign }
    }

    /// The row of a client.
    pub fn row(&self, client: &str) -> &Value {
        let found = self.rows.iter().find(|row| row["client"] == client);
        found.unwrap_or_else(|| panic!("no row of {client}: {}", self.stderr))
    }
}

/// The kit's client that breaks the contract on demand, built once.
fn faulty() -> &'static str {
    static PATH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PATH.get_or_init(|| example("faulty"))
}

/// Builds an example, unless the tests of the whole workspace have done so, and returns its
/// path. `--workspace` keeps the features of dependencies the same.
pub fn example(name: &str) -> String {
    let output = bench_rig::programs::cargo::cargo_command()
        .current_dir(root())
        .args(["build", "--workspace", "--example", name])
        .args(["--message-format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = cargo_metadata::Message::parse_stream(output.stdout.as_slice());
    let executables = messages.filter_map(|message| match message.unwrap() {
        cargo_metadata::Message::CompilerArtifact(artifact) => artifact.executable,
        _ => None,
    });
    executables.last().unwrap().into_string()
}

impl Room {
    /// The faulty client with one fault, as a client of that name.
    pub fn faulty(&self, fault: &str) -> String {
        let dir = self.path().join(fault);
        std::fs::create_dir(&dir).unwrap();
        let manifest = format!(
            "name = \"{fault}\"\nclass = \"library\"\nruntime = \"none\"\nwhy = \"a test\"\n\
             [run]\ncommand = [\"{}\", \"--fault\", \"{fault}\"]\n",
            faulty()
        );
        std::fs::write(dir.join("client.toml"), manifest).unwrap();
        dir.join("client.toml").to_str().unwrap().to_owned()
    }
}

/// The reasons of a row, as tables print them.
pub fn reason(row: &Value) -> String {
    serde_json::from_value::<Reasons>(row["reasons"].clone()).unwrap().to_string()
}

/// The remarks of a row, as tables print them.
pub fn remarks(row: &Value) -> String {
    let all: Vec<RowRemark> = serde_json::from_value(row["remarks"].clone()).unwrap();
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
