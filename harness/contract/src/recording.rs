//! The file of a recording, which harness and server both read: a regular file that stays as it
//! is while it is read.

use std::fs::{self, File, FileType};
use std::io::{self, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use tick::{ReadTape, Tape, TapeError};

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be opened or read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Something that can be read only once, or not at all.
    #[error(
        "it is {0}: a recording is read by the harness and by the server of each round, so it has to be a regular file"
    )]
    Kind(&'static str),
    /// Its length or time changed while it was read.
    #[error(
        "it changed while it was read (it had {before_bytes} bytes and has {after_bytes} now): copy it, and use the copy"
    )]
    Changed {
        /// Its length when it was opened.
        before_bytes: u64,
        /// Its length afterwards.
        after_bytes: u64,
    },
    /// Its contents.
    #[error(transparent)]
    Tape(#[from] TapeError),
}

/// Reads a recording as a stream. `progress` gets the bytes so far and those of the file, every
/// few MiB.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read(path: &Path, mut progress: impl FnMut(u64, u64)) -> Result<ReadTape, RecordingError> {
    // Before it is opened, which waits at a FIFO.
    if let Some(kind) = irregular(fs::metadata(path)?.file_type()) {
        return Err(RecordingError::Kind(kind));
    }
    let file = File::open(path)?;
    let before = file.metadata()?;
    let read = Tape::read(BufReader::with_capacity(BUFFER_BYTES, &file), |bytes| {
        progress(bytes, before.len());
    });
    // A line that is half written is an error, too: what matters is that the file changes.
    let after = file.metadata()?;
    let stamp = |file: &fs::Metadata| (file.len(), file.mtime(), file.mtime_nsec());
    if stamp(&before) != stamp(&after) {
        let (before_bytes, after_bytes) = (before.len(), after.len());
        return Err(RecordingError::Changed { before_bytes, after_bytes });
    }
    Ok(read?)
}

fn irregular(kind: FileType) -> Option<&'static str> {
    let kinds = [
        (kind.is_dir(), "a directory"),
        (kind.is_fifo(), "a FIFO"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ];
    kinds.into_iter().find(|(is, _)| *is).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_can_be_read_only_once_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let gone = dir.path().join("none");
        for (path, text) in [
            (dir.path(), "it is a directory: a recording is read by the harness and by the server"),
            (&fifo, "it is a FIFO: "),
            (Path::new("/dev/zero"), "it is a device: "),
            (&gone, "it cannot be read: No such file"),
        ] {
            let error = read(path, |_, _| {}).unwrap_err().to_string();
            assert!(error.starts_with(text), "{error}");
        }
    }

    #[test]
    fn a_file_that_grows_or_is_cut_off_while_it_is_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gaps.csv");
        // More than is read at a time.
        let text = format!("gap_ns\n{}", "1000000\n".repeat(3 << 20));
        for grows in [true, false] {
            fs::write(&path, &text).unwrap();
            let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            let change = |_, _| match grows {
                true => (&file).write_all(b"7\n").unwrap(),
                false => file.set_len(100).unwrap(),
            };
            let error = read(&path, change).unwrap_err();
            assert!(matches!(error, RecordingError::Changed { .. }), "{error}");
        }
        fs::write(&path, &text).unwrap();
        let mut reports = Vec::new();
        let read = read(&path, |bytes, of| reports.push((bytes, of))).unwrap();
        assert_eq!(read.tape.ticks(), 3 << 20);
        assert!(!reports.is_empty() && reports.iter().all(|&(_, of)| of == text.len() as u64));
    }
}
