//! Which symbols a connection asks for: by `?symbols=AAPL,MSFT` at the end of its URL, or
//! by the text message `{"type":"subscribe","symbols":["AAPL","MSFT"]}`. Pure: from text
//! to a set.

use crate::log::symbols::Symbols;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tick::{SYMBOLS, symbol};

/// A longer message or query is refused before it is parsed. All 64 names take less than a
/// tenth of this.
pub const MAX_SUBSCRIPTION_BYTES: usize = 4096;

/// All symbols, including those that the market may get later.
const WILDCARD: &str = "*";

/// How much of an unknown name an error repeats.
const SHOWN_CHARS: usize = 20;

/// Why a subscription is refused. Each is one line of at most 123 bytes, so that it fits
/// into the reason of a close frame (RFC 6455, section 5.5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A symbol that the market does not have.
    #[error(
        "unknown symbol `{0}`: give a name such as AAPL, a number below {SYMBOLS}, or * for all"
    )]
    Unknown(String),
    /// A list without entries.
    #[error("an empty subscription: name at least one symbol, or * for all")]
    Empty,
    /// `symbols` is in the query more than once.
    #[error("`symbols` is in the URL twice: name all symbols in one, separated by commas")]
    Twice,
    /// More than [`MAX_SUBSCRIPTION_BYTES`].
    #[error(
        "a subscription of more than {MAX_SUBSCRIPTION_BYTES} bytes: name each symbol once, or give * for all"
    )]
    TooLong,
    /// A message that is not a subscription.
    #[error(
        "not a subscription (column {column}): send {{\"type\":\"subscribe\",\"symbols\":[\"AAPL\",\"MSFT\"]}}"
    )]
    Message {
        /// Where parsing stopped, from 1; 0: at the beginning.
        column: usize,
    },
}

impl Refusal {
    /// Its kind, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_symbol",
            Self::Empty => "empty",
            Self::Twice => "twice",
            Self::TooLong => "too_long",
            Self::Message { .. } => "unknown_request",
        }
    }
}

/// The message that a client sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    #[serde(rename = "type")]
    _kind: Kind,
    symbols: Vec<String>,
    /// Repeated in the answer, under whichever of these names.
    #[serde(rename = "id", alias = "req_id", alias = "reqid")]
    _id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Subscribe,
}

/// Reads the query of a request's URL (what follows `?`), such as
/// `connection=3&symbols=AAPL,MSFT`: names or numbers separated by commas, or `*`. `None`
/// when it has no `symbols=`. The list may be percent-encoded (RFC 3986, section 2.1), as
/// browsers do with the commas; other keys are ignored.
///
/// # Errors
/// [`Refusal`] for an unknown symbol, an empty list, a second list, or a query that is too
/// long.
pub fn from_query(query: &str) -> Result<Option<Symbols>, Refusal> {
    if query.len() > MAX_SUBSCRIPTION_BYTES {
        return Err(Refusal::TooLong);
    }
    let mut lists = query.split('&').filter_map(|pair| pair.strip_prefix("symbols="));
    let Some(list) = lists.next() else { return Ok(None) };
    if lists.next().is_some() {
        return Err(Refusal::Twice);
    }
    let list = percent_decode_str(list).decode_utf8_lossy();
    match list.is_empty() {
        true => Err(Refusal::Empty),
        false => of_names(list.split(',')).map(Some),
    }
}

/// Reads a text message such as `{"type":"subscribe","symbols":["AAPL","MSFT"]}`: strings
/// with names or numbers, or `["*"]`; it may have an `id`.
///
/// # Errors
/// [`Refusal`] for anything else, an unknown key included.
pub fn from_message(text: &str) -> Result<Symbols, Refusal> {
    if text.len() > MAX_SUBSCRIPTION_BYTES {
        return Err(Refusal::TooLong);
    }
    // Serde would accept an array with the fields in their order, too.
    if !text.trim_start().starts_with('{') {
        return Err(Refusal::Message { column: 0 });
    }
    let message: Message =
        serde_json::from_str(text).map_err(|error| Refusal::Message { column: error.column() })?;
    of_names(message.symbols.iter().map(String::as_str))
}

fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<Symbols, Refusal> {
    let mut symbols = None;
    for name in names {
        let named = match name {
            WILDCARD => Symbols::all(),
            _ => Symbols::one(symbol_of(name).ok_or_else(|| Refusal::Unknown(shown(name)))?),
        };
        symbols = Some(symbols.map_or(named, |others: Symbols| others.union(named)));
    }
    symbols.ok_or(Refusal::Empty)
}

/// The symbol of a name or a decimal number.
fn symbol_of(text: &str) -> Option<u32> {
    symbol::by_name(text).or_else(|| {
        // `parse` would accept a sign.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|&symbol| digits && symbol < SYMBOLS)
    })
}

