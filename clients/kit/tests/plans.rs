//! A plan that cannot be read or carried out is refused before the run starts.

use client_kit::testing::{Child, plan};
use std::process::Command;
use tick::Format;

/// A proper client, built with the tests, in the directory above theirs.
fn client() -> Command {
    let test = std::env::current_exe().unwrap();
    Command::new(test.ancestors().nth(2).unwrap().join("examples/faulty"))
}

#[test]
fn a_bad_plan_is_refused_with_exit_code_2_and_a_message() {
    let valid = contract::ToClient::Plan(plan("ws://127.0.0.1:1/", Format::Json));
    let valid = serde_json::to_value(valid).unwrap();
    let with = |key: &str, value: serde_json::Value| {
        let mut plan = valid.clone();
        plan[key] = value;
        format!("{plan}\n")
    };
    let refused = [
        with("contract", 1.into()),
        with("surprise", 1.into()),
        with("urls", serde_json::json!(["ws://example.com/"])),
        with("symbols", 0.into()),
        with("meter", "/dev/null".into()),
        "hello?\n".to_owned(),
        "{\"type\":\"stop\"}\n".to_owned(),
        String::new(),
    ];
    for line in refused {
        let mut child = Child::spawn(client(), &()).unwrap();
        child.send_text(&line);
        child.close_stdin();
        let exit = child.refuses(2).unwrap();
        assert!(!exit.stderr.is_empty(), "{line}");
    }
}
