//! The only writer of results: a folder per campaign, complete after every
//! round. No machine path goes into it.

use crate::machine::Machine;
use crate::plan::Plan;
use crate::round::Record;
use crate::rows::{RoundResult, Row};
use crate::workload::Workload;
use anyhow::{Context, Result};
use contract::{ClientFinal, ClientHello, ServerFinal};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use tick::{Sample, Schedule};

/// What `campaign.json` says.
#[derive(Debug, Clone, Serialize)]
pub struct Campaign {
    /// The version of this file.
    pub schema: u32,
    /// The version of the contract.
    pub contract: u32,
    /// `running`, `complete` or `interrupted`.
    pub status: &'static str,
    /// UTC.
    pub started: String,
    /// UTC.
    pub ended: Option<String>,
    /// The command that repeats it, without paths.
    pub command: String,
    /// Seed of the market and of the order of rounds.
    pub seed: u64,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// Whether its files differed from that commit.
    pub dirty: Option<bool>,
    /// The machine.
    pub machine: Machine,
    /// Share of CPU time that the hypervisor took during the campaign.
    pub stolen_share: Option<f64>,
    /// Who ran where.
    pub placement: String,
    /// Rounds of each client and workload.
    pub rounds: u32,
    /// Warm-up, in s.
    pub warmup_s: f64,
    /// Measured window, in s.
    pub measure_s: f64,
    /// Between two looks, in ms.
    pub grid_ms: u64,
    /// The server's versions.
    pub server_versions: Vec<String>,
    /// What each client said of itself.
    pub clients: BTreeMap<String, ClientHello>,
    /// The loads.
    pub workloads: Vec<Workload>,
    /// The tables' rows.
    pub rows: Vec<Row>,
}

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
    client_final: &'a ClientFinal,
    server_final: &'a ServerFinal,
    journeys: String,
}

/// Between speed, as the next round waits for it, and size.
const JOURNEYS_LEVEL: i32 = 9;

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

    /// Saves one round: its line, and the journeys of its sampled ticks.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn round(&mut self, result: &RoundResult, ran: Option<(&Record, &Plan)>) -> Result<()> {
        self.order += 1;
        let books = match ran {
            None => None,
            Some((record, plan)) => {
                let client = result.client.replace(':', "+");
                let name =
                    format!("journeys/{:03}-{}-{client}.csv.zst", self.order, result.workload);
                write_journeys(&self.dir.join(&name), record, plan)?;
                Some(books(record, plan, name))
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
    pub fn campaign(&self, campaign: &Campaign, tables: &str) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(campaign)?;
        json.push(b'\n');
        self.replace("campaign.json", &json)?;
        self.replace("table.md", tables.as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let draft = self.dir.join(format!(".{name}.draft"));
        fs::write(&draft, bytes).with_context(|| name.to_owned())?;
        fs::rename(&draft, self.dir.join(name)).with_context(|| name.to_owned())
    }
}

fn books<'a>(record: &'a Record, plan: &Plan, journeys: String) -> Books<'a> {
    Books {
        schedule: plan.schedule(),
        sample: plan.sample(),
        warmup_ns: plan.warmup_ns,
        measure_ns: plan.measure_ns,
        start_ns: record.start_ns,
        ended_ns: record.watched.ended_ns,
        told_to_stop: record.watched.told_to_stop,
        queues_by: record.queues_by,
        congestion: &record.connected.congestion,
        send_buffer_bytes: record.connected.send_buffer_bytes,
        client_final: &record.client,
        server_final: &record.server,
        journeys,
    }
}

/// The journeys of the sampled ticks as zstd-compressed CSV, each number as the
/// difference to the one that it follows, which makes the file four times
/// smaller: `seq` to the row above; `encoded` to the tick's due time, or under
/// flood to the row above; each further stamp to the stage before. In ns.
/// Empty: it did not get there.
fn write_journeys(path: &Path, record: &Record, plan: &Plan) -> Result<()> {
    let file = File::create(path).context("journeys")?;
    let packed = zstd::Encoder::new(file, JOURNEYS_LEVEL)?.auto_finish();
    let mut csv = csv::Writer::from_writer(packed);
    csv.write_record(["seq", "encoded_ns", "written_ns", "received_ns", "processed_ns"])?;
    let (mut last_seq, mut last_encoded) = (0, record.start_ns);
    for (index, &[seq, encoded, written]) in record.server_rows.iter().enumerate() {
        let before = match plan.schedule().due_offset_ns(seq) {
            Some(due_ns) => record.start_ns + due_ns,
            None => last_encoded,
        };
        let step = |from: u64, to: u64| (to as i64 - from as i64).to_string();
        let [received, processed] = match record.client_rows.get(index).filter(|row| row[0] == seq)
        {
            Some(row) => [step(written, row[1]), step(row[1], row[2])],
            None => [String::new(), String::new()],
        };
        let (seq_step, encoded_step) = (step(last_seq, seq), step(before, encoded));
        csv.write_record([seq_step, encoded_step, step(encoded, written), received, processed])?;
        (last_seq, last_encoded) = (seq, encoded);
    }
    csv.flush().context("journeys")
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The version of this object.
    pub schema: u32,
    /// A row for each workload and client.
    pub rows: &'a [Row],
}

/// Writes the `--json` object; `-` is standard output.
///
/// # Errors
/// When it cannot be written.
pub fn write_report(to: &Path, rows: &[Row]) -> Result<()> {
    let mut text = serde_json::to_string_pretty(&Report { schema: 1, rows })?;
    text.push('\n');
    if to == Path::new("-") {
        return std::io::stdout().write_all(text.as_bytes()).context("standard output");
    }
    fs::write(to, text).with_context(|| format!("--json {}", to.display()))
}
