//! The meter: a small file in memory of little-endian u64 counters at fixed
//! offsets. A child stores its running counts there, and the harness reads them
//! from outside whenever it likes, so that no child is ever asked anything
//! while it is measured.
//!
//! The child maps the file (or pwrites it). The harness reads with `pread`
//! instead of a mapping: a child that truncates its meter then fails its own
//! row, instead of killing the harness by SIGBUS.

use memmap2::{MmapOptions, MmapRaw};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a meter file of one connection: one page.
pub const METER_BYTES: usize = 4096;

/// The distance from the counters of one connection to those of the next, in bytes.
pub const STRIDE_BYTES: usize = 128;

/// Bytes of a meter file with that many connections: whole pages.
#[must_use]
pub fn bytes_for(connections: usize) -> usize {
    (STRIDE_BYTES * (connections + 1)).next_multiple_of(METER_BYTES)
}

/// The first eight bytes of a meter file.
pub const MAGIC: [u8; 8] = *b"TICKMTR1";

/// The offset of a counter in the file, in bytes; a multiple of 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize);

impl Slot {
    /// Client: ticks taken from the WebSocket library.
    pub const RECEIVED: Self = Self(64);
    /// Client: ticks decoded, checked and worked on. On a cache line of its
    /// own, as another thread may write it.
    pub const PROCESSED: Self = Self(128);
    /// Server: ticks generated.
    pub const GENERATED: Self = Self(64);
    /// Server: ticks whose last byte the kernel took.
    pub const WRITTEN: Self = Self(72);
    /// Server: ticks that the peer's kernel acknowledged.
    pub const ACKNOWLEDGED: Self = Self(80);
    /// Server: ticks confirmed by a pong.
    pub const CONFIRMED: Self = Self(88);
    /// Server: bytes handed to the kernel, control frames included.
    pub const WRITTEN_BYTES: Self = Self(96);
    /// Server: time in which ticks waited while the socket took nothing, in ns.
    pub const BLOCKED_NS: Self = Self(104);
    /// Server: time spent spinning before due times, in ns.
    pub const SPUN_NS: Self = Self(112);
    /// Server: bytes that the broadcast log holds.
    pub const LOG_BYTES: Self = Self(120);
    /// Server: ticks that a policy dropped or conflated.
    pub const DROPPED: Self = Self(128);

    /// The same counter of a client's connection with that number.
    #[must_use]
    pub fn of(self, connection: usize) -> Self {
        Self(self.0 + connection * STRIDE_BYTES)
    }

    /// Its place in the file, in bytes.
    #[must_use]
    pub fn offset(self) -> usize {
        self.0
    }
}

/// A meter as its writer sees it.
#[derive(Debug)]
pub struct Meter {
    map: MmapRaw,
    len: usize,
}

impl Meter {
    /// Maps a meter file that the harness created for this number of connections.
    ///
    /// # Errors
    /// When it cannot be opened or mapped, is not a meter file, or is for another number
    /// of connections.
    pub fn open(path: &Path, connections: usize) -> Result<Self> {
        let len = bytes_for(connections);
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut magic = [0; 8];
        file.read_exact_at(&mut magic, 0)?;
        if magic != MAGIC || file.metadata()?.len() != len as u64 {
            return Err(Error::new(ErrorKind::InvalidData, "not a meter file"));
        }
        let map = MmapOptions::new().len(len).map_raw(&file)?;
        Ok(Self { map, len })
    }

    /// A meter that nobody reads: for a plan without one, and for benches.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn unread(connections: usize) -> Result<Self> {
        let len = bytes_for(connections);
        let map = MmapRaw::from(MmapOptions::new().len(len).map_anon()?);
        Ok(Self { map, len })
    }

    /// The counter at `slot`. Store to it with [`Ordering::Relaxed`]: each has
    /// one writer, and its reader needs no more than a recent value.
    #[inline]
    #[must_use]
    pub fn counter(&self, slot: Slot) -> &AtomicU64 {
        assert!(slot.0 + 8 <= self.len && slot.0.is_multiple_of(8));
        // SAFETY: the mapping is `len` long, page aligned and lives as long as
        // self; slots are 8-aligned and inside; the memory is only ever
        // accessed as atomics, in this process and in others.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(slot.0).cast()) }
    }

    /// Stores one count.
    #[inline]
    pub fn set(&self, slot: Slot, value: u64) {
        self.counter(slot).store(value.to_le(), Ordering::Relaxed);
    }
}

/// For counters that several threads write.
impl Meter {
    /// Adds to a count, modulo 2^64: adding the negative of a value subtracts it.
    #[inline]
    pub fn add(&self, slot: Slot, value: u64) {
        self.change(slot, |count| count.wrapping_add(value));
    }

    /// Raises a count to `value`, unless it is higher already.
    #[inline]
    pub fn raise(&self, slot: Slot, value: u64) {
        self.change(slot, |count| count.max(value));
    }

    #[inline]
    fn change(&self, slot: Slot, change: impl Fn(u64) -> u64) {
        let counter = self.counter(slot);
        let mut old = counter.load(Ordering::Relaxed);
        while let Err(newer) = counter.compare_exchange_weak(
            old,
            change(u64::from_le(old)).to_le(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            old = newer;
        }
    }
}

/// A meter as the harness sees it.
#[derive(Debug)]
pub struct MeterFile {
    file: File,
}

impl MeterFile {
    /// Creates a meter file for this number of connections, with every counter at zero.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(path: &Path, connections: usize) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        let mut pages = vec![0; bytes_for(connections)];
        pages[..8].copy_from_slice(&MAGIC);
        file.write_all(&pages)?;
        Ok(Self { file })
    }

    /// Reads the same counter of connections 0 up to `connections`, in one go. `bytes` is what
    /// the file is read into; to be used again.
    ///
    /// # Errors
    /// When the child has truncated its meter.
    pub fn read_each<'a>(
        &self,
        slot: Slot,
        connections: usize,
        bytes: &'a mut Vec<u8>,
    ) -> Result<impl Iterator<Item = u64> + 'a> {
        bytes.resize(STRIDE_BYTES * (connections - 1) + 8, 0);
        self.file.read_exact_at(bytes, slot.0 as u64)?;
        Ok(bytes
            .chunks(STRIDE_BYTES)
            .filter_map(|part| part.first_chunk().copied())
            .map(u64::from_le_bytes))
    }

    /// Reads one counter.
    ///
    /// # Errors
    /// When the child has truncated its meter.
    pub fn read(&self, slot: Slot) -> Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, slot.0 as u64)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
