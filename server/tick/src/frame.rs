//! Ticks as WebSocket frames: unmasked, as a server sends them, one message per tick
//! (RFC 6455, section 5.2).

use crate::format::{Format, Tick};
use crate::market::Market;
use std::ops::Range;

/// Bytes before each payload: every tick is shorter than 126 bytes, so that the
/// short form of the length is enough.
pub const FRAME_HEADER_BYTES: usize = 2;

/// Encodes the market's ticks of one run.
#[derive(Debug, Clone)]
pub struct Framer {
    format: Format,
    market: Market,
    unix_offset_ns: i64,
}

impl Framer {
    /// A framer for one format and market. `unix_offset_ns` leads from the
    /// monotonic clock to the Unix epoch ([`crate::clock::unix_offset_ns`]).
    #[must_use]
    pub fn new(format: Format, market: Market, unix_offset_ns: i64) -> Self {
        Self { format, market, unix_offset_ns }
    }

    /// Bytes of a frame, in formats whose frames all have the same length.
    #[must_use]
    pub fn frame_len(&self) -> Option<usize> {
        self.format.payload_len().map(|n| n + FRAME_HEADER_BYTES)
    }

    /// An upper bound for the bytes of one frame.
    #[must_use]
    pub fn max_frame_len(&self) -> usize {
        self.frame_len().unwrap_or(FRAME_HEADER_BYTES + 125)
    }

    /// The symbol of tick `seq`.
    #[inline]
    #[must_use]
    pub fn symbol(&self, seq: u64) -> u32 {
        self.market.tick(seq).0
    }

    /// Appends one frame for each tick of `seqs` to `out`; `due_ns` gives the
    /// due time of a seq on the monotonic clock, in ns.
    pub fn append(&self, seqs: Range<u64>, due_ns: impl Fn(u64) -> u64, out: &mut Vec<u8>) {
        self.append_of(seqs, |seq| seq, due_ns, out);
    }

    /// The same with the symbol and price of tick `of` and one time for all of them: a
    /// message that is sent again. Only its seq is updated, in formats that have one.
    pub fn append_repeated(&self, seqs: Range<u64>, of: u64, made_ns: u64, out: &mut Vec<u8>) {
        self.append_of(seqs, |_| of, |_| made_ns, out);
    }

    #[inline]
    fn append_of(
        &self,
        seqs: Range<u64>,
        of: impl Fn(u64) -> u64,
        due_ns: impl Fn(u64) -> u64,
        out: &mut Vec<u8>,
    ) {
        match self.format {
            Format::Binary => self.append_fixed::<30>(seqs, of, due_ns, out),
            Format::ClassicBinary => self.append_fixed::<22>(seqs, of, due_ns, out),
            Format::Json | Format::ClassicJson => {
                for seq in seqs {
                    self.append_text(seq, of(seq), due_ns(seq), out);
                }
            }
        }
    }

    /// Frames of one length: written through a sized array, so that no field needs a
    /// bounds check. N is the length of a frame with its header.
    #[inline]
    fn append_fixed<const N: usize>(
        &self,
        seqs: Range<u64>,
        of: impl Fn(u64) -> u64,
        due_ns: impl Fn(u64) -> u64,
        out: &mut Vec<u8>,
    ) {
        let count = usize::try_from(seqs.end - seqs.start).expect("a batch fits memory");
        let from = out.len();
        out.resize(from + count * N, 0);
        let (frames, _) = out[from..].as_chunks_mut::<N>();
        for (frame, seq) in frames.iter_mut().zip(seqs) {
            let (symbol, cents) = self.market.tick(of(seq));
            let price = cents as f64 / 100.0;
            frame[0] = 0x82;
            frame[1] = (N - FRAME_HEADER_BYTES) as u8;
            frame[2..6].copy_from_slice(&symbol.to_le_bytes());
            frame[6..14].copy_from_slice(&price.to_le_bytes());
            frame[14..22].copy_from_slice(&self.ts(due_ns(seq)).to_le_bytes());
            if N == 30 {
                frame[22..30].copy_from_slice(&seq.to_le_bytes());
            }
        }
    }

    fn append_text(&self, seq: u64, of: u64, due_ns: u64, out: &mut Vec<u8>) {
        let (symbol, cents) = self.market.tick(of);
        let tick = Tick { symbol, price: cents as f64 / 100.0, ts: self.ts(due_ns), seq };
        let header = out.len();
        out.extend_from_slice(&[0x81, 0]);
        self.format.encode(&tick, out);
        let len = out.len() - header - FRAME_HEADER_BYTES;
        debug_assert!(len < 126, "a tick fits the short frame header");
        out[header + 1] = len as u8;
    }

    #[inline]
    fn ts(&self, due_ns: u64) -> i64 {
        match self.format {
            Format::Binary | Format::Json => due_ns as i64,
            Format::ClassicBinary | Format::ClassicJson => {
                (due_ns as i64 + self.unix_offset_ns) / 1_000_000
            }
        }
    }
}

/// The length of the frame that begins at `bytes[0]`, made by a [`Framer`]: with it a
/// log of frames is walked from one boundary to the next.
///
/// # Panics
/// When `bytes` has less than a frame header.
#[inline]
#[must_use]
pub fn frame_len_at(bytes: &[u8]) -> usize {
    FRAME_HEADER_BYTES + usize::from(bytes[1])
}
