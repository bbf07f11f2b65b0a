//! Reading and writing single lines: bounded in length, strict in content.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read, Write};

/// A longer line is an error, and the child that wrote it is killed.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Characters of a line that is quoted in a message.
const QUOTED_CHARS: usize = 160;

/// The version of the contract that this crate implements.
pub const VERSION: u32 = 2;

/// Why a line could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The stream failed.
    #[error("cannot read a contract line: {0}")]
    Io(#[from] std::io::Error),
    /// No end of line within [`MAX_LINE_BYTES`].
    #[error("a contract line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The other side speaks another version.
    #[error("contract version {theirs}, but this program speaks version {VERSION}")]
    Version {
        /// The version of the other side.
        theirs: u64,
    },
    /// Not JSON, an unknown key or type, a value out of range.
    #[error("not a contract line: {why}; the line begins `{excerpt}`")]
    Content {
        /// The error of the parser.
        why: String,
        /// The first characters of the line.
        excerpt: String,
    },
}

/// The contract's version; only [`VERSION`] can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(theirs: u32) -> Result<Self, Self::Error> {
        match theirs == VERSION {
            true => Ok(Self),
            false => Err(LineError::Version { theirs: theirs.into() }.to_string()),
        }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        VERSION
    }
}

/// The body of a line that carries nothing but its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Reads the lines of one stream.
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines from `from`.
    pub fn new(from: R) -> Self {
        Self { from }
    }

    /// The next line as text, without its end; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`LineError`] when the stream fails, the line is too long or not UTF-8.
    pub fn next_text(&mut self) -> Result<Option<String>, LineError> {
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        if self.from.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong);
        }
        match String::from_utf8(line) {
            Ok(text) => Ok(Some(text)),
            Err(e) => Err(content(&e, &String::from_utf8_lossy(e.as_bytes()))),
        }
    }

    /// The next line as a `T`; `None` at the end of the stream.
    ///
    /// # Errors
    /// Those of [`Lines::next_text`] and [`parse`].
    pub fn next_line<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LineError> {
        self.next_text()?.map(|text| parse(&text)).transpose()
    }
}

/// Reads one line. If it names another contract version, that is the error, whatever else
/// may be wrong with it.
///
/// # Errors
/// [`LineError::Version`] or [`LineError::Content`].
pub fn parse<T: DeserializeOwned>(line: &str) -> Result<T, LineError> {
    serde_json::from_str(line).map_err(|e| match stated_version(line) {
        Some(theirs) if theirs != u64::from(VERSION) => LineError::Version { theirs },
        _ => content(&e, line),
    })
}

/// Writes one line and flushes it.
///
/// # Errors
/// When the stream fails, as it does when the reader has gone.
pub fn write<T: Serialize>(to: &mut impl Write, line: &T) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    to.write_all(&bytes)?;
    to.flush()
}

/// A line as it stands in the contract, shortened: for messages about it.
#[must_use]
pub fn quote<T: Serialize>(line: &T) -> String {
    let text = serde_json::to_string(line).unwrap_or_default();
    match text.char_indices().nth(QUOTED_CHARS) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}

fn stated_version(line: &str) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    value.get("contract")?.as_u64()
}

/// The parser's message may quote the line, so both are foreign text.
fn content(why: &dyn std::fmt::Display, line: &str) -> LineError {
    let plain = |text: &str, chars| text.chars().filter(|c| !c.is_control()).take(chars).collect();
    LineError::Content { why: plain(&why.to_string(), 300), excerpt: plain(line, 60) }
}
