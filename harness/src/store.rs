//! The only writer of results: a folder per campaign, complete after every
//! round. No machine path goes into it.

use crate::baseline::{self, Baseline};
use crate::capacity::Capacity;
use crate::journey::Arrivals;
use crate::listing;
use crate::measure;
use crate::plan::Plan;
use crate::ranking::Noise;
use crate::record::{Link, Record};
use crate::rows::{RoundResult, Row};
use crate::runner::Played;
use crate::saved::Campaign;
use anyhow::{Context, Result};
use contract::{ClientFinal, ServerFinal};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use tick::{Sample, Schedule};

/// One line of `rounds.jsonl`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// Its place in the campaign, from 1.
    order: usize,
    #[serde(flatten)]
    result: &'a RoundResult,
    #[serde(flatten)]
    books: Option<Books<'a>>,
}

/// What a round that ran leaves besides its numbers.
#[derive(Debug, Serialize)]
struct Books<'a> {
    schedule: Schedule,
    sample: Sample,
    warmup_ns: u64,
    measure_ns: u64,
    start_ns: u64,
    ended_ns: u64,
    told_to_stop: bool,
    queues_by: crate::kernel::Method,
    congestion: &'a str,
    send_buffer_bytes: u64,
    client_finals: &'a [ClientFinal],
    server_final: &'a ServerFinal,
    journeys: String,
    grid: String,
}

/// Between speed, as the next round waits for it, and size.
const JOURNEYS_LEVEL: i32 = 9;

/// The folder of recordings that workloads replay.
pub const RECORDINGS: &str = "recordings";

/// The columns of a journeys file.
pub const JOURNEY_COLUMNS: [&str; 6] =
    ["connection", "seq", "encoded_ns", "written_ns", "received_ns", "processed_ns"];

/// A campaign's folder.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    rounds: File,
    order: usize,
    /// Put in place of machine paths: `(path, word)`.
    hidden: Vec<(String, &'static str)>,
}

impl Store {
    /// Makes the folder `<out>/<UTC date-time>-<host>`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(out: &Path, host: &str, root: &Path) -> Result<Self> {
        fs::create_dir_all(out).with_context(|| format!("--out {}", out.display()))?;
        let stamp = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let names = (1..100).map(|n| match n {
            1 => format!("{stamp}-{host}"),
            n => format!("{stamp}-{host}-{n}"),
        });
        // Two campaigns may begin within the same second.
        let dir = names
            .map(|name| out.join(name))
            .find(|dir| fs::create_dir(dir).is_ok())
            .with_context(|| format!("cannot make a folder in {}", out.display()))?;
        fs::create_dir(dir.join("journeys"))?;
        fs::create_dir(dir.join("grid"))?;
        let rounds =
            OpenOptions::new().create_new(true).append(true).open(dir.join("rounds.jsonl"))?;
        let mut hidden = vec![(root.to_string_lossy().into_owned(), ".")];
        if let Some(home) = std::env::var_os("HOME").filter(|home| home.len() > 1) {
            hidden.push((home.to_string_lossy().into_owned(), "~"));
        }
        Ok(Self { dir, rounds, order: 0, hidden })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes machine paths out of words that a child said.
    #[must_use]
    pub fn without_paths(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, (path, word)| text.replace(path, word))
    }

    /// Keeps a recording that a workload replays: without it, its due times could not
    /// be told later.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn recording(&self, name: &str, from: &Path) -> Result<()> {
        let folder = self.dir.join(RECORDINGS);
        fs::create_dir_all(&folder).context(RECORDINGS)?;
        let bytes = fs::read(from).with_context(|| format!("replay: {name}"))?;
        let packed = zstd::encode_all(bytes.as_slice(), JOURNEYS_LEVEL)?;
        fs::write(folder.join(format!("{name}.zst")), packed).context(RECORDINGS)
    }

    /// Saves one round: its line, the journeys of its sampled ticks, and the
    /// looks on the grid.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn round(&mut self, played: &Played) -> Result<()> {
        self.order += 1;
        let (result, plan) = (&played.result, &played.plan);
        let books = match played.record.as_deref() {
            None => None,
            Some(record) => {
                let client = result.client.replace(':', "+");
                let control = if result.control { "-control" } else { "" };
                let name =
                    format!("{:03}-{}-{client}{control}.csv.zst", self.order, result.workload);
                let (journeys, grid) = (format!("journeys/{name}"), format!("grid/{name}"));
                write_journeys(&self.dir.join(&journeys), record, plan)?;
                write_grid(&self.dir.join(&grid), record)?;
                Some(books(record, plan, journeys, grid))
            }
        };
        let mut line = serde_json::to_vec(&Line { order: self.order, result, books })?;
        line.push(b'\n');
        self.rounds.write_all(&line).context("rounds.jsonl")?;
        self.rounds.sync_data().context("rounds.jsonl")
    }

    /// Saves the campaign and its tables, whole or not at all.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn campaign(&self, campaign: &Campaign) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(campaign)?;
        json.push(b'\n');
        self.replace("campaign.json", &json)?;
        self.replace("table.md", listing::markdown(campaign).as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let draft = self.dir.join(format!(".{name}.draft"));
        fs::write(&draft, bytes).with_context(|| name.to_owned())?;
        fs::rename(&draft, self.dir.join(name)).with_context(|| name.to_owned())
    }
}

