//! Bad input: one clear line, exit code 2, and nothing is run.

use crate::common;

use crate::common::Room;

fn refused(args: &[&str], expected: &str) {
    let room = Room::new();
    let output = room.harness(args).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected), "{args:?}: {stderr}");
}

#[test]
fn unknown_names_list_the_known_ones() {
    refused(&["compare", "nobody"], "no client `nobody`: choose ");
    refused(&["compare", "floor", "--workload", "nothing"], "no workload `nothing`: choose ");
    refused(&["plan", "nobody"], "no client `nobody`");
    refused(&["build", "nobody"], "no client `nobody`");
}

#[test]
fn values_out_of_range_are_refused() {
    refused(&["compare", "floor", "--rounds", "0"], "0 is not in 1..=1000");
    refused(&["compare", "floor", "--seconds", "-1"], "unexpected argument '-1'");
    refused(&["compare", "floor", "--seconds", "0.01"], "between 0.1 and 86400");
    refused(&["compare", "floor", "--server-cpus", "zero"], "not a list of CPUs");
    refused(&["compare", "floor", "--client-cpus", "1000"], "CPU 1000 is not among those allowed");
}

#[test]
fn searches_and_sweeps_report_what_they_cannot_do() {
    refused(&["compare", "floor", "--control", "tokio"], "--control tokio: it does not take part");
    refused(&["capacity", "floor", "--workload", "flood"], "a flood has no rate to search for");
    refused(&["capacity", "floor", "--lowest", "5k", "--highest", "1k"], "has to be below");
    refused(&["capacity", "floor", "--p99", "soon"], "invalid value 'soon' for '--p99");
    refused(&["sweep", "floor", "--rates", "10k,fast"], "`fast` is not a rate");
    refused(&["sweep", "floor", "--workload", "flood"], "a flood has no rate to vary");
}

#[test]
fn a_journey_needs_a_campaign() {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let output = command.args(["journey", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("nowhere is not a campaign"), "{stderr}");
}

#[test]
fn missing_arguments_and_paths_are_reported() {
    refused(&["compare"], "required arguments were not provided");
    refused(&["--root", "/", "list"], "no Tick Bench there");
    refused(
        &["compare", "floor", "--client", "nowhere/client.toml"],
        "--client nowhere/client.toml",
    );
}

#[test]
fn a_wrong_workload_is_reported_with_its_file_and_key() {
    let room = Room::new();
    let path = room.workload("broken", "rate_per_s = \"much\"\nrank_by = \"processed\"");
    refused(&["compare", "floor", "--workload", &path], "broken.toml");
    refused(&["compare", "floor", "--workload", &path], "rate_per_s");
}

#[test]
fn the_root_is_found_from_any_directory_below_it() {
    let room = Room::new();
    let below = common::root().join("clients/kit");
    let output = room.harness(&["plan", "tokio"]).current_dir(below).output().unwrap();
    assert!(output.status.success());
    let line = String::from_utf8(output.stdout).unwrap();
    let plan: contract::ToClient = contract::parse(line.trim()).unwrap();
    assert!(matches!(plan, contract::ToClient::Plan(plan) if plan.meter.is_none()));

    let outside = room.harness(&["plan", "tokio"]).current_dir(room.path()).output().unwrap();
    assert_eq!(outside.status.code(), Some(2));
    let root = common::root();
    let given = room
        .harness(&["--root", root.to_str().unwrap(), "plan", "tokio"])
        .current_dir(room.path())
        .output()
        .unwrap();
    assert!(given.status.success());
}
