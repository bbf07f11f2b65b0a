//! A recorded market: gaps, and where it has them symbols and prices.

use crate::SYMBOLS;
use serde::Deserialize;

/// The most ticks of a recording: more would fill the memory.
const MAX_TICKS: usize = 20_000_000;
/// The highest price, in cents: keeps checksums exact.
const MAX_CENTS: f64 = 1e9;

/// A recording, ready to be replayed over and over.
#[derive(Debug, PartialEq, Eq)]
pub struct Tape {
    /// When each tick is due, in ns since the recording's beginning.
    offsets_ns: Vec<u64>,
    span_ns: u64,
    /// Symbol and price in cents; without a column of them, none.
    symbols: Vec<u32>,
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
    /// Reads CSV text with a header line: `gap_ns` (the time since the tick
    /// before, in ns), and if wanted `symbol` (below [`SYMBOLS`]) and `price`.
    ///
    /// # Errors
    /// What is wrong, with the line's number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut tape =
            Self { offsets_ns: Vec::new(), span_ns: 0, symbols: Vec::new(), cents: Vec::new() };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        for (number, line) in (2..).zip(reader.deserialize::<Line>()) {
            let line = line.map_err(|error| format!("line {number}: {error}"))?;
            tape.push(&line).map_err(|error| format!("line {number}: {error}"))?;
        }
        match tape.span_ns {
            0 => Err("it has no tick, or all at one instant".into()),
            _ => Ok(tape),
        }
    }

    fn push(&mut self, line: &Line) -> Result<(), String> {
        if self.offsets_ns.len() == MAX_TICKS {
            return Err(format!("more than {MAX_TICKS} ticks"));
        }
        // The first gap is that between the end of a run through and the next.
        let end = self.span_ns.checked_add(line.gap_ns).filter(|&ns| ns < 1 << 62);
        self.span_ns = end.ok_or("the recording is longer than a century")?;
        self.offsets_ns.push(self.span_ns);
        if let Some(symbol) = line.symbol {
            if symbol >= SYMBOLS {
                return Err(format!("symbol {symbol} is not below {SYMBOLS}"));
            }
            self.symbols.push(symbol);
        }
        if let Some(price) = line.price {
            let cents = (price * 100.0).round();
            if !(1.0..=MAX_CENTS).contains(&cents) {
                return Err(format!("price {price} is not between 0.01 and 10000000"));
            }
            self.cents.push(cents as u64);
        }
        let whole = |column: usize| column == 0 || column == self.offsets_ns.len();
        match whole(self.symbols.len()) && whole(self.cents.len()) {
            true => Ok(()),
            false => Err("symbol and price have to be on every line or on none".into()),
        }
    }

    /// Ticks of one run through.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.offsets_ns.len() as u64
    }

    /// The time of one run through, in ns.
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
    fn a_recording_repeats_itself() {
        let tape =
            Tape::parse("gap_ns,symbol,price\n0,1,10.5\n5,2,11\n 0,3,12\n7,4,0.01\n").unwrap();
        assert_eq!((tape.ticks(), tape.span_ns()), (4, 12));
        let due: Vec<u64> = (0..6).map(|seq| tape.due_offset_ns(seq)).collect();
        assert_eq!(due, [0, 5, 5, 12, 12, 17]);
        assert_eq!(tape.quote(5), (Some(2), Some(1100)));
        assert_eq!([0, 4, 5, 11, 12, 17].map(|ns| tape.due_count(ns)), [1, 1, 3, 3, 5, 7]);
    }

    #[test]
    fn gaps_alone_will_do() {
        let tape = Tape::parse("gap_ns\n1000\n").unwrap();
        assert_eq!(tape.quote(9), (None, None));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let cases = [
            ("gap_ns\n", "no tick"),
            ("gap_ns\n0\n", "all at one instant"),
            ("gap_ns\n-1\n", "line 2"),
            ("gap_ns,symbol\n1,1\n1,64\n", "line 3: symbol 64"),
            ("gap_ns,price\n1,0\n", "line 2: price 0"),
            ("gap_ns,symbol\n1,1\n1,\n", "line 3: symbol and price"),
            ("gap,symbol\n1,1\n", "line 2"),
        ];
        for (text, expected) in cases {
            let error = Tape::parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
