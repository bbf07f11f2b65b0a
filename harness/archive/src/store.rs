//! The only writer of results: a directory per campaign, complete after every round. No
//! machine path goes into it.

use crate::baseline::{self, Baseline};
use crate::campaign::{Campaign, Evidence};
use crate::hidden::Hidden;
use crate::packed;
use crate::unsaved::Unsaved;
use anyhow::{Context, Error, Result, bail};
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::load::plan::Plan;
use bench_core::record::round::Record;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// One line of `rounds.jsonl`; read again as [`crate::archive::Round`].
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// Its place in the campaign, from 1.
    order: usize,
    #[serde(flatten)]
    result: &'a RoundResult,
    #[serde(flatten)]
    evidence: Option<Evidence>,
}

/// The line of a round with counters.
#[derive(Debug, Serialize)]
struct CountersLine<'a> {
    order: usize,
    /// `true`: the mark of such a line.
    counters: bool,
    #[serde(flatten)]
    round: &'a CountersRound,
}

/// The file of rounds.
pub const ROUNDS: &str = "rounds.jsonl";

/// The same, compressed for publishing where it is large.
pub const PACKED_ROUNDS: &str = "rounds.jsonl.zst";

/// The directory of the rounds' stamps.
pub const JOURNEYS: &str = "journeys";

/// The directory of the rounds' snapshots.
pub const GRID: &str = "grid";

/// The directory of recordings that workloads replay.
pub const RECORDINGS: &str = "recordings";

/// Writes a campaign's directory.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    rounds: File,
    /// Rounds that are saved completely.
    saved: usize,
    /// The length of their lines in `rounds.jsonl`.
    saved_bytes: u64,
    hidden: Hidden,
}

impl Store {
    /// Checks, before anything is measured, that directories and files can be created below
    /// `out`. Leaves nothing behind.
    ///
    /// # Errors
    /// When they cannot be created.
    pub fn check(out: &Path) -> Result<()> {
        let out = std::path::absolute(out)?;
        let existing = out.ancestors().find(|path| path.exists()).unwrap_or(&out);
        let tried = match existing.is_dir() {
            true => tempfile::tempfile_in(existing).map(drop),
            false => Err(ErrorKind::NotADirectory.into()),
        };
        tried.with_context(|| {
            let shown = existing.display();
            format!("--out: cannot write in {shown}: choose another directory with --out")
        })
    }

