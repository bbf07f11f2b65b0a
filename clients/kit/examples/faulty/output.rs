//! Faults in the output: this process passes on the lines of a correct client.

use crate::fault::Fault;
use anyhow::{Context, Result};
use contract::{FromClient, SampleRow};
use std::io::{BufReader, Write};
use std::ops::ControlFlow;
use std::process::{Command, ExitCode, Stdio};
use std::thread::park;

/// Runs a correct client with this one's stdin, and changes what it writes.
pub fn run_client(fault: Fault) -> Result<ExitCode> {
    let mut correct = Command::new(std::env::current_exe()?)
        .args(["--fault", "none"])
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = BufReader::new(correct.stdout.take().context("piped")?);
    let mut lines = contract::Lines::new(stdout);
    let mut writer = Writer { fault, has_omitted_one: false };
    while let Some(line) = lines.next_line::<FromClient>()? {
        if writer.write(line)?.is_break() {
            loop {
                park();
            }
        }
    }
    std::io::stdout().flush()?;
    Ok(if correct.wait()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A tick that is received so soon after the one before it was processed had waited with it.
const WAITED_NS: u64 = 50_000;
/// The most sampled ticks of one read.
const MOST_OF_A_READ: usize = 16;

/// Gives all ticks of a read the stamp of the last.
fn stamp_once(read: &mut [SampleRow]) {
    let processed_ns = read.last().map_or(0, |row| row[2]);
    read.iter_mut().for_each(|row| row[2] = processed_ns);
}

struct Writer {
    fault: Fault,
    /// Whether a sampled tick has been left out already.
    has_omitted_one: bool,
}

impl Writer {
    /// Writes a line with its fault; break: nothing more is to be written.
    fn write(&mut self, line: FromClient) -> Result<ControlFlow<()>> {
        match (self.fault, line) {
            (Fault::Hang, FromClient::Samples(_) | FromClient::Final(_)) => {
                return Ok(ControlFlow::Break(()));
            }
            (Fault::NotJson, FromClient::Hello(_)) => println!("Hello, world!"),
            (Fault::WrongVersion, line @ FromClient::Hello(_)) => {
                write_with(&line, "contract", 3.into())?;
            }
            (Fault::UnknownKey, line @ FromClient::Hello(_)) => {
                write_with(&line, "mood", "fine".into())?;
            }
            (Fault::Oversized, FromClient::Hello(mut hello)) => {
                hello.runtime = "long ".repeat(400_000);
                write_line(&FromClient::Hello(hello))?;
            }
            (Fault::ExtraLine, line @ FromClient::Final(_)) => {
                write_line(&line)?;
                write_line(&line)?;
            }
            (Fault::Checksum, FromClient::Final(mut report)) => {
                report.checksum += 1;
                write_line(&FromClient::Final(report))?;
            }
            (Fault::ClaimMore, FromClient::Final(mut report)) => {
                report.received += 5000;
                report.processed += 5000;
                write_line(&FromClient::Final(report))?;
            }
            (_, FromClient::Samples(mut samples)) => {
                samples.rows = self.rows(samples.rows);
                write_line(&FromClient::Samples(samples))?;
            }
            (_, line) => write_line(&line)?,
        }
        Ok(ControlFlow::Continue(()))
    }

    fn rows(&mut self, mut rows: Vec<SampleRow>) -> Vec<SampleRow> {
        match self.fault {
            Fault::StampFuture => rows.iter_mut().for_each(|row| row[2] += 1_000_000_000),
            Fault::ProcessBeforeReceive => rows.iter_mut().for_each(|row| row[2] = row[1] - 1),
            Fault::StampPerRead => rows
                .chunk_by_mut(|before, row| row[1].saturating_sub(before[2]) < WAITED_NS)
                .flat_map(|waited| waited.chunks_mut(MOST_OF_A_READ))
                .for_each(stamp_once),
            Fault::AnswerSome => {
                let mut index = 0;
                rows.retain(|_| {
                    index += 1;
                    index % 10 != 0
                });
            }
            Fault::WrongSamples if !self.has_omitted_one && !rows.is_empty() => {
                self.has_omitted_one = true;
                rows.remove(0);
            }
            _ => {}
        }
        rows
    }
}

fn write_line(line: &FromClient) -> Result<()> {
    Ok(contract::write(&mut std::io::stdout().lock(), line)?)
}

/// Writes the line with another value at a key, one that the types do not allow.
fn write_with(line: &FromClient, key: &str, value: serde_json::Value) -> Result<()> {
    let mut line = serde_json::to_value(line)?;
    line[key] = value;
    println!("{line}");
    Ok(())
}