/// The beginning of a client's text, harmless on a terminal and in a header.
fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && c != '`' { c } else { '?' };
    let mut shown: String = text.chars().take(SHOWN_CHARS).map(plain).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(symbols: impl IntoIterator<Item = u32>) -> Symbols {
        symbols.into_iter().map(Symbols::one).reduce(Symbols::union).unwrap()
    }

    fn unknown(name: &str) -> Refusal {
        Refusal::Unknown(name.to_owned())
    }

    #[test]
    fn a_query_names_symbols_or_numbers_among_other_keys() {
        let read = |query| from_query(query).unwrap();
        assert_eq!(read("symbols=AAPL,MSFT"), Some(set([0, 1])));
        assert_eq!(read("connection=3&symbols=63,AAPL,007&token=x"), Some(set([0, 7, 63])));
        assert_eq!(read("symbols=AAPL%2CMSFT"), Some(set([0, 1])));
        assert_eq!(read("symbols=*"), Some(Symbols::all()));
        assert_eq!(read("symbols=AAPL,AAPL"), Some(set([0])));
        assert_eq!(["", "connection=3", "symbol=AAPL", "symbols", "&&="].map(read), [None; 5]);
    }

    #[test]
    fn a_query_that_is_refused_says_why() {
        let refused = |query: &str| from_query(query).unwrap_err();
        assert_eq!(refused("symbols=AAPL,AAPPL"), unknown("AAPPL"));
        assert_eq!(refused("symbols=aapl"), unknown("aapl"));
        assert_eq!(refused("symbols=64"), unknown("64"));
        assert_eq!(refused("symbols=%2B1"), unknown("+1"));
        assert_eq!(refused("symbols=AAPL,"), unknown(""));
        assert_eq!(refused("symbols=%ff%0D%0A"), unknown("???"));
        assert_eq!(refused("symbols=99999999999999999999"), unknown("99999999999999999999"));
        assert_eq!(refused("symbols="), Refusal::Empty);
        assert_eq!(refused("symbols=AAPL&symbols=MSFT"), Refusal::Twice);
        assert_eq!(refused(&format!("symbols={}", "A,".repeat(2100))), Refusal::TooLong);
    }

    #[test]
    fn a_message_names_symbols_or_numbers() {
        let read = |text| from_message(text).unwrap();
        assert_eq!(read(r#"{"type":"subscribe","symbols":["AAPL","MSFT"]}"#), set([0, 1]));
        assert_eq!(
            read(" { \"symbols\" : [\"63\", \"C\"], \"type\":\"subscribe\"}\n"),
            set([63, 27])
        );
        assert_eq!(read(r#"{"type":"subscribe","symbols":["\u0041APL"]}"#), set([0]));
        assert_eq!(read(r#"{"type":"subscribe","symbols":["*"]}"#), Symbols::all());
        assert_eq!(read(r#"{"id":{"a":1},"type":"subscribe","symbols":["AAPL"]}"#), set([0]));
        assert_eq!(read(r#"{"req_id":null,"type":"subscribe","symbols":["AAPL"]}"#), set([0]));
    }

    #[test]
    fn a_message_that_is_not_a_subscription_is_refused() {
        for text in [
            "",
            "hello",
            "[]",
            r#"["subscribe",["AAPL"]]"#,
            r#"{"type":"subscribe"}"#,
            r#"{"symbols":["AAPL"]}"#,
            r#"{"type":"unsubscribe","symbols":["AAPL"]}"#,
            r#"{"type":"subscribe","symbols":"AAPL"}"#,
            r#"{"type":"subscribe","symbols":[1]}"#,
            r#"{"type":"subscribe","symbols":["AAPL"],"from":3}"#,
            r#"{"type":"subscribe","symbols":["AAPL"],"symbols":["MSFT"]}"#,
            r#"{"type":"subscribe","symbols":["AAPL"]} {}"#,
            r#"{"type":"subscribe","symbols":["AAPL"#,
        ] {
            let refusal = from_message(text).unwrap_err();
            assert!(matches!(refusal, Refusal::Message { .. }), "{text}: {refusal}");
        }
        let deep = format!("{}{}", r#"{"type":"subscribe","symbols":"#, "[".repeat(4000));
        assert!(matches!(from_message(&deep), Err(Refusal::Message { .. })));
    }

    #[test]
    fn a_message_that_is_refused_says_why() {
        let refused = |list: &str| {
            let text = format!(r#"{{"type":"subscribe","symbols":[{list}]}}"#);
            from_message(&text).unwrap_err()
        };
        assert_eq!(refused(""), Refusal::Empty);
        assert_eq!(refused(r#""AAPL","NOPE""#), unknown("NOPE"));
        assert_eq!(refused(&format!("{}\"C\"", "\"C\",".repeat(1100))), Refusal::TooLong);
    }

    #[test]
    fn every_refusal_is_one_printable_line_of_at_most_123_bytes() {
        let names = ["x".repeat(4000), "\u{10ffff}\r\n`\x1b[2J".repeat(50), "é".repeat(20)];
        let unknown = names.map(|name| Refusal::Unknown(shown(&name)));
        let column = MAX_SUBSCRIPTION_BYTES;
        let others =
            [Refusal::Empty, Refusal::Twice, Refusal::TooLong, Refusal::Message { column }];
        for refusal in unknown.into_iter().chain(others) {
            let text = refusal.to_string();
            assert!(text.len() <= 123, "{} bytes: {text}", text.len());
            assert!(text.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{text}");
        }
    }
}
