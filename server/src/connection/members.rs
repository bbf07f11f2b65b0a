//! The members of a JSON object, as they are written: an answer repeats what a client has sent
//! byte by byte, so that no number is rounded and no key is reordered.

use serde::de::IgnoredAny;
use std::ops::Range;

/// Where a member is in the text of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its key, with its quotes.
    pub key: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
}

/// The members of an object; `None`: the text is not an object.
#[must_use]
pub fn of(text: &str) -> Option<Vec<Member>> {
    if !text.trim_start().starts_with('{') || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    let bytes = text.as_bytes();
    let mut at = bytes.iter().position(|&byte| byte == b'{')? + 1;
    let mut members = Vec::new();
    loop {
        at = skip(bytes, at, b",");
        if *bytes.get(at)? == b'}' {
            return Some(members);
        }
        let key = at..end_of_value(bytes, at)?;
        let value = skip(bytes, key.end, b":");
        at = end_of_value(bytes, value)?;
        members.push(Member { key, value: value..at });
    }
}

/// The next byte that is neither white space nor one of these.
fn skip(bytes: &[u8], from: usize, also: &[u8]) -> usize {
    let skipped = |byte: &&u8| byte.is_ascii_whitespace() || also.contains(byte);
    from + bytes[from..].iter().take_while(skipped).count()
}

/// Where the value that begins there ends.
fn end_of_value(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut is_string, mut is_escaped) = (0usize, false, false);
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        if is_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' if depth == 0 => return Some(at + 1),
                b'"' => is_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_string = true,
            b'{' | b'[' => depth += 1,
            // The end of the object that has a number or a word as its last value.
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn texts(text: &str) -> Option<Vec<(&str, &str)>> {
        let members = of(text)?;
        Some(members.into_iter().map(|m| (&text[m.key], &text[m.value])).collect())
    }

    #[test]
    fn members_are_found_as_they_are_written() {
        assert_eq!(
            texts(r#" { "a" : 1e0 ,"b":[1,"]",{"c":"}"}], "d\"":"x\\" , "e":{} , "f":null } "#)
                .unwrap(),
            [
                ("\"a\"", "1e0"),
                ("\"b\"", r#"[1,"]",{"c":"}"}]"#),
                (r#""d\"""#, r#""x\\""#),
                ("\"e\"", "{}"),
                ("\"f\"", "null"),
            ]
        );
        assert_eq!(texts("{}").unwrap(), []);
        assert_eq!(texts(r#"{"id":12345678901234567890123}"#).unwrap()[0].1.len(), 23);
        for text in ["", "[]", "ping", r#"{"a":1"#, r#"{"a":1} {}"#, r#"{a:1}"#, "{,}"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic(text: String, at in 0usize..40) {
            let _ = of(&text);
            let good = r#"{"op":"ping","args":[{"a":"b"}],"id":1}"#;
            let _ = of(&format!("{}{text}", &good[..at.min(good.len())]));
        }

        #[test]
        fn the_members_of_any_object_are_those_of_another_parser(
            object in prop::collection::btree_map(".{0,6}", ".{0,12}", 0..6),
        ) {
            let object: Map<String, Value> =
                object.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
            let text = serde_json::to_string_pretty(&object).unwrap();
            let found: Map<String, Value> = texts(&text).unwrap().into_iter().map(|(key, value)| {
                (serde_json::from_str(key).unwrap(), serde_json::from_str(value).unwrap())
            }).collect();
            prop_assert_eq!(found, object);
        }
    }
}