    /// Creates the directory of that name in `out`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(out: &Path, name: &str, root: &Path) -> Result<Self> {
        let created = || -> std::io::Result<(PathBuf, File)> {
            fs::create_dir_all(out)?;
            let dir = make_dir(out, name)?;
            fs::create_dir(dir.join(JOURNEYS))?;
            fs::create_dir(dir.join(GRID))?;
            let file = OpenOptions::new().create_new(true).append(true).open(dir.join(ROUNDS))?;
            Ok((dir, file))
        };
        let (dir, rounds) = created().with_context(|| {
            format!(
                "--out: cannot create a directory in {}: choose another with --out",
                out.display()
            )
        })?;
        let hidden = Hidden::new(root, ".");
        Ok(Self { dir, rounds, saved: 0, saved_bytes: 0, hidden })
    }

    /// The campaign's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same round without machine paths, which messages of a child may contain.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub fn without_paths<T: Serialize + DeserializeOwned>(&self, saved: &T) -> Result<T> {
        let mut value = serde_json::to_value(saved)?;
        self.hidden.in_value(&mut value);
        Ok(serde_json::from_value(value)?)
    }

    /// Saves a recording that a workload replays: without it, due times could not be
    /// computed later.
    ///
    /// # Errors
    /// [`Unsaved`] when the disk does not take it.
    pub fn recording(&self, name: &str, from: &Path) -> Result<()> {
        let recording = File::open(from).with_context(|| format!("replay: {name}"))?;
        let dir = self.dir.join(RECORDINGS);
        let file = format!("{name}.zst");
        // As a stream: it may be as large as the memory.
        fs::create_dir_all(&dir)
            .and_then(|()| File::create(dir.join(&file)))
            .and_then(|packed| zstd::stream::copy_encode(recording, packed, packed::LEVEL))
            .map_err(|error| self.unsaved(&format!("{RECORDINGS}/{file}"), &error.into()))
    }

    /// Saves one round, completely or not at all: its line, the journeys of its sampled
    /// ticks, and its snapshots.
    ///
    /// # Errors
    /// [`Unsaved`] when the disk does not take it.
    pub fn round(
        &mut self,
        result: &RoundResult,
        plan: &Plan,
        record: Option<&Record>,
    ) -> Result<()> {
        let order = self.saved + 1;
        let client = result.client.replace(':', "+");
        let control = if result.control { "-control" } else { "" };
        let name = format!("{order:03}-{}-{client}{control}.csv.zst", result.workload);
        let files = [format!("{JOURNEYS}/{name}"), format!("{GRID}/{name}")];
        match self.write_round((order, result), plan, record, &files) {
            Ok(bytes) => {
                (self.saved, self.saved_bytes) = (order, self.saved_bytes + bytes);
                Ok(())
            }
            Err((what, error)) => {
                // Best effort: a line that is cut off would make the campaign unreadable.
                drop(self.rounds.set_len(self.saved_bytes));
                files.iter().for_each(|file| drop(fs::remove_file(self.dir.join(file))));
                Err(self.unsaved(&what, &error))
            }
        }
    }

    /// Saves a round with counters: its line alone, as nothing of it is timed.
    ///
    /// # Errors
    /// [`Unsaved`] when the disk does not take it.
    pub fn counters_round(&mut self, round: &CountersRound) -> Result<()> {
        let order = self.saved + 1;
        match self.append(&CountersLine { order, counters: true, round }) {
            Ok(bytes) => {
                (self.saved, self.saved_bytes) = (order, self.saved_bytes + bytes);
                Ok(())
            }
            Err(error) => {
                drop(self.rounds.set_len(self.saved_bytes));
                Err(self.unsaved(ROUNDS, &error))
            }
        }
    }

    /// Returns the length of the round's line, or the file that could not be written and why.
    fn write_round(
        &mut self,
        (order, result): (usize, &RoundResult),
        plan: &Plan,
        record: Option<&Record>,
        files: &[String; 2],
    ) -> std::result::Result<u64, (String, Error)> {
        let [journeys, grid] = files;
        let of = |file: &str| {
            let file = file.to_owned();
            move |error| (file, error)
        };
        let evidence = match record {
            None => None,
            Some(record) => {
                self.new_file(journeys)
                    .and_then(|to| packed::journeys(to, record, plan))
                    .map_err(of(journeys))?;
                self.new_file(grid).and_then(|to| packed::grid(to, record)).map_err(of(grid))?;
                Some(evidence(record, plan, journeys.clone(), grid.clone()))
            }
        };
        self.append(&Line { order, result, evidence }).map_err(of(ROUNDS))
    }

    /// Appends a line to the file of rounds, and returns its length.
    fn append(&mut self, line: &impl Serialize) -> Result<u64> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        self.rounds.write_all(&line)?;
        self.rounds.sync_data()?;
        Ok(line.len() as u64)
    }

    fn new_file(&self, name: &str) -> Result<File> {
        Ok(File::create(self.dir.join(name))?)
    }

    /// Saves the campaign and its table as Markdown, each whole or not at all.
    ///
    /// # Errors
    /// [`Unsaved`] when the disk does not take it.
    pub fn campaign(&self, campaign: &Campaign, table: &str) -> Result<()> {
        self.replace("campaign.json", &pretty(campaign)?)?;
        self.replace("table.md", table.as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let replaced = replace(&self.dir.join(name), bytes);
        replaced.map_err(|error| self.unsaved(name, &error.into()))
    }

    /// Removes the directory of a campaign that could not begin.
    pub fn discard(self) {
        drop(fs::remove_dir_all(&self.dir));
    }

    fn unsaved(&self, what: &str, error: &Error) -> Error {
        Unsaved {
            what: what.to_owned(),
            dir: self.dir.clone(),
            why: error.root_cause().to_string(),
            rounds: self.saved,
        }
        .into()
    }
}

/// The name of a campaign's directory: `<UTC date-time>-<host>`.
#[must_use]
pub fn stamped(host: &str) -> String {
    let stamp = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ");
    format!("{stamp}-{host}")
}

/// Creates a directory in `out` for campaigns that belong together.
///
/// # Errors
/// When it cannot be created.
pub fn new_dir(out: &Path, name: &str) -> Result<PathBuf> {
    let created = fs::create_dir_all(out).and_then(|()| make_dir(out, name));
    created.with_context(|| {
        format!("--out: cannot create a directory in {}: choose another with --out", out.display())
    })
}

