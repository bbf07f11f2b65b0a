//! `journeys.parquet`: every sampled tick of a campaign in one table. A row group is a round, so
//! that only one round is in memory.

use super::exporter::{Exporter, File};
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::rounds::Round;
use bench_archive::sampled::{self, Tick};
use std::io::Write;
use std::sync::Arc;

/// The columns. Times are in ns since tick 0 of the round was due; null: the tick did not get
/// there. Under flood, and where a recording is missing, nothing is due.
const SCHEMA: &str = "message journeys {
    required binary workload (string);
    required binary client (string);
    required boolean control;
    required int32 round (integer(32, false));
    required int32 repeat (integer(32, false));
    required int32 connection (integer(32, false));
    required int64 seq (integer(64, false));
    optional int64 due_ns;
    optional int64 encoded_ns;
    optional int64 written_ns;
    optional int64 received_ns;
    optional int64 processed_ns;
    optional int64 response_ns;
    required boolean censored;
    required boolean in_window;
}";

/// Columns of repeated texts.
const TEXTS: [&str; 2] = ["workload", "client"];
/// Columns of numbers that follow each other closely.
const NUMBERS: [&str; 10] = [
    "round",
    "repeat",
    "connection",
    "seq",
    "due_ns",
    "encoded_ns",
    "written_ns",
    "received_ns",
    "processed_ns",
    "response_ns",
];

/// `journeys.parquet`.
pub struct Parquet;

impl Exporter for Parquet {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        archive.needs_stamps()?;
        let mut bytes = Vec::new();
        write(archive, &mut bytes)?;
        Ok(vec![File::new("journeys.parquet", bytes)])
    }
}

/// Writes the table.
///
/// # Errors
/// When journeys are missing or damaged, or it cannot be written.
pub fn write(archive: &Archive, to: impl Write + Send) -> Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(to, schema, Arc::new(properties()?))?;
    for round in &archive.rounds {
        let (Some(evidence), Some(sampled)) = (&round.evidence, sampled::of(archive, round)?)
        else {
            continue;
        };
        let rows = Rows {
            round,
            start_ns: evidence.start_ns,
            ended_ns: evidence.ended_ns,
            ticks: &sampled.ticks,
        };
        let mut group = writer.next_row_group()?;
        rows.write(&mut group)?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn properties() -> Result<WriterProperties> {
    let mut builder = WriterProperties::builder()
        // The default has the library's version, which would change the bytes.
        .set_created_by("tick-bench".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9)?))
        .set_dictionary_enabled(false);
    for name in TEXTS {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), true);
    }
    for name in NUMBERS {
        builder =
            builder.set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(builder.build())
}

/// A round's rows.
struct Rows<'a> {
    round: &'a Round,
    start_ns: u64,
    ended_ns: u64,
    ticks: &'a [Tick],
}

impl Rows<'_> {
    /// Column by column, in the order of the schema.
    fn write<W: Write + Send>(&self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        let result = &self.round.result;
        let since_start = |ns: u64| ns as i64 - self.start_ns as i64;
        texts(group, &result.workload, self.ticks.len())?;
        texts(group, &result.client, self.ticks.len())?;
        self.flags(group, |_| result.control)?;
        self.counts(group, |_| result.round as i32)?;
        self.counts(group, |_| result.repeat as i32)?;
        self.counts(group, |tick| tick.connection as i32)?;
        let seqs: Vec<i64> = self.ticks.iter().map(|tick| tick.stamps.seq as i64).collect();
        column::<Int64Type, W>(group, &seqs, None)?;
        self.times(group, |tick| tick.is_due.then(|| since_start(tick.stamps.due_ns)))?;
        self.times(group, |tick| tick.stamps.encoded_ns.map(since_start))?;
        self.times(group, |tick| tick.stamps.written_ns.map(since_start))?;
        self.times(group, |tick| tick.stamps.received_ns.map(since_start))?;
        self.times(group, |tick| tick.stamps.processed_ns.map(since_start))?;
        self.times(group, |tick| Some(tick.response(self.ended_ns)?.bound_ns() as i64))?;
        self.flags(group, |tick| tick.stamps.processed_ns.is_none())?;
        self.flags(group, |tick| tick.in_window)
    }

    fn counts<W: Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        of: impl Fn(&Tick) -> i32,
    ) -> Result<()> {
        let values: Vec<i32> = self.ticks.iter().map(of).collect();
        column::<Int32Type, W>(group, &values, None)
    }

    fn flags<W: Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        of: impl Fn(&Tick) -> bool,
    ) -> Result<()> {
        let values: Vec<bool> = self.ticks.iter().map(of).collect();
        column::<BoolType, W>(group, &values, None)
    }

    /// Nulls have no value, but a definition level of 0.
    fn times<W: Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        of: impl Fn(&Tick) -> Option<i64>,
    ) -> Result<()> {
        let times: Vec<Option<i64>> = self.ticks.iter().map(of).collect();
        let levels: Vec<i16> = times.iter().map(|time| i16::from(time.is_some())).collect();
        let values: Vec<i64> = times.into_iter().flatten().collect();
        column::<Int64Type, W>(group, &values, Some(&levels))
    }
}

fn texts<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    text: &str,
    count: usize,
) -> Result<()> {
    column::<ByteArrayType, W>(group, &vec![ByteArray::from(text); count], None)
}

fn column<T: ::parquet::data_type::DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else {
        unreachable!("a column for each of the schema")
    };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}
