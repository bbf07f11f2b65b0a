//! What is wrong with a recording: where, what was found, and what was expected.

use crate::symbol::SYMBOLS;
use crate::tape::decimal::NotWhole;
use std::fmt;

/// The most ticks of a recording: it is kept in memory.
pub(super) const MAX_TICKS: usize = 20_000_000;
/// The longest line, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 4_096;
/// How much of a foreign text is repeated.
const SHOWN_CHARS: usize = 60;
/// What a recording looks like.
const EXAMPLE: &str = "a recording begins with a line that names its columns, gap_ns (ns since the tick before) \
     and optionally symbol and price, such as `gap_ns,symbol,price`, and goes on with lines such as \
     `250000,AAPL,101.25`";

/// Why a text is no recording.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Something else than text.
    #[error("it is not CSV text, but {0}")]
    Foreign(Foreign),
    /// No line at all.
    #[error("it is empty: {EXAMPLE}")]
    Empty,
    /// A first line that does not name the columns.
    #[error("line {number}: {error}")]
    Header {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        error: HeaderError,
    },
    /// A header alone.
    #[error("it has no tick: nothing follows its header in line {header}")]
    NoTick {
        /// The line of the header.
        header: usize,
    },
    /// A recording without any length could not be repeated.
    #[error("all of its {ticks} ticks are at one instant: every gap_ns is 0, from line {first} on")]
    NoLength {
        /// How many ticks there are.
        ticks: usize,
        /// The line of the first.
        first: usize,
    },
    /// Times of a clock in place of the gaps between them.
    #[error(
        "first tick due in {} (line {line}): are these absolute times? gap_ns is the time since the tick before, in ns",
        Span(*due_ns)
    )]
    AbsoluteTimes {
        /// The line of the first tick.
        line: usize,
        /// When it would be due, in ns.
        due_ns: u64,
    },
    /// A line that is wrong.
    #[error("line {number}: {error}")]
    Line {
        /// Its number, from 1, as an editor shows it.
        number: usize,
        /// What is wrong with it.
        error: LineError,
    },
}

/// What a file is that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Compressed; the program that unpacks it.
    Compressed(&'static str),
    /// An archive of files.
    Zip,
    /// Columns in a binary format.
    Parquet,
    /// Text of two bytes per character.
    Utf16,
}

impl Foreign {
    /// By the first bytes of a file; `None`: it may be text.
    #[must_use]
    pub fn by(beginning: &[u8]) -> Option<Self> {
        let known: [(&[u8], Self); 8] = [
            (&[0x1f, 0x8b], Self::Compressed("gunzip")),
            (&[0x28, 0xb5, 0x2f, 0xfd], Self::Compressed("unzstd")),
            (b"BZh", Self::Compressed("bunzip2")),
            (&[0xfd, b'7', b'z', b'X', b'Z'], Self::Compressed("unxz")),
            (b"PK\x03\x04", Self::Zip),
            (b"PAR1", Self::Parquet),
            (&[0xff, 0xfe], Self::Utf16),
            (&[0xfe, 0xff], Self::Utf16),
        ];
        known.into_iter().find(|(magic, _)| beginning.starts_with(magic)).map(|(_, kind)| kind)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compressed(program) => write!(f, "compressed: unpack it with {program}"),
            Self::Zip => f.write_str("a ZIP archive: unpack it with unzip"),
            Self::Parquet => f.write_str("a Parquet file: export it as CSV"),
            Self::Utf16 => f.write_str("UTF-16: save it as UTF-8"),
        }
    }
}

/// A column of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The time since the tick before.
    Gap,
    /// The symbol.
    Symbol,
    /// The price.
    Price,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gap, Self::Symbol, Self::Price];

    /// Its name in the header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap_ns",
            Self::Symbol => "symbol",
            Self::Price => "price",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with the line that names the columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Without gaps there are no due times.
    #[error("no column `gap_ns` in `{found}`, which was read as the names of columns: {EXAMPLE}")]
    NoGaps {
        /// The line.
        found: String,
    },
    /// A column that no recording has.
    #[error("unknown column `{found}`: the columns are gap_ns, symbol and price: remove this one")]
    Unknown {
        /// Its name.
        found: String,
    },
    /// A column that comes twice.
    #[error("the column {0} comes twice")]
    Twice(Column),
    /// Lines that end with a carriage return alone.
    #[error("lines end with a carriage return alone: convert them (tr '\\r' '\\n')")]
    CarriageReturns,
    /// A line that is too long.
    #[error("it has more than {MAX_LINE_BYTES} bytes: {EXAMPLE}")]
    TooLong,
}

