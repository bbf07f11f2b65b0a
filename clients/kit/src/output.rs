//! The lines on stdout.

use anyhow::{Context, Result};
use contract::{FromClient, SAMPLES_PER_LINE, Samples};

/// Writes one line to stdout.
pub(crate) fn write_line(line: &FromClient) -> Result<()> {
    contract::write(&mut std::io::stdout().lock(), line).context("cannot write to stdout")
}

/// Writes the samples of one connection, on as many lines as they need.
pub(crate) fn write_samples(samples: &Samples) -> Result<()> {
    let connection = samples.connection;
    for chunk in samples.rows.chunks(SAMPLES_PER_LINE) {
        write_line(&FromClient::Samples(Samples { connection, rows: chunk.to_vec() }))?;
    }
    Ok(())
}
