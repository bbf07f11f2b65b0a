//! Reads a recording line by line, within bounded memory beside the ticks themselves.

use crate::symbol::{self, SYMBOLS};
use crate::tape::decimal::{NotWhole, whole};
use crate::tape::error::{
    Column, Foreign, HeaderError, LineError, MAX_LINE_BYTES, TapeError, shown,
};
use crate::tape::header::{Header, Unclosed, fields};
use crate::tape::recorded::Tape;
use std::io::{BufRead, Read};

/// The highest price, in cents: checksums stay exact.
const MAX_CENTS: u64 = 1_000_000_000;
/// The longest gap, in ns: a day.
const MAX_GAP_NS: u64 = 86_400_000_000_000;
/// Gaps from here on may be times of a clock: seconds since 1970 are more.
const ABSOLUTE_NS: u64 = 1_000_000_000;
/// Times of a clock differ from the first by less than this share.
const ABSOLUTE_SHARE: u64 = 1_000;
/// Bytes between two reports of progress.
const REPORT_BYTES: u64 = 8 << 20;
/// The byte order mark that some programs put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A recording and what is to be said about it.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadTape {
    /// Its ticks.
    pub tape: Tape,
    /// The longest time without a tick.
    pub longest_gap: LongestGap,
}

/// The longest gap of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LongestGap {
    /// The line that has it, from 1.
    pub line: usize,
    /// How long it is, in ns.
    pub ns: u64,
}

impl Tape {
    /// Reads CSV text with a header line: `gap_ns` (the time since the tick before, in ns),
    /// and optionally `symbol` (a name, or a number below [`SYMBOLS`]) and `price`. Nothing
    /// is rounded. `progress` gets the bytes so far, every few MiB.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(from: impl BufRead, progress: impl FnMut(u64)) -> Result<ReadTape, TapeError> {
        Reader::new(from, Rules::Exact).read(progress)
    }

    /// Reads a recording that was played: prices with more than two decimals were rounded to
    /// cents then.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read_played(from: impl BufRead) -> Result<Self, TapeError> {
        Ok(Reader::new(from, Rules::AsPlayed).read(|_| {})?.tape)
    }

    /// Reads a recording from text.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        Ok(Self::read(text.as_bytes(), |_| {})?.tape)
    }
}

/// What is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// What can be played as it is written.
    Exact,
    /// All that was ever played.
    AsPlayed,
}

struct Reader<R> {
    from: R,
    rules: Rules,
    line: Vec<u8>,
    /// The number of the newest line, from 1.
    number: usize,
    bytes: u64,
    tape: Tape,
    longest_gap: LongestGap,
    gaps: Gaps,
    /// Whether ticks have symbols and prices; `None`: there is no tick yet.
    has: Option<(bool, bool)>,
}

/// What tells times of a clock from gaps.
#[derive(Debug, Default)]
struct Gaps {
    first: Option<(usize, u64)>,
    last_ns: u64,
    has_fallen: bool,
}

impl Gaps {
    fn add(&mut self, line: usize, gap_ns: u64) {
        self.first.get_or_insert((line, gap_ns));
        self.has_fallen |= gap_ns < self.last_ns;
        self.last_ns = gap_ns;
    }

    /// The first of them, if they can only be times of a clock: they never fall, rise, and are
    /// large beside their differences.
    fn absolute(&self, ticks: u64) -> Option<(usize, u64)> {
        let (line, first_ns) = self.first?;
        let rise_ns = self.last_ns.saturating_sub(first_ns);
        let is_absolute = ticks >= 3
            && !self.has_fallen
            && first_ns >= ABSOLUTE_NS
            && (1..first_ns / ABSOLUTE_SHARE).contains(&rise_ns);
        is_absolute.then_some((line, first_ns))
    }
}

impl<R: BufRead> Reader<R> {
    fn new(from: R, rules: Rules) -> Self {
        Self {
            from,
            rules,
            line: Vec::new(),
            number: 0,
            bytes: 0,
            tape: Tape::default(),
            longest_gap: LongestGap::default(),
            gaps: Gaps::default(),
            has: None,
        }
    }

    fn read(mut self, mut progress: impl FnMut(u64)) -> Result<ReadTape, TapeError> {
        if let Some(foreign) = Foreign::by(self.from.fill_buf()?) {
            return Err(TapeError::Foreign(foreign));
        }
        let too_long = |number| TapeError::Header { number, error: HeaderError::TooLong };
        if !self.next_line(too_long)? {
            return Err(TapeError::Empty);
        }
        let number = self.number;
        let header = self.line.strip_prefix(BOM).unwrap_or(&self.line);
        let header = Header::read(header).map_err(|error| TapeError::Header { number, error })?;
        let too_long = |number| TapeError::Line { number, error: LineError::LineTooLong };
        let mut reported = 0;
        while self.next_line(too_long)? {
            self.tick(&header)?;
            if self.bytes - reported >= REPORT_BYTES {
                reported = self.bytes;
                progress(reported);
            }
        }
        self.finish(number)
    }

