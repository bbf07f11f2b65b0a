//! Contract lines, in both directions: what is read, written and read again is
//! the same.

use contract::{FromClient, FromServer, LineError, Lines, ToClient, ToServer};
use serde_json::Value;
use std::fmt::Debug;

/// Takes the bytes as lines of each kind.
///
/// # Panics
/// When a line that was read is not read again as it was, or an error is not
/// a line that people can read.
pub fn hold(text: &[u8]) -> bool {
    let all = [of::<ToClient>, of::<FromClient>, of::<ToServer>, of::<FromServer>];
    all.map(|of| of(text)).contains(&true)
}

/// Reads all lines of a kind, as far as they are sound.
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
                contract::write(&mut written, &line).expect("memory takes everything");
                let mut again = Lines::new(written.as_slice());
                assert_eq!(again.next_line::<T>().expect("what was written is read"), Some(line));
                assert_eq!(again.next_text().expect("nothing"), None, "one line");
                let value: Value = serde_json::from_slice(&written).expect("JSON");
                assert!(value["type"].is_string());
            }
            Ok(None) => return any,
            Err(error) => {
                assert!(!matches!(error, LineError::Io(_)), "memory does not fail: {error}");
                let words = error.to_string();
                assert!(words.len() < 4096 && !words.chars().any(char::is_control), "{words:?}");
                return any;
            }
        }
    }
}
