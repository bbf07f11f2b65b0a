//! The compressed tables of a round: the journeys of its sampled ticks, and its snapshots.

use crate::bounded::unpacked;
use anyhow::Result;
use bench_core::analysis::round::backlog;
use bench_core::analysis::round::journey::Arrivals;
use bench_core::load::plan::Plan;
use bench_core::record::round::{Connection, Record};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// The level of zstd, a compromise between size and speed: the next round waits for it.
pub const LEVEL: i32 = 9;

/// The columns of a journeys file.
pub const JOURNEY_COLUMNS: [&str; 6] =
    ["connection", "seq", "encoded_ns", "written_ns", "received_ns", "processed_ns"];

/// The journeys of the sampled ticks as zstd-compressed CSV, each number as a difference,
/// which makes the file four times smaller: `seq` to the row above (for a connection's first
/// row, to 0); `encoded` to the tick's due time, or without due times to the row above; each
/// further stamp to the stage before. In ns. Empty: the tick did not get there. The receipt
/// of a tick that was not processed has no stamp: it is taken from the meter, accurate to
/// one snapshot interval. A tick that the server's policy dropped has only its seq.
///
/// # Errors
/// When they cannot be written.
pub fn journeys(to: impl Write, record: &Record, plan: &Plan) -> Result<()> {
    let mut csv = packed(to)?;
    csv.write_record(JOURNEY_COLUMNS)?;
    for (number, connection) in record.connections.iter().enumerate() {
        write_connection(&mut csv, number, connection, record, plan)?;
    }
    finish(csv)
}

/// Compresses a file again, at another level.
///
/// # Errors
/// When it is damaged.
pub fn again(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    let mut packed = zstd::Encoder::new(Vec::new(), level)?;
    std::io::copy(&mut unpacked(bytes)?, &mut packed)?;
    Ok(packed.finish()?)
}

fn packed<W: Write>(to: W) -> Result<csv::Writer<zstd::Encoder<'static, W>>> {
    Ok(csv::Writer::from_writer(zstd::Encoder::new(to, LEVEL)?))
}

/// Flushes explicitly, as the last bytes may be those for which the disk has no room.
fn finish<W: Write>(csv: csv::Writer<zstd::Encoder<'_, W>>) -> Result<()> {
    csv.into_inner().map_err(|error| error.into_error())?.finish()?.flush()?;
    Ok(())
}

fn write_connection(
    csv: &mut csv::Writer<impl Write>,
    number: usize,
    connection: &Connection,
    record: &Record,
    plan: &Plan,
) -> Result<()> {
    let (start_ns, arrivals) = (record.start_ns, Arrivals::new(record));
    let (mut last_seq, mut last_encoded) = (0, start_ns);
    let mut dropped = dropped(connection, record, plan).peekable();
    for (index, &[seq, encoded, written]) in connection.server_rows.iter().enumerate() {
        while let Some(lost) = dropped.next_if(|&lost| lost < seq) {
            write_dropped(csv, number, lost - last_seq)?;
            last_seq = lost;
        }
        let before = match plan.due_offset_ns(seq) {
            Some(due_ns) => start_ns + due_ns,
            None => last_encoded,
        };
        let step = |from: u64, to: u64| (to as i64 - from as i64).to_string();
        let [received, processed] =
            match connection.client_rows.get(index).filter(|row| row[0] == seq) {
                Some(row) => [step(written, row[1]), step(row[1], row[2])],
                None => {
                    let received = arrivals
                        .received_ns(connection, seq)
                        .map(|ns| step(written, ns.max(written)));
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
    for lost in dropped {
        write_dropped(csv, number, lost - last_seq)?;
        last_seq = lost;
    }
    Ok(())
}

/// The sampled ticks that the policy dropped on a connection.
fn dropped(connection: &Connection, record: &Record, plan: &Plan) -> impl Iterator<Item = u64> {
    let generated = record.server.generated / record.connections.len() as u64;
    let sample = plan.sample();
    let planned = match connection.drops.is_empty() {
        true => 0,
        false => sample.count_below(generated),
    };
    (0..planned).map(move |index| sample.nth(index)).filter(|&seq| connection.drops.contains(seq))
}

fn write_dropped(csv: &mut csv::Writer<impl Write>, number: usize, seq_step: u64) -> Result<()> {
    let [number, seq_step] = [number as u64, seq_step].map(|n| n.to_string());
    let none = String::new();
    Ok(csv.write_record([&number, &seq_step, &none, &none, &none, &none])?)
}

/// One snapshot as a row of the grid file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // as named in METHODOLOGY.md
pub struct GridRow {
    /// Since tick 0 was due.
    pub at_ns: i64,
    pub generated: u64,
    pub written: u64,
    pub acknowledged: u64,
    pub confirmed: u64,
    pub received: u64,
    pub processed: u64,
    pub server_ticks: f64,
    /// This layer and the next two: absent where the kernel queues were not read.
    pub kernel_send_ticks: Option<f64>,
    pub kernel_receive_ticks: Option<f64>,
    pub library_ticks: Option<f64>,
    pub client_ticks: f64,
    pub client_cpu_ns: u64,
    pub server_cpu_ns: u64,
    pub client_rss_bytes: u64,
    pub server_rss_bytes: u64,
    /// Absent in files from before there were policies for slow consumers.
    #[serde(default)]
    pub dropped: u64,
    /// How long the snapshot took; absent in files from before that was recorded.
    #[serde(default)]
    pub took_ns: Option<u64>,
    /// How long the client's threads together had waited for a CPU; absent before the window, and
    /// where it was not read.
    #[serde(default)]
    pub client_waited_ns: Option<u64>,
}

impl GridRow {
    /// The backlog: ticks generated, not dropped and not processed.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.generated.saturating_sub(self.dropped).saturating_sub(self.processed)
    }
}

/// All snapshots of a round as zstd-compressed CSV: counts of each stage, and the backlog by
/// layer.
///
/// # Errors
/// When they cannot be written.
pub fn grid(to: impl Write, record: &Record) -> Result<()> {
    let mut csv = packed(to)?;
    let bytes_per_tick = backlog::bytes_per_tick(record);
    let mut signals = record.watched.signals.iter();
    for snapshot in &record.watched.snapshots {
        let layers = backlog::layers(snapshot, bytes_per_tick);
        let read = |ticks: f64| snapshot.queues.map(|_| ticks);
        csv.serialize(GridRow {
            at_ns: snapshot.at_ns as i64 - record.start_ns as i64,
            generated: snapshot.generated,
            written: snapshot.written,
            acknowledged: snapshot.acknowledged,
            confirmed: snapshot.confirmed,
            received: snapshot.received,
            processed: snapshot.processed,
            server_ticks: layers.server,
            kernel_send_ticks: read(layers.kernel_send),
            kernel_receive_ticks: read(layers.kernel_receive),
            library_ticks: read(layers.library),
            client_ticks: layers.client,
            client_cpu_ns: snapshot.client_cpu_ns,
            server_cpu_ns: snapshot.server_cpu_ns,
            client_rss_bytes: snapshot.client_rss_bytes,
            server_rss_bytes: snapshot.server_rss_bytes,
            dropped: snapshot.dropped,
            took_ns: Some(snapshot.took_ns),
            client_waited_ns: signals.next().and_then(|one| one.client_waited_ns),
        })?;
    }
    finish(csv)
}
