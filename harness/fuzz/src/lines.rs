//! Contract lines, in both directions: a line is the same after writing and reading it again.

use contract::{FromClient, FromServer, LineError, Lines, ToClient, ToServer};
use serde_json::Value;
use std::fmt::Debug;

/// Reads the bytes as lines of each kind.
///
/// # Panics
/// When writing and reading a line again changes it, or an error is not one short line without
/// control characters.
pub fn hold(text: &[u8]) -> bool {
    let all = [of::<ToClient>, of::<FromClient>, of::<ToServer>, of::<FromServer>];
    all.map(|of| of(text)).contains(&true)
}

/// Reads lines of a kind up to the first that is invalid; returns whether there were any.
fn of<T>(text: &[u8]) -> bool
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
{
    let mut lines = Lines::new(text);
    let mut any = false;
    loop {
        match lines.next_line::<T>() {
            Ok(Some(line)) => {
                any = true;
                let mut written = Vec::new();
                contract::write(&mut written, &line).expect("writing to memory cannot fail");
                let mut again = Lines::new(written.as_slice());
                assert_eq!(again.next_line::<T>().expect("a written line can be read"), Some(line));
                assert_eq!(again.next_text().expect("nothing"), None, "one line");
                let value: Value = serde_json::from_slice(&written).expect("JSON");
                assert!(value["type"].is_string());
            }
            Ok(None) => return any,
            Err(error) => {
                assert!(!matches!(error, LineError::Io(_)), "memory does not fail: {error}");
                let shown = error.to_string();
                assert!(shown.len() < 4096 && !shown.chars().any(char::is_control), "{shown:?}");
                return any;
            }
        }
    }
}
