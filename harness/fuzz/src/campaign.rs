//! Saved campaigns: whatever their files contain, they are read or refused, in bounded memory.

use bench_archive::archive::Archive;
use bench_archive::campaign::Evidence;
use bench_archive::rounds::Round;
use std::cell::RefCell;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;
use zstd::bulk::Compressor;

/// The names of compressed files in the rounds of the seeds.
const JOURNEYS: &str = "journeys.csv.zst";
const GRID: &str = "grid.csv.zst";
/// The recording of a workload whose `replay` is `tape`.
const TAPE: &str = "recordings/tape.zst";

/// One directory for all calls, of which only one runs at a time: creating another for each
/// would take longer than the reading.
static ROOM: Mutex<Option<TempDir>> = Mutex::new(None);

/// Reads the bytes as the files of a campaign, with a zero byte between them: `campaign.json`,
/// `rounds.jsonl`, and uncompressed the journeys, the snapshots and the recording of its rounds;
/// last, if any, the compressed journeys.
///
/// # Panics
/// When the reader panics.
pub fn hold(bytes: &[u8]) -> bool {
    let mut room = ROOM.lock().unwrap_or_else(PoisonError::into_inner);
    let room = room.get_or_insert_with(|| {
        let room = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(room.path().join("recordings")).expect("a new directory");
        room
    });
    let files = Files::new(bytes, room.path());
    let read = read(&files);
    files.remove();
    read
}

/// Removes the directory that [`hold`] keeps.
pub fn tidy() {
    *ROOM.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// The files of one call.
struct Files<'a> {
    dir: &'a Path,
    journeys: &'a [u8],
    grid: &'a [u8],
    packed_journeys: &'a [u8],
}

impl<'a> Files<'a> {
    /// Splits the bytes, and writes the files that opening needs.
    fn new(bytes: &'a [u8], dir: &'a Path) -> Self {
        let mut parts = bytes.splitn(6, |&byte| byte == 0);
        let mut next = || parts.next().unwrap_or_default();
        let [campaign, rounds, journeys, grid, tape, packed_journeys] = [(); 6].map(|()| next());
        let files = Self { dir, journeys, grid, packed_journeys };
        files.write("campaign.json", campaign);
        files.write("rounds.jsonl", rounds);
        if !tape.is_empty() {
            files.write(TAPE, &pack(tape));
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a temporary file");
    }

    /// Writes the files of its rounds.
    fn write_tables(&self) {
        let packed = self.packed_journeys;
        let journeys = if packed.is_empty() { pack(self.journeys) } else { packed.to_vec() };
        self.write(JOURNEYS, &journeys);
        self.write(GRID, &pack(self.grid));
    }

    /// Removes all files, so that the next call begins without them.
    fn remove(&self) {
        for name in ["campaign.json", "rounds.jsonl", JOURNEYS, GRID, TAPE] {
            // Not all of them were written.
            let _ = fs::remove_file(self.path(name));
        }
    }
}

thread_local! {
    // Creating one takes as long as reading a campaign.
    static PACKER: RefCell<Compressor<'static>> =
        RefCell::new(Compressor::new(1).expect("a valid level"));
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    PACKER.with_borrow_mut(|packer| packer.compress(bytes)).expect("writing to memory cannot fail")
}

/// Reads everything in an archive; returns whether all of it could be read.
fn read(files: &Files<'_>) -> bool {
    let archive = match Archive::open(files.dir) {
        Ok(archive) => archive,
        Err(error) => return refused(&error),
    };
    let rounds: Vec<(&Round, &Evidence)> =
        archive.rounds.iter().filter_map(|round| Some((round, round.evidence.as_ref()?))).collect();
    if !rounds.is_empty() {
        files.write_tables();
    }
    for workload in &archive.campaign.workloads {
        for row in &archive.campaign.rows {
            black_box(archive.behind(workload, row));
        }
    }
    let mut is_whole = true;
    for (round, evidence) in rounds {
        black_box((archive.counts(round), archive.connections(&round.result.workload)));
        is_whole &= archive.grid(evidence).map_or_else(|error| refused(&error), |_| true);
        match archive.journeys(round, evidence) {
            Ok(journeys) => {
                for (_, stamps) in journeys {
                    black_box((
                        stamps.parts(evidence.ended_ns),
                        stamps.response(evidence.ended_ns),
                    ));
                }
            }
            Err(error) => is_whole &= refused(&error),
        }
    }
    is_whole
}

/// Checks that an error has a message; returns `false`, as something could not be read.
fn refused(error: &anyhow::Error) -> bool {
    assert!(!format!("{error:#}").is_empty());
    false
}
