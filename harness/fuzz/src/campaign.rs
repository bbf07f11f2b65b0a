//! Saved campaigns: whatever stands in their files, they are read or refused, in
//! bounded memory.

use bench_archive::archive::{Archive, Round};
use bench_archive::campaign::Evidence;
use std::cell::RefCell;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;
use zstd::bulk::Compressor;

/// What the seeds' rounds call their packed files.
const JOURNEYS: &str = "journeys.csv.zst";
const GRID: &str = "grid.csv.zst";
/// The recording of a workload whose `replay` is `tape`.
const TAPE: &str = "recordings/tape.zst";

/// One folder for all calls: making another for each would take longer than the
/// reading. Nobody else reads it meanwhile.
static ROOM: Mutex<Option<TempDir>> = Mutex::new(None);

/// Takes the bytes as the files of a campaign, with a zero byte between them:
/// `campaign.json`, `rounds.jsonl`, and unpacked the journeys, the looks and
/// the recording of its rounds; last, if it is there, the packed journeys.
///
/// # Panics
/// When the reader does.
pub fn hold(bytes: &[u8]) -> bool {
    let mut room = ROOM.lock().unwrap_or_else(PoisonError::into_inner);
    let room = room.get_or_insert_with(|| {
        let room = tempfile::tempdir().expect("a folder for temporary files");
        fs::create_dir(room.path().join("recordings")).expect("a new folder");
        room
    });
    let files = Files::new(bytes, room.path());
    let read = read(&files);
    files.remove();
    read
}

/// Removes the folder that [`hold`] keeps.
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
    /// Writes those that opening needs.
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

    /// Writes those of its rounds.
    fn write_tables(&self) {
        let packed = self.packed_journeys;
        let journeys = if packed.is_empty() { pack(self.journeys) } else { packed.to_vec() };
        self.write(JOURNEYS, &journeys);
        self.write(GRID, &pack(self.grid));
    }

    /// The next call begins without them.
    fn remove(&self) {
        for name in ["campaign.json", "rounds.jsonl", JOURNEYS, GRID, TAPE] {
            // Not all of them were written.
            let _ = fs::remove_file(self.path(name));
        }
    }
}

thread_local! {
    // Making one takes as long as reading a campaign.
    static PACKER: RefCell<Compressor<'static>> =
        RefCell::new(Compressor::new(1).expect("a sound level"));
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    PACKER.with_borrow_mut(|packer| packer.compress(bytes)).expect("memory takes everything")
}

/// Reads all that an archive has; whether everything could be read.
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

/// An error is to be said in one line.
fn refused(error: &anyhow::Error) -> bool {
    let words = format!("{error:#}");
    assert!(!words.is_empty());
    false
}
