//! A recorded market: the gaps between ticks, and optionally symbols and prices.

use crate::symbol::SYMBOLS;
use serde::Deserialize;

/// The most ticks of a recording: it is kept in memory.
const MAX_TICKS: usize = 20_000_000;
/// The highest price, in cents: checksums stay exact.
const MAX_CENTS: f64 = 1e9;

/// Why a text is no recording.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// A line that is wrong.
    #[error("line {number}: {error}")]
    Line {
        /// Its number, from 1; the header is line 1.
        number: usize,
        /// What is wrong with it.
        error: LineError,
    },
    /// No ticks, or all of them at one instant.
    #[error("it has no tick, or all ticks are at one instant")]
    NoLength,
}

/// What is wrong with a line of a recording.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not CSV, or not the columns of a recording.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// More ticks than a recording may have.
    #[error("a recording may have {MAX_TICKS} ticks and no more")]
    TooManyTicks,
    /// A recording whose offsets would not fit.
    #[error("the recording is longer than a century")]
    TooLong,
    /// A symbol that the market does not have.
    #[error("symbol {0} is not below {SYMBOLS}")]
    Symbol(u32),
    /// A price that is no price, or too high.
    #[error("price {0} is not between 0.01 and 10000000")]
    Price(f64),
    /// A column that only some lines have.
    #[error("symbol and price have to be on every line or on none")]
    MissingColumn,
}

/// A recording, ready to be replayed over and over.
#[derive(Debug, PartialEq, Eq)]
pub struct Tape {
    /// When each tick is due, in ns since the beginning of the recording.
    offsets_ns: Vec<u64>,
    /// From the beginning of the recording to the beginning of its next run.
    span_ns: u64,
    /// The symbol of each tick; empty without that column.
    symbols: Vec<u32>,
    /// The price of each tick, in cents; empty without that column.
    cents: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    gap_ns: u64,
    symbol: Option<u32>,
    price: Option<f64>,
}

impl Tape {
    /// Reads CSV text with a header line: `gap_ns` (the time since the tick before, in
    /// ns), and optionally `symbol` (below [`SYMBOLS`]) and `price`.
    ///
    /// # Errors
    /// What is wrong, with the number of its line.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        let mut tape =
            Self { offsets_ns: Vec::new(), span_ns: 0, symbols: Vec::new(), cents: Vec::new() };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        for (number, line) in (2..).zip(reader.deserialize::<Line>()) {
            let pushed = line.map_err(LineError::from).and_then(|line| tape.push(&line));
            pushed.map_err(|error| TapeError::Line { number, error })?;
        }
        match tape.span_ns {
            0 => Err(TapeError::NoLength),
            _ => Ok(tape),
        }
    }

    fn push(&mut self, line: &Line) -> Result<(), LineError> {
        if self.offsets_ns.len() == MAX_TICKS {
            return Err(LineError::TooManyTicks);
        }
        // The first gap is the one between the last tick and the next run.
        let end = self.span_ns.checked_add(line.gap_ns).filter(|&ns| ns < 1 << 62);
        self.span_ns = end.ok_or(LineError::TooLong)?;
        self.offsets_ns.push(self.span_ns);
        if let Some(symbol) = line.symbol {
            if symbol >= SYMBOLS {
                return Err(LineError::Symbol(symbol));
            }
            self.symbols.push(symbol);
        }
        if let Some(price) = line.price {
            let cents = (price * 100.0).round();
            if !(1.0..=MAX_CENTS).contains(&cents) {
                return Err(LineError::Price(price));
            }
            self.cents.push(cents as u64);
        }
        let whole = |column: usize| column == 0 || column == self.offsets_ns.len();
        match whole(self.symbols.len()) && whole(self.cents.len()) {
            true => Ok(()),
            false => Err(LineError::MissingColumn),
        }
    }

    /// Ticks of one run through the recording.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.offsets_ns.len() as u64
    }

    /// The length of one run through the recording, in ns.
    #[must_use]
    pub fn span_ns(&self) -> u64 {
        self.span_ns
    }

    /// Symbol and price of tick `seq`, as far as recorded.
    #[inline]
    #[must_use]
    pub fn quote(&self, seq: u64) -> (Option<u32>, Option<u64>) {
        let index = (seq % self.ticks()) as usize;
        (self.symbols.get(index).copied(), self.cents.get(index).copied())
    }

    pub(crate) fn due_offset_ns(&self, seq: u64) -> u64 {
        let (run, index) = (seq / self.ticks(), (seq % self.ticks()) as usize);
        run * self.span_ns + self.offsets_ns[index]
    }

    pub(crate) fn due_count(&self, elapsed_ns: u64) -> u64 {
        let (run, within) = (elapsed_ns / self.span_ns, elapsed_ns % self.span_ns);
        let due = self.offsets_ns.partition_point(|&at| at <= within) as u64;
        run * self.ticks() + due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_repeats() {
        let tape =
            Tape::parse("gap_ns,symbol,price\n0,1,10.5\n5,2,11\n 0,3,12\n7,4,0.01\n").unwrap();
        assert_eq!((tape.ticks(), tape.span_ns()), (4, 12));
        let due: Vec<u64> = (0..6).map(|seq| tape.due_offset_ns(seq)).collect();
        assert_eq!(due, [0, 5, 5, 12, 12, 17]);
        assert_eq!(tape.quote(5), (Some(2), Some(1100)));
        assert_eq!([0, 4, 5, 11, 12, 17].map(|ns| tape.due_count(ns)), [1, 1, 3, 3, 5, 7]);
    }

    #[test]
    fn a_recording_needs_gaps_only() {
        let tape = Tape::parse("gap_ns\n1000\n").unwrap();
        assert_eq!(tape.quote(9), (None, None));
    }

    #[test]
    fn an_error_names_its_line() {
        type Is = fn(&LineError) -> bool;
        let cases: [(&str, usize, Is); 5] = [
            ("gap_ns\n-1\n", 2, |e| matches!(e, LineError::Csv(_))),
            ("gap_ns,symbol\n1,1\n1,64\n", 3, |e| matches!(e, LineError::Symbol(64))),
            ("gap_ns,price\n1,0\n", 2, |e| matches!(e, LineError::Price(0.0))),
            ("gap_ns,symbol\n1,1\n1,\n", 3, |e| matches!(e, LineError::MissingColumn)),
            ("gap,symbol\n1,1\n", 2, |e| matches!(e, LineError::Csv(_))),
        ];
        for (text, line, is_expected) in cases {
            match Tape::parse(text).unwrap_err() {
                TapeError::Line { number, error } => {
                    assert!(number == line && is_expected(&error), "line {number}: {error}");
                }
                other => panic!("{other}"),
            }
        }
        for text in ["gap_ns\n", "gap_ns\n0\n"] {
            assert!(matches!(Tape::parse(text), Err(TapeError::NoLength)), "{text}");
        }
    }
}
