//! What a client asks for by a text message, and the answer: as public feeds answer, by a
//! message of the same kind that repeats the `id`. Pure: from text to text.

use crate::connection::members::{self, Member};
use crate::connection::subscription::{self, MAX_SUBSCRIPTION_BYTES};
use crate::log::symbols::Symbols;

/// The keys under which feeds name what is asked for.
const KINDS: [&str; 6] = ["op", "method", "type", "event", "action", "cmd"];
/// The keys by which clients recognise the answer to a request.
const IDS: [&str; 3] = ["id", "req_id", "reqid"];

/// What a text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A sign of life, with its answer.
    Ping(String),
    /// The answer to a sign of life: nothing is to be done.
    Pong,
    /// Other symbols; with an answer if it has an `id`.
    Subscribe(Symbols, Option<String>),
    /// Anything else, with an answer that says what is wrong.
    Refused(String),
}

impl Request {
    /// Reads a text message.
    #[must_use]
    pub fn read(text: &str) -> Self {
        // A longer one is not searched for an id.
        let short = Some(text).filter(|text| text.len() <= MAX_SUBSCRIPTION_BYTES);
        let members = short.and_then(members::of);
        if short.is_some()
            && let Some(sign) = sign_of_life(text, members.as_deref())
        {
            return sign;
        }
        let id = members.iter().flatten().find(|member| is_one_of(text, member, &IDS));
        let id = id.map(|member| {
            format!(",{}:{}", &text[member.key.clone()], &text[member.value.clone()])
        });
        match subscription::from_message(text) {
            Ok(symbols) => {
                let wanted = members.iter().flatten().find(|m| is_one_of(text, m, &["symbols"]));
                let wanted = wanted.map_or("[]", |member| &text[member.value.clone()]);
                let answer =
                    id.map(|id| format!("{{\"type\":\"subscribed\",\"symbols\":{wanted}{id}}}"));
                Self::Subscribe(symbols, answer)
            }
            Err(refusal) => {
                let (code, id) = (refusal.code(), id.unwrap_or_default());
                // A refusal is one printable line: only quotes and backslashes need an escape.
                let message = refusal.to_string().replace('\\', "\\\\").replace('"', "\\\"");
                Self::Refused(format!(
                    "{{\"type\":\"error\",\"code\":\"{code}\",\"message\":\"{message}\"{id}}}"
                ))
            }
        }
    }
}

/// A ping or a pong: as a word, as `{"op":"ping"}` under any of [`KINDS`], or as `{"ping":…}`.
/// A ping is answered by the same text with `pong` in its place.
fn sign_of_life(text: &str, members: Option<&[Member]>) -> Option<Request> {
    let at = match members {
        // A word, or a JSON string.
        None => {
            let word = text.trim();
            let from = text.len() - text.trim_start().len();
            from..from + word.len()
        }
        Some(members) => {
            let named = |member: &Member| match is_one_of(text, member, &KINDS) {
                true => word_of_life(&text[member.value.clone()]).map(|_| member.value.clone()),
                false => word_of_life(&text[member.key.clone()]).map(|_| member.key.clone()),
            };
            members.iter().find_map(named)?
        }
    };
    let is_ping = word_of_life(&text[at.clone()])?;
    if !is_ping {
        return Some(Request::Pong);
    }
    let mut answer = text.to_owned();
    let pong = text[at.clone()].replace(['i'], "o").replace(['I'], "O");
    answer.replace_range(at, &pong);
    Some(Request::Ping(answer.trim().to_owned()))
}

/// Whether a word, quoted or not, is `ping` (true) or `pong` (false), in any case.
fn word_of_life(text: &str) -> Option<bool> {
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let word = unquoted.unwrap_or(text);
    [("ping", true), ("pong", false)]
        .into_iter()
        .find_map(|(known, is_ping)| word.eq_ignore_ascii_case(known).then_some(is_ping))
}

