//! Conventions of command lines: help with examples, completions, manuals, colours, `--quiet`,
//! units, and suggestions for misspelt names.

use crate::common;

use crate::common::Room;
use serde_json::Value;
use std::process::{Command, Output};

/// The harness in an empty directory outside of the suite, without the environment's settings for
/// colours.
fn bare(args: &[&str], environment: &[(&str, &str)]) -> Output {
    let room = tempfile::tempdir().unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    command.current_dir(room.path()).args(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").envs(environment.iter().copied()).output().unwrap()
}

fn stdout(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The subcommands that `--help` shows.
fn subcommands() -> Vec<String> {
    let help = stdout(bare(&["--help"], &[]));
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<String> = lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() >= 10 && names.contains(&"compare".to_owned()), "{help}");
    assert!(!help.contains("guard"), "{help}");
    names
}

#[test]
fn every_subcommand_helps_with_examples() {
    for name in subcommands() {
        let help = stdout(bare(&[&name, "--help"], &[]));
        assert!(help.contains(&format!("Examples:\n  harness {name}")), "{help}");
    }
}

#[test]
fn bash_accepts_the_completions_and_offers_every_subcommand() {
    let script = stdout(bare(&["completions", "bash"], &[]));
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("harness.bash");
    std::fs::write(&path, &script).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // As bash itself does when the user presses Tab.
    let ask = "source \"$0\"; COMP_WORDS=(harness ''); COMP_CWORD=1; _harness harness '' harness; \
               printf '%s\\n' \"${COMPREPLY[@]}\"";
    let answer = Command::new("bash").args(["-c", ask]).arg(&path).output().unwrap();
    let offered = String::from_utf8(answer.stdout).unwrap();
    for name in subcommands() {
        assert!(offered.lines().any(|line| line == name), "{name} is not offered: {offered}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(bare(&["completions", shell], &[]));
        assert!(script.contains("capacity") && !script.contains("guard"), "{shell}");
    }
    let wrong = bare(&["completions", "sh"], &[]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("possible values: bash"));
}

#[test]
fn manuals_are_complete() {
    let main = stdout(bare(&["man"], &[]));
    for part in [".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES", ".SH \"EXIT CODES\""] {
        assert!(main.contains(part), "{part}: {main}");
    }
    assert!(main.contains("130") && !main.contains("guard"), "{main}");

    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("man/man1");
    let listed = stdout(bare(&["man", "--out", folder.to_str().unwrap()], &[]));
    let mut pages: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut expected: Vec<String> =
        subcommands().iter().map(|name| format!("harness-{name}.1")).collect();
    expected.push("harness.1".into());
    expected.sort();
    assert_eq!(pages, expected);
    assert_eq!(listed.lines().count(), pages.len());
    for page in pages {
        let text = std::fs::read_to_string(folder.join(&page)).unwrap();
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES"] {
            assert!(text.contains(part), "{page} has no {part}");
        }
        assert!(!text.contains("guard") && !text.contains("grid\\-ms"), "{page}");
    }
    let blocked = room.path().join("man/man1/harness.1/below");
    let refused = bare(&["man", "--out", blocked.to_str().unwrap()], &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("error: --out "));
}

#[test]
fn colours_are_used_only_where_they_are_asked_for() {
    let coloured = |bytes: &[u8]| bytes.contains(&0x1b);
    let help = |args: &[&str], environment: &[(&str, &str)]| {
        coloured(&bare(&[&["list", "--help"], args].concat(), environment).stdout)
    };
    // Neither of the two is a terminal here.
    assert!(!help(&[], &[]));
    assert!(help(&["--color", "always"], &[]));
    assert!(help(&["--color=always"], &[("NO_COLOR", "1")]), "the option wins");
    assert!(help(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!help(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!help(&[], &[("NO_COLOR", "1"), ("CLICOLOR", "1")]));
    let fail = |args: &[&str], environment: &[(&str, &str)]| {
        let output = bare(&[&["journey", "nowhere"], args].concat(), environment);
        assert_eq!(output.status.code(), Some(2));
        let plain = anstream::adapter::strip_bytes(&output.stderr).into_vec();
        assert!(plain.starts_with(b"error: nowhere is not a campaign"), "{plain:?}");
        coloured(&output.stderr)
    };
    assert!(!fail(&[], &[]));
    assert!(fail(&["--color", "always"], &[]));
    assert!(fail(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!fail(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    let wrong = bare(&["list", "--color", "sometimes"], &[]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn quiet_prints_errors_only_and_verbose_prints_more() {
    let room = Room::new();
    let outputs = |args: &[&str]| {
        let output = room.harness(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (plan, silent) = outputs(&["plan", "floor", "-q"]);
    assert!(plan.contains("\"plan\"") && silent.is_empty(), "{silent}");
    assert!(outputs(&["plan", "floor"]).1.contains("# 1. a server"));
    let (built, said) = outputs(&["build", "floor", "-v"]);
    assert!(
        built.contains("floor: built") && said.contains("--workspace --bin tick-server"),
        "{said}"
    );
    let (built, said) = outputs(&["--quiet", "build", "floor"]);
    assert!(built.contains("floor: built") && said.is_empty(), "{said}");
    let both = room.harness(&["plan", "floor", "-q", "-v"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));

    let light = room.light();
    let quiet = room.compare(&["floor", "--workload", &light, "-q"]);
    assert!(quiet.rows.len() == 1 && quiet.stderr.is_empty(), "{}", quiet.stderr);
}

#[test]
fn every_round_of_a_verbose_campaign_has_its_plan() {
    let room = Room::new();
    let light = room.light();
    let said = room.compare(&["floor", "--workload", &light, "-v", "--seconds", "400ms"]).stderr;
    let plans = said.matches("light: 5 000 ticks/s offered, binary").count();
    assert_eq!(plans, 2, "the client and its control: {said}");
    assert!(said.contains("0.4 s measured") && said.contains("[2/2]"), "{said}");
}

/// The output of a failed build is an error, so `--quiet` prints it.
#[test]
fn quiet_prints_the_output_of_a_failed_build() {
    let room = Room::new();
    let manifest = room.script("mute", "true");
    let text = std::fs::read_to_string(&manifest).unwrap()
        + "[build]\ncommand = [\"sh\", \"-c\", \"echo words of the build; exit 3\"]\n";
    std::fs::write(&manifest, text).unwrap();
    let output = room.harness(&["build", "mute", "--client", &manifest, "-q"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("mute: unavailable"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "words of the build\n");
}

#[test]
fn a_similar_name_is_suggested_for_an_unknown_one() {
    let room = Room::new();
    let error = |args: &[&str]| {
        let output = room.harness(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let client = error(&["compare", "glomio"]);
    assert!(
        client.contains("no client `glomio`: did you mean `glommio`? choose async-std,"),
        "{client}"
    );
    let variant = error(&["plan", "tokio:curent-thread"]);
    assert!(variant.contains("did you mean `tokio:current-thread`?"), "{variant}");
    let workload = error(&["capacity", "floor", "--workload", "stedy"]);
    assert!(workload.contains("did you mean `steady`? choose "), "{workload}");
    let control = error(&["compare", "floor", "--control", "flor", "--workload", &room.light()]);
    assert!(
        control.contains("--control flor: it does not take part; did you mean `floor`?"),
        "{control}"
    );
    let nothing = error(&["compare", "websocketpp"]);
    assert!(nothing.contains("no client `websocketpp`: choose "), "{nothing}");
}

#[test]
fn values_with_units_are_stored_exactly() {
    let room = Room::new();
    let path = room.path().join("units.toml");
    let text = "name = \"units\"\nwhy = \"a test\"\nread = \"not at all\"\nrank_by = \"response_p99\"\n\
                rate_per_s = \"5k\"\nreceive_buffer_bytes = \"64KiB\"\nlog_ceiling_bytes = \"1GiB\"\n\
                on_time_ms = \"1s\"\n";
    std::fs::write(&path, text).unwrap();
    let compared =
        room.compare(&["floor", "--workload", path.to_str().unwrap(), "--seconds", "400ms"]);
    let campaign = std::fs::read_to_string(compared.campaign.join("campaign.json")).unwrap();
    let campaign: Value = serde_json::from_str(&campaign).unwrap();
    let load = &campaign["workloads"][0];
    assert_eq!((&load["rate_per_s"], &load["on_time_ms"]), (&5000.into(), &1000.into()));
    assert_eq!(load["receive_buffer_bytes"], 65_536);
    assert_eq!(load["log_ceiling_bytes"], 1 << 30);
    assert_eq!(campaign["measure_s"], 0.4);
}

#[test]
fn the_doctor_prints_findings_and_advice() {
    let report: Value =
        serde_json::from_str(&stdout(bare(&["doctor", "--json", "-"], &[]))).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.len() > 20 && report["readings"]["allowed"].is_string());
    for finding in findings {
        let is_fine = finding["severity"] == "fine";
        assert_eq!(finding["advice"].is_null(), is_fine, "{finding}");
        assert!(finding["seen"].as_str().is_some_and(|seen| !seen.is_empty()), "{finding}");
        assert!(["fine", "note", "warning"].iter().any(|word| finding["severity"] == *word));
    }
    // Findings may differ between two runs, so the exit code is compared with its own run.
    let strict = bare(&["doctor", "--strict"], &[]);
    let table = String::from_utf8(strict.stdout).unwrap();
    let warned = table.contains("- warning: ");
    assert_eq!(strict.status.code(), Some(i32::from(warned)), "{table}");
    for finding in findings {
        assert!(table.contains(finding["check"].as_str().unwrap()), "{table}");
    }
}

#[test]
fn the_readme_lists_the_exit_codes() {
    let readme = std::fs::read_to_string(common::root().join("README.md")).unwrap();
    for exit in harness::exit::Exit::ALL {
        assert!(readme.contains(&format!("| {} | {exit} |\n", exit.code())), "{exit:?}");
    }
}
