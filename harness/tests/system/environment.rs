//! Server and clients get a few variables of the harness's environment, and a padding whose length
//! follows from the seed.

use crate::common::Room;
use bench_core::record::environment::Padding;
use bench_rig::host::processes::environment::{ALLOWED, PADDING};
use bench_rig::host::processes::strays::MARK;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Writes its own environment and that of the server, then ends.
const PRINTS: &str = r#"read plan
env > client.env
for process in /proc/[0-9]*; do
    case "$(tr '\0' ' ' < "$process/cmdline")" in */tick-server*) ;; *) continue ;; esac
    tr '\0' '\n' < "$process/environ" > other.env
    grep -qx "TICK_BENCH_TEST_ROOM=$TICK_BENCH_TEST_ROOM" other.env && mv other.env server.env
done
exit 3
"#;

/// A client that prints; its manifest sets one variable.
fn printer(room: &Room) -> String {
    let dir = room.path().join("printer");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("client.sh"), PRINTS).unwrap();
    let manifest = "name = \"printer\"\nclass = \"library\"\nruntime = \"sh\"\nwhy = \"a test\"\n\
                    [run]\ncommand = [\"sh\", \"client.sh\"]\nenv = { OWN = \"of its manifest\" }\n";
    std::fs::write(dir.join("client.toml"), manifest).unwrap();
    dir.to_str().unwrap().to_owned()
}

fn variables(path: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Names that are neither on the allow-list nor set by the harness.
fn others(variables: &BTreeMap<String, String>) -> Vec<&str> {
    let is_allowed = |name: &str| {
        let listed = ALLOWED.iter().any(|(allowed, _)| match allowed.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == *allowed,
        });
        // A shell sets the last three itself.
        listed || [MARK, PADDING, "PWD", "SHLVL", "_"].contains(&name)
    };
    variables.keys().map(String::as_str).filter(|name| !is_allowed(name)).collect()
}

#[test]
fn children_get_only_allowed_variables_and_each_round_another_padding() {
    let room = Room::new();
    let (client, out) = (printer(&room), room.path().join("results"));
    let light = room.light();
    let mut command = room.harness(&["compare", "floor", "--client", &client, "--unchecked"]);
    command.args(["--workload", &light, "--rounds", "1", "--warmup", "0.1", "--seconds", "0.4"]);
    command.args(["--repeats", "0"]);
    command.args(["--no-counters", "--seed", "5", "--pass-env", "PASSED_ON", "--out"]).arg(&out);
    command.env("PASSED_ON", "yes").env("NODE_OPTIONS", "--no-warnings").env("SECRET", "no");
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("change the speed of programs: "), "{stderr}");
    assert!(stderr.contains("NODE_OPTIONS"), "{stderr}");

    let dir = out.read_dir().unwrap().next().unwrap().unwrap().path();
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let campaign: Value = serde_json::from_str(&read("campaign.json")).unwrap();
    let environment = &campaign["environment"];
    assert_eq!(environment["asked_for"], serde_json::json!(["PASSED_ON"]));
    let withheld = environment["withheld"].as_array().unwrap();
    assert!(withheld.contains(&"NODE_OPTIONS".into()), "{environment}");
    assert!(!environment.to_string().contains("SECRET"), "only what changes the speed is named");
    assert!(campaign["command"].as_str().unwrap().contains("--pass-env PASSED_ON"));
    assert_eq!(campaign["toolchain"]["profile"], "dev");
    assert!(read("table.md").contains("NODE_OPTIONS"));

    let rounds: Vec<Value> =
        read("rounds.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let planned = |number: usize| Padding::of_round(5, number as u64);
    let number = rounds.iter().position(|round| round["client"] == "printer").unwrap();
    let of_client = variables(&room.path().join("printer/client.env"));
    let of_server = variables(&room.path().join("printer/server.env"));
    assert_eq!(others(&of_client), ["OWN", "PASSED_ON"]);
    assert_eq!(others(&of_server), ["PASSED_ON"]);
    assert_eq!(of_client[PADDING].len(), planned(number).client_bytes as usize);
    assert_eq!(of_server[PADDING].len(), planned(number).server_bytes as usize);
    let mut recorded = 0;
    for (number, round) in rounds.iter().enumerate().filter(|(_, r)| r["client"] == "floor") {
        let padding: Padding = serde_json::from_value(round["padding"].clone()).unwrap();
        assert_eq!(padding, planned(number));
        recorded += 1;
    }
    assert_eq!(recorded, 2, "floor and its control");
}

#[test]
fn a_variable_that_is_not_set_cannot_be_passed_on() {
    let room = Room::new();
    let output = room.harness(&["compare", "floor", "--pass-env", "NOT_SET"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("--pass-env NOT_SET: it is not set"), "{stderr}");
}