/// What is wrong with a line of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineError {
    /// A value that its column cannot have.
    Value {
        /// The column.
        column: Column,
        /// What it has.
        found: String,
        /// Why it is no number of that column; `None`: it is out of range.
        why: Option<NotWhole>,
    },
    /// A value that is there on some lines only.
    SomeLinesOnly {
        /// The column.
        column: Column,
        /// Whether this line has it.
        is_here: bool,
    },
    /// Another number of fields than the header has.
    Fields {
        /// How many there are.
        fields: usize,
        /// How many columns the header has.
        columns: usize,
        /// The line.
        found: String,
    },
    /// A quote that does not end in its line.
    Quote {
        /// The line.
        found: String,
    },
    /// A line that is too long.
    LineTooLong,
    /// More ticks than a recording may have.
    TooManyTicks,
    /// A gap of more than a day.
    LongGap {
        /// The gap, in ns.
        ns: u64,
    },
    /// A recording whose offsets would not fit.
    TooLong,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { column, found, why } => value(f, *column, found, *why),
            Self::SomeLinesOnly { column, is_here: true } => write!(
                f,
                "column {column}: it has a value, and lines before have none: give it on every line or on none"
            ),
            Self::SomeLinesOnly { column, is_here: false } => write!(
                f,
                "column {column}: it is empty, and lines before have a value: give it on every line or on none"
            ),
            Self::Fields { fields, columns, found } => write!(
                f,
                "found {fields} fields in `{found}`, expected {columns} as in the header: write numbers without thousands separators"
            ),
            Self::Quote { found } => write!(f, "a quote in `{found}` does not end in this line"),
            Self::LineTooLong => write!(f, "it has more than {MAX_LINE_BYTES} bytes"),
            Self::TooManyTicks => {
                write!(f, "a recording may have {MAX_TICKS} ticks and no more: cut it here")
            }
            Self::LongGap { ns } => write!(
                f,
                "column gap_ns: a gap of {}: the longest is a day: are these absolute times, or another unit than ns?",
                Span(*ns)
            ),
            Self::TooLong => f.write_str("the recording is longer than a century up to here"),
        }
    }
}

fn value(
    f: &mut fmt::Formatter<'_>,
    column: Column,
    found: &str,
    why: Option<NotWhole>,
) -> fmt::Result {
    match found {
        "" => write!(f, "column {column}: found nothing, expected ")?,
        _ => write!(f, "column {column}: found `{found}`, expected ")?,
    }
    match (column, why) {
        (Column::Gap, Some(NotWhole::Negative)) => {
            f.write_str("0 or more: a gap is the time since the tick before, and times cannot go back")
        }
        (Column::Gap, _) => f.write_str("whole ns since the tick before, such as 250000"),
        (Column::Symbol, _) => {
            write!(f, "a number below {SYMBOLS}, or a name of the market such as AAPL")
        }
        (Column::Price, Some(NotWhole::Fraction)) => f.write_str(
            "at most two decimals, because ticks and checksums have whole cents: round it, or leave the column out",
        ),
        (Column::Price, _) => f.write_str("a price from 0.01 to 10000000, such as 101.25"),
    }
}

/// A foreign text, as far as it is shown in one line.
#[must_use]
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    let plain = |c: char| if c.is_control() || c == '`' { '?' } else { c };
    let mut shown: String = text.chars().take(SHOWN_CHARS).map(plain).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// A long time, in its largest unit.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000_000;
        for (unit_s, unit) in
            [(31_557_600, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute")]
        {
            let count = seconds / unit_s;
            if count > 0 {
                return write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" });
            }
        }
        write!(f, "{seconds} s")
    }
}