fn books<'a>(record: &'a Record, plan: &Plan, journeys: String, grid: String) -> Books<'a> {
    Books {
        schedule: plan.timetable.schedule(),
        sample: plan.sample(),
        warmup_ns: plan.warmup_ns,
        measure_ns: plan.measure_ns,
        start_ns: record.start_ns,
        ended_ns: record.watched.ended_ns,
        told_to_stop: record.watched.told_to_stop,
        queues_by: record.queues_by,
        congestion: &record.connected.congestion,
        send_buffer_bytes: record.connected.send_buffer_bytes,
        client_finals: &record.clients,
        server_final: &record.server,
        journeys,
        grid,
    }
}

/// The journeys of the sampled ticks as zstd-compressed CSV, each number as the
/// difference to the one that it follows, which makes the file four times
/// smaller: `seq` to the row above (of a connection's first row, to 0); `encoded` to the tick's due time, or under
/// flood to the row above; each further stamp to the stage before. In ns.
/// Empty: it did not get there. A tick that was received but not processed has no
/// stamp of that: it is told from the meter, to within the grid.
fn write_journeys(path: &Path, record: &Record, plan: &Plan) -> Result<()> {
    let file = File::create(path).context("journeys")?;
    let packed = zstd::Encoder::new(file, JOURNEYS_LEVEL)?.auto_finish();
    let mut csv = csv::Writer::from_writer(packed);
    csv.write_record(JOURNEY_COLUMNS)?;
    for (number, link) in record.links.iter().enumerate() {
        write_link(&mut csv, number, link, record, plan)?;
    }
    csv.flush().context("journeys")
}

fn write_link(
    csv: &mut csv::Writer<impl Write>,
    number: usize,
    link: &Link,
    record: &Record,
    plan: &Plan,
) -> Result<()> {
    let (start_ns, arrivals) = (record.start_ns, Arrivals::new(record));
    let (mut last_seq, mut last_encoded) = (0, start_ns);
    for (index, &[seq, encoded, written]) in link.server_rows.iter().enumerate() {
        let before = match plan.timetable.due_offset_ns(seq) {
            Some(due_ns) => start_ns + due_ns,
            None => last_encoded,
        };
        let step = |from: u64, to: u64| (to as i64 - from as i64).to_string();
        let [received, processed] = match link.client_rows.get(index).filter(|row| row[0] == seq) {
            Some(row) => [step(written, row[1]), step(row[1], row[2])],
            None => {
                let received =
                    arrivals.received_ns(link, seq).map(|ns| step(written, ns.max(written)));
                [received.unwrap_or_default(), String::new()]
            }
        };
        let (seq_step, encoded_step) = (step(last_seq, seq), step(before, encoded));
        let written_step = step(encoded, written);
        csv.write_record([
            number.to_string(),
            seq_step,
            encoded_step,
            written_step,
            received,
            processed,
        ])?;
        (last_seq, last_encoded) = (seq, encoded);
    }
    Ok(())
}

