//! Subscriptions: what is accepted means the same in a message and in a query; everything else
//! is refused in one short line.

use std::fmt::Write;
use tick::{SYMBOLS, symbol};
use tick_server::connection::subscription::{self, Refusal};

/// Bytes for a reason in a close frame, after its code (RFC 6455, section 5.5).
const REASON_BYTES: usize = 123;

/// Reads the bytes as a text message, and as the query of a URL.
///
/// # Panics
/// When writing and reading a set of symbols again changes it, or a refusal does not fit a close
/// frame.
pub fn hold(bytes: &[u8]) -> bool {
    // The server receives only text that a WebSocket library has validated.
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let message = checked(subscription::from_message(text));
    let query = checked(subscription::from_query(text)).flatten();
    for symbols in [message, query].into_iter().flatten() {
        let asked: Vec<u32> = (0..SYMBOLS).filter(|&n| symbols.contains(n)).collect();
        assert!(!asked.is_empty(), "a subscription to nothing");
        assert!(!symbols.contains(SYMBOLS) && !symbols.contains(u32::MAX));
        let names: Vec<&str> = asked.iter().filter_map(|&n| symbol::name(n)).collect();
        let query = format!("connection=1&symbols={}", names.join(","));
        assert_eq!(subscription::from_query(&query), Ok(Some(symbols)));
        let mut message = String::from("{\"type\":\"subscribe\",\"symbols\":[");
        for (place, number) in asked.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(message, "{comma}\"{number}\"").expect("writing to a string cannot fail");
        }
        message.push_str("]}");
        assert_eq!(subscription::from_message(&message), Ok(symbols));
    }
    message.is_some() || query.is_some()
}

fn checked<T>(read: Result<T, Refusal>) -> Option<T> {
    let refusal = match read {
        Ok(read) => return Some(read),
        Err(refusal) => refusal.to_string(),
    };
    assert!(refusal.len() <= REASON_BYTES, "{refusal}");
    assert!(refusal.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{refusal:?}");
    None
}
