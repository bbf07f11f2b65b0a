//! The first line of a recording, which names its columns, and the fields of a line.

use crate::tape::error::{Column, HeaderError, shown};
use std::borrow::Cow;

/// The columns of a recording, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub columns: Vec<Column>,
    /// What separates fields.
    pub separator: u8,
}

impl Header {
    /// Reads it from a line without its end. The separator is a comma, or else a tab or a
    /// semicolon; names may be quoted and in any case.
    pub fn read(line: &[u8]) -> Result<Self, HeaderError> {
        if line.contains(&b'\r') {
            return Err(HeaderError::CarriageReturns);
        }
        let separators = [b',', b'\t', b';'].into_iter();
        let separator = separators.into_iter().find(|byte| line.contains(byte)).unwrap_or(b',');
        let mut names: Vec<Cow<[u8]>> = Vec::new();
        fields(line, separator, |field| names.push(field)).map_err(|Unclosed| no_gaps(line))?;
        // A separator at the end of a line separates nothing.
        while names.len() > 1 && names.last().is_some_and(|name| name.is_empty()) {
            names.pop();
        }
        let named = |name: &Cow<[u8]>| {
            let is = |column: &Column| name.eq_ignore_ascii_case(column.name().as_bytes());
            Column::ALL.into_iter().find(is)
        };
        if !names.iter().any(|name| named(name) == Some(Column::Gap)) {
            return Err(no_gaps(line));
        }
        let mut columns = Vec::new();
        for name in &names {
            let column = named(name).ok_or_else(|| HeaderError::Unknown { found: shown(name) })?;
            if columns.contains(&column) {
                return Err(HeaderError::Twice(column));
            }
            columns.push(column);
        }
        Ok(Self { columns, separator })
    }
}

fn no_gaps(line: &[u8]) -> HeaderError {
    HeaderError::NoGaps { found: shown(line) }
}

/// A quote that does not end in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclosed;

/// Gives each field of a line, without quotes and without white space around it.
#[inline]
pub fn fields<'l>(
    line: &'l [u8],
    separator: u8,
    mut each: impl FnMut(Cow<'l, [u8]>),
) -> Result<(), Unclosed> {
    if !line.contains(&b'"') {
        line.split(|&byte| byte == separator)
            .for_each(|field| each(Cow::Borrowed(field.trim_ascii())));
        return Ok(());
    }
    quoted_fields(line, separator, each)
}

fn quoted_fields<'l>(
    line: &'l [u8],
    separator: u8,
    mut each: impl FnMut(Cow<'l, [u8]>),
) -> Result<(), Unclosed> {
    let (mut from, mut is_quoted) = (0, false);
    for (at, &byte) in line.iter().enumerate() {
        is_quoted ^= byte == b'"';
        if byte == separator && !is_quoted {
            each(unquoted(&line[from..at]));
            from = at + 1;
        }
    }
    each(unquoted(&line[from..]));
    if is_quoted { Err(Unclosed) } else { Ok(()) }
}

/// Two quotes stand for one (RFC 4180, 2.7).
fn unquoted(field: &[u8]) -> Cow<'_, [u8]> {
    let field = field.trim_ascii();
    let inner = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\""));
    let Some(inner) = inner else { return Cow::Borrowed(field) };
    let inner = inner.trim_ascii();
    match inner.contains(&b'"') {
        false => Cow::Borrowed(inner),
        true => {
            let text = String::from_utf8_lossy(inner).replace("\"\"", "\"");
            Cow::Owned(text.into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_named_in_any_order_case_and_dialect() {
        use Column::{Gap, Price, Symbol};
        for (line, columns, separator) in [
            ("gap_ns", vec![Gap], b','),
            ("price,gap_ns", vec![Price, Gap], b','),
            (" Gap_NS , \"symbol\" ,PRICE,", vec![Gap, Symbol, Price], b','),
            ("gap_ns\tprice", vec![Gap, Price], b'\t'),
            ("gap_ns;symbol", vec![Gap, Symbol], b';'),
        ] {
            let read = Header::read(line.as_bytes());
            assert_eq!(read, Ok(Header { columns, separator }), "{line}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(line: Vec<u8>) {
            let _ = Header::read(&line);
            let _ = Header::read(&[b"gap_ns,\"".as_slice(), &line].concat());
        }
    }
}