/// An object as indented JSON with a line end.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn pretty(object: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(object)?;
    json.push(b'\n');
    Ok(json)
}

/// Replaces a file atomically.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.draft"));
    let done = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    done.inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Writes files that are generated from saved campaigns. A file that is up to date is not
/// touched.
#[derive(Debug)]
pub struct Files {
    check: bool,
    changed: Vec<PathBuf>,
}

impl Files {
    /// With `check`, it only records what it would write.
    #[must_use]
    pub fn new(check: bool) -> Self {
        Self { check, changed: Vec::new() }
    }

    /// Writes a file, unless it has these bytes already.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then still there.
    pub fn put(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if fs::read(path).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        self.changed.push(path.to_owned());
        if self.check {
            return Ok(());
        }
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| path.display().to_string())?;
        }
        replace(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&mut self, path: &Path) -> Result<()> {
        if !path.exists() {
            return Ok(());
        }
        self.changed.push(path.to_owned());
        match self.check {
            true => Ok(()),
            false => {
                fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
            }
        }
    }

    /// The files that were not up to date.
    #[must_use]
    pub fn changed(&self) -> &[PathBuf] {
        &self.changed
    }
}

/// Creates a directory of that name, or with a number after it: two campaigns may begin
/// within the same second.
fn make_dir(out: &Path, name: &str) -> std::io::Result<PathBuf> {
    let mut dir = out.join(name);
    for number in 2.. {
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map(|()| dir),
        }
        dir = out.join(format!("{name}-{number}"));
    }
    unreachable!("a number that is free")
}

fn evidence(record: &Record, plan: &Plan, journeys: String, grid: String) -> Evidence {
    Evidence {
        schedule: plan.timetable.schedule(),
        sample: plan.sample(),
        warmup_ns: plan.warmup_ns,
        measure_ns: plan.measure_ns,
        start_ns: record.start_ns,
        ended_ns: record.watched.ended_ns,
        told_to_stop: record.watched.told_to_stop,
        queues_by: record.queues_by,
        congestion: record.congestion.server.clone(),
        client_congestion: record.congestion.client.clone(),
        send_buffer_bytes: record.connected.send_buffer_bytes,
        padding: Some(record.padding),
        client_finals: record.clients.clone(),
        server_final: record.server.clone(),
        messages: (!record.fresh.is_empty()).then_some(record.fresh.len()),
        journeys,
        grid,
    }
}

/// Saves a baseline atomically.
///
/// # Errors
/// When it cannot be written.
pub fn save_baseline(out: &Path, name: &str, baseline: &Baseline) -> Result<()> {
    let file = baseline::file(out, name);
    let shown = || format!("--save-baseline {name}");
    fs::create_dir_all(out.join(baseline::DIRECTORY)).with_context(shown)?;
    replace(&file, &pretty(baseline)?).with_context(shown)
}

/// Writes the object of `--json`; `-` is standard output.
///
/// # Errors
/// When it cannot be written.
pub fn write_report(to: &Path, report: &impl Serialize) -> Result<()> {
    let json = pretty(report)?;
    if to == Path::new("-") {
        return std::io::stdout().write_all(&json).context("standard output");
    }
    fs::write(to, json).with_context(|| format!("--json {}", to.display()))
}

/// Creates a directory of new files, all or none of them.
///
/// # Errors
/// When it exists already, or cannot be written.
pub fn new_folder(dir: &Path, files: &[(PathBuf, String)]) -> Result<()> {
    let shown = dir.display();
    if dir.exists() {
        bail!("{shown} exists already: nothing is overwritten; choose another name or --dir");
    }
    let written = files.iter().try_for_each(|(place, text)| {
        let path = dir.join(place);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(&path, text)
    });
    if let Err(error) = written {
        let _ = fs::remove_dir_all(dir);
        return Err(error).with_context(|| format!("{shown} cannot be written"));
    }
    Ok(())
}

/// Writes a page into a directory, which is created if it is missing.
///
/// # Errors
/// When it cannot be written.
pub fn write_page(dir: &Path, name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("--out {}", dir.display()))?;
    let path = dir.join(name);
    fs::write(&path, text).with_context(|| format!("--out {}", path.display()))
}
