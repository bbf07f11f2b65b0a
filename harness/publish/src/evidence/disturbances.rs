//! `disturbances.jsonl`: what took CPU time from the rounds of a campaign, a line each.

use crate::export::File;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_core::record::disturbance::Disturbance;
use serde::Serialize;

/// The name of the file.
pub const FILE: &str = "disturbances.jsonl";

/// A line: the round, then the fields of the disturbance.
#[derive(Serialize)]
struct Line<'a> {
    order: usize,
    workload: &'a str,
    client: &'a str,
    control: bool,
    round: u32,
    repeat: u32,
    #[serde(flatten)]
    disturbance: &'a Disturbance,
}

/// The file; empty where nothing was disturbed.
///
/// # Errors
/// When a line cannot be written as JSON.
pub fn file(archive: &Archive) -> Result<File> {
    let mut bytes = Vec::new();
    for (order, round) in (1..).zip(&archive.rounds) {
        let result = &round.result;
        for disturbance in &result.disturbances {
            let line = Line {
                order,
                workload: &result.workload,
                client: &result.client,
                control: result.control,
                round: result.round,
                repeat: result.repeat,
                disturbance,
            };
            serde_json::to_writer(&mut bytes, &line)?;
            bytes.push(b'\n');
        }
    }
    Ok(File::new(FILE, bytes))
}