fn is_one_of(text: &str, member: &Member, keys: &[&str]) -> bool {
    let key = text[member.key.clone()].trim_matches('"');
    keys.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ping_is_answered_in_its_own_form_with_all_that_it_carries() {
        for (ping, pong) in [
            ("ping", "pong"),
            (" ping\n", "pong"),
            ("PING", "PONG"),
            ("\"ping\"", "\"pong\""),
            (r#"{"op":"ping"}"#, r#"{"op":"pong"}"#),
            (r#"{"op":"ping","args":[1],"ts":1.50}"#, r#"{"op":"pong","args":[1],"ts":1.50}"#),
            (r#"{"method":"PING","id":7}"#, r#"{"method":"PONG","id":7}"#),
            (r#"{"req_id":101,"method":"ping"}"#, r#"{"req_id":101,"method":"pong"}"#),
            (r#"{"event":"ping","reqid":"a"}"#, r#"{"event":"pong","reqid":"a"}"#),
            (r#"{"id":"15459","type":"ping"}"#, r#"{"id":"15459","type":"pong"}"#),
            (r#"{"ping":1492420473027}"#, r#"{"pong":1492420473027}"#),
            (
                r#"{ "id" : 12345678901234567890123 , "op" : "ping" }"#,
                r#"{ "id" : 12345678901234567890123 , "op" : "pong" }"#,
            ),
        ] {
            assert_eq!(Request::read(ping), Request::Ping(pong.into()), "{ping}");
        }
        for pong in ["pong", r#"{"op":"pong"}"#, r#"{"pong":1}"#] {
            assert_eq!(Request::read(pong), Request::Pong, "{pong}");
        }
    }

    #[test]
    fn a_subscription_with_an_id_is_confirmed_with_that_id() {
        let apple = Symbols::one(0);
        for (text, answer) in [
            (r#"{"type":"subscribe","symbols":["AAPL"]}"#, None),
            (
                r#"{"id":1,"type":"subscribe","symbols":[ "AAPL" ]}"#,
                Some(r#"{"type":"subscribed","symbols":[ "AAPL" ],"id":1}"#),
            ),
            (
                r#"{"type":"subscribe","symbols":["AAPL"],"req_id":"x\"y"}"#,
                Some(r#"{"type":"subscribed","symbols":["AAPL"],"req_id":"x\"y"}"#),
            ),
        ] {
            let wanted = Request::Subscribe(apple, answer.map(str::to_owned));
            assert_eq!(Request::read(text), wanted, "{text}");
        }
    }

    #[test]
    fn anything_else_gets_an_error_with_its_code_and_its_id() {
        for (text, code, ending) in [
            ("", "unknown_request", "}"),
            ("hello", "unknown_request", "}"),
            ("{", "unknown_request", "}"),
            (
                r#"{"id":1,"method":"SUBSCRIBE","params":["x@trade"]}"#,
                "unknown_request",
                ",\"id\":1}",
            ),
            (
                r#"{"type":"subscribe","symbols":["NO\"PE"],"id":"a"}"#,
                "unknown_symbol",
                ",\"id\":\"a\"}",
            ),
            (r#"{"type":"subscribe","symbols":[],"reqid":null}"#, "empty", ",\"reqid\":null}"),
            (&format!("{{\"id\":1,\"op\":\"{}\"}}", "x".repeat(5000)), "too_long", "}"),
            (&"ping ".repeat(2000), "too_long", "}"),
        ] {
            let Request::Refused(answer) = Request::read(text) else { panic!("{text}") };
            let value: serde_json::Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(
                (&value["type"], &value["code"]),
                (&"error".into(), &code.into()),
                "{answer}"
            );
            assert!(value["message"].as_str().unwrap().len() > 20, "{answer}");
            assert!(answer.ends_with(ending), "{answer}");
        }
    }

    proptest! {
        #[test]
        fn every_answer_is_json_unless_a_word_was_asked(text: String, at in 0usize..60) {
            let good = r#"{"type":"subscribe","symbols":["AAPL"],"id":[1,{"a":"b"}]}"#;
            for text in [text.clone(), format!("{}{text}", &good[..at.min(good.len())])] {
                let answer = match Request::read(&text) {
                    Request::Refused(answer) | Request::Subscribe(_, Some(answer)) => answer,
                    _ => continue,
                };
                prop_assert!(serde_json::from_str::<serde_json::Value>(&answer).is_ok(), "{}", answer);
            }
        }
    }
}