/// One look as a row of the grid file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // as named in METHODOLOGY.md
pub struct GridRow {
    /// Since the start.
    pub at_ns: i64,
    pub generated: u64,
    pub written: u64,
    pub acknowledged: u64,
    pub confirmed: u64,
    pub received: u64,
    pub processed: u64,
    pub server_ticks: f64,
    pub kernel_send_ticks: f64,
    pub kernel_receive_ticks: f64,
    pub library_ticks: f64,
    pub client_ticks: f64,
    pub client_cpu_ns: u64,
    pub server_cpu_ns: u64,
    pub client_rss_bytes: u64,
    pub server_rss_bytes: u64,
}

/// All looks of a round as zstd-compressed CSV: counts of each stage, and the
/// backlog by layer. Together they show where a slow client's ticks wait.
fn write_grid(path: &Path, record: &Record) -> Result<()> {
    let file = File::create(path).context("grid")?;
    let packed = zstd::Encoder::new(file, JOURNEYS_LEVEL)?.auto_finish();
    let mut csv = csv::Writer::from_writer(packed);
    let bytes_per_tick = measure::bytes_per_tick(record);
    for look in &record.watched.snapshots {
        let layers = measure::layers(look, bytes_per_tick);
        csv.serialize(GridRow {
            at_ns: look.at_ns as i64 - record.start_ns as i64,
            generated: look.generated,
            written: look.written,
            acknowledged: look.acknowledged,
            confirmed: look.confirmed,
            received: look.received,
            processed: look.processed,
            server_ticks: layers.server,
            kernel_send_ticks: layers.kernel_send,
            kernel_receive_ticks: layers.kernel_receive,
            library_ticks: layers.library,
            client_ticks: layers.client,
            client_cpu_ns: look.client_cpu_ns,
            server_cpu_ns: look.server_cpu_ns,
            client_rss_bytes: look.client_rss_bytes,
            server_rss_bytes: look.server_rss_bytes,
        })?;
    }
    csv.flush().context("grid")
}

/// The object of `compare --json` and of `sweep --json`.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The version of this object.
    pub schema: u32,
    /// A row for each workload and client.
    pub rows: &'a [Row],
    /// How far two entries of one client lay apart.
    pub noise: &'a [Noise],
}

/// The object of `capacity --json`.
#[derive(Debug, Serialize)]
pub struct CapacityReport<'a> {
    /// The version of this object.
    pub schema: u32,
    /// A row for each client.
    pub rows: &'a [Capacity],
}

/// Remembers a campaign under a name, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn save_baseline(out: &Path, name: &str, baseline: &Baseline) -> Result<()> {
    let file = baseline::file(out, name);
    let shown = || format!("--save-baseline {name}");
    fs::create_dir_all(out.join(baseline::FOLDER)).with_context(shown)?;
    let draft = file.with_file_name(format!(".{name}.draft"));
    let mut json = serde_json::to_vec_pretty(baseline)?;
    json.push(b'\n');
    fs::write(&draft, json).with_context(shown)?;
    fs::rename(&draft, file).with_context(shown)
}

/// Writes the object of `--json`; `-` is standard output.
///
/// # Errors
/// When it cannot be written.
pub fn write_report(to: &Path, report: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    if to == Path::new("-") {
        return std::io::stdout().write_all(text.as_bytes()).context("standard output");
    }
    fs::write(to, text).with_context(|| format!("--json {}", to.display()))
}