    /// Reads the next line that is not blank; false: there is none.
    fn next_line(&mut self, too_long: impl Fn(usize) -> TapeError) -> Result<bool, TapeError> {
        loop {
            self.line.clear();
            let mut from = self.from.by_ref().take(MAX_LINE_BYTES as u64 + 2);
            let read = from.read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            self.bytes += read as u64;
            for end in [b'\n', b'\r'] {
                self.line.pop_if(|last| *last == end);
            }
            if self.line.len() > MAX_LINE_BYTES {
                return Err(too_long(self.number));
            }
            let text = self.line.strip_prefix(BOM).unwrap_or(&self.line);
            if !text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Adds the tick of the newest line.
    fn tick(&mut self, header: &Header) -> Result<(), TapeError> {
        let number = self.number;
        let wrong = |error| TapeError::Line { number, error };
        let row = Row::read(&self.line, header, self.rules).map_err(wrong)?;
        let gap_ns = row.gap_ns;
        if gap_ns > MAX_GAP_NS && self.rules == Rules::Exact {
            return Err(match self.gaps.first {
                None => TapeError::AbsoluteTimes { line: number, due_ns: gap_ns },
                Some(_) => wrong(LineError::LongGap { ns: gap_ns }),
            });
        }
        let has = (row.symbol.is_some(), row.cents.is_some());
        let before = *self.has.get_or_insert(has);
        for (column, is_here, was_here) in
            [(Column::Symbol, has.0, before.0), (Column::Price, has.1, before.1)]
        {
            if is_here != was_here {
                return Err(wrong(LineError::SomeLinesOnly { column, is_here }));
            }
        }
        self.tape.push(gap_ns, row.symbol, row.cents).map_err(wrong)?;
        self.gaps.add(number, gap_ns);
        if gap_ns > self.longest_gap.ns {
            self.longest_gap = LongestGap { line: number, ns: gap_ns };
        }
        Ok(())
    }

    fn finish(mut self, header: usize) -> Result<ReadTape, TapeError> {
        let Some((first, _)) = self.gaps.first else { return Err(TapeError::NoTick { header }) };
        let ticks = self.tape.ticks();
        if self.tape.span_ns() == 0 {
            return Err(TapeError::NoLength { ticks: ticks as usize, first });
        }
        if self.rules == Rules::Exact
            && let Some((line, due_ns)) = self.gaps.absolute(ticks)
        {
            return Err(TapeError::AbsoluteTimes { line, due_ns });
        }
        self.tape.finish();
        Ok(ReadTape { tape: self.tape, longest_gap: self.longest_gap })
    }
}

/// The values of one line.
#[derive(Debug, Default)]
struct Row {
    gap_ns: u64,
    symbol: Option<u8>,
    cents: Option<u32>,
}

impl Row {
    #[inline]
    fn read(line: &[u8], header: &Header, rules: Rules) -> Result<Self, LineError> {
        let (mut row, mut count, mut wrong) = (Self::default(), 0, None);
        let read = fields(line, header.separator, |field| {
            match header.columns.get(count) {
                Some(&column) if wrong.is_none() => {
                    wrong = row.set(column, &field, rules).err();
                }
                Some(_) => {}
                // A separator at the end of a line separates nothing.
                None if field.is_empty() && count == header.columns.len() => return,
                None => {}
            }
            count += 1;
        });
        let columns = header.columns.len();
        if read == Err(Unclosed) {
            return Err(LineError::Quote { found: shown(line) });
        }
        if count != columns {
            return Err(LineError::Fields { fields: count, columns, found: shown(line) });
        }
        wrong.map_or(Ok(row), Err)
    }

    #[inline]
    fn set(&mut self, column: Column, field: &[u8], rules: Rules) -> Result<(), LineError> {
        let wrong = |why| LineError::Value { column, found: shown(field), why };
        if field.is_empty() && column != Column::Gap {
            return Ok(());
        }
        match column {
            Column::Gap => {
                self.gap_ns = whole(field, 0).map_err(|why| wrong(Some(why)))?;
            }
            Column::Symbol => {
                let symbol = symbol_of(field).ok_or_else(|| wrong(None))?;
                self.symbol = Some(symbol);
            }
            Column::Price => {
                let cents = match (whole(field, 2), rules) {
                    (Err(NotWhole::Fraction), Rules::AsPlayed) => rounded_cents(field),
                    (cents, _) => cents,
                };
                let cents = cents.map_err(|why| wrong(Some(why)))?;
                let in_range = (1..=MAX_CENTS).contains(&cents);
                let cents = u32::try_from(cents).ok().filter(|_| in_range);
                self.cents = Some(cents.ok_or_else(|| wrong(None))?);
            }
        }
        Ok(())
    }
}

fn symbol_of(field: &[u8]) -> Option<u8> {
    let number = match whole(field, 0) {
        Ok(number) => u32::try_from(number).ok()?,
        Err(_) => symbol::by_name(str::from_utf8(field).ok()?)?,
    };
    u8::try_from(number).ok().filter(|_| number < SYMBOLS)
}

fn rounded_cents(field: &[u8]) -> Result<u64, NotWhole> {
    let price: f64 =
        str::from_utf8(field).ok().and_then(|t| t.parse().ok()).ok_or(NotWhole::Text)?;
    Ok((price * 100.0).round() as u64)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
