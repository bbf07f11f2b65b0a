//! Writes a Parquet table column by column, all in one row group: for a few thousand rows.

use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;
use anyhow::Result;
use std::sync::Arc;

/// A column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// Texts that repeat each other.
    Texts(Vec<String>),
    /// Whether something is so.
    Flags(Vec<bool>),
    /// Counts of 32 bits.
    Counts(Vec<i32>),
    /// Times in ns.
    Times(Vec<i64>),
}

/// A column of a table: its name and its values, none of which is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its values, one for each row.
    pub values: Values,
}

impl Column {
    fn schema(&self) -> String {
        let name = self.name;
        match self.values {
            Values::Texts(_) => format!("required binary {name} (string);"),
            Values::Flags(_) => format!("required boolean {name};"),
            Values::Counts(_) => format!("required int32 {name} (integer(32, false));"),
            Values::Times(_) => format!("required int64 {name};"),
        }
    }
}

/// The table with these columns, all in one row group.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(name: &str, columns: &[Column]) -> Result<Vec<u8>> {
    let fields: Vec<String> = columns.iter().map(Column::schema).collect();
    let schema =
        Arc::new(parse_message_type(&format!("message {name} {{ {} }}", fields.join(" ")))?);
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties(columns)?))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(mut to) = group.next_column()? else { unreachable!("one for each of the schema") };
        match &column.values {
            Values::Texts(texts) => {
                let texts: Vec<ByteArray> =
                    texts.iter().map(|text| ByteArray::from(text.as_str())).collect();
                to.typed::<ByteArrayType>().write_batch(&texts, None, None)?
            }
            Values::Flags(flags) => to.typed::<BoolType>().write_batch(flags, None, None)?,
            Values::Counts(counts) => to.typed::<Int32Type>().write_batch(counts, None, None)?,
            Values::Times(times) => to.typed::<Int64Type>().write_batch(times, None, None)?,
        };
        to.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

fn properties(columns: &[Column]) -> Result<WriterProperties> {
    let mut builder = WriterProperties::builder()
        // The default has the library's version, which would change the bytes.
        .set_created_by("tick-bench".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(19)?))
        .set_dictionary_enabled(false);
    for column in columns {
        let path = ColumnPath::from(column.name);
        builder = match column.values {
            Values::Texts(_) => builder.set_column_dictionary_enabled(path, true),
            Values::Flags(_) => builder,
            Values::Counts(_) | Values::Times(_) => {
                builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
            }
        };
    }
    Ok(builder.build())
}
