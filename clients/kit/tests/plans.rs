//! A plan that cannot be carried out is refused in words that say which key it is.

use client_kit::testing::{Child, plan};
use std::process::Command;
use tick::Format;

/// A proper client, built with the tests, beside their own folder.
fn client() -> Command {
    let test = std::env::current_exe().unwrap();
    Command::new(test.ancestors().nth(2).unwrap().join("examples/faulty"))
}

#[test]
fn a_bad_plan_is_refused_in_words() {
    let sound = contract::ToClient::Plan(plan("ws://127.0.0.1:1/", Format::Json));
    let sound = serde_json::to_value(sound).unwrap();
    let with = |key: &str, value: serde_json::Value| {
        let mut plan = sound.clone();
        plan[key] = value;
        format!("{plan}\n")
    };
    let faults = [
        (with("contract", 1.into()), "contract version 1"),
        (with("surprise", 1.into()), "surprise"),
        (with("urls", serde_json::json!(["ws://example.com/"])), "plan: urls"),
        (with("urls", serde_json::json!([])), "plan: urls"),
        (with("symbols", 0.into()), "plan: symbols is 0"),
        (with("sample", serde_json::json!({"first": 0, "stride": 0})), "plan: sample.stride is 0"),
        (with("meter", "/dev/null".into()), "plan: meter"),
        ("hello?\n".to_owned(), "not a contract line"),
        ("{\"type\":\"stop\"}\n".to_owned(), "`stop` came before a plan"),
        (String::new(), "no plan on stdin"),
    ];
    for (line, words) in faults {
        let mut child = Child::spawn(client(), &()).unwrap();
        child.tell_text(&line);
        child.hang_up();
        let exit = child.refuses(2).unwrap();
        assert!(exit.last_words.contains(words), "{words}: {exit:?}");
    }
}
