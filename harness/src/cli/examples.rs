//! The end of `--help` and of the manual pages: examples for every subcommand, and the exit
//! codes. A line without indent that ends with a colon is a heading.

use crate::exit::Exit;

/// The examples of the program itself, and the exit codes.
#[must_use]
pub fn main() -> String {
    let codes = Exit::ALL.map(|exit| format!("  {:<4} {exit}\n", exit.code()));
    format!("{MAIN}\nExit codes:\n{}", codes.concat())
}

const MAIN: &str = "\
Examples:
  harness compare --all                     # every client, the default workloads
  harness compare --all --quick             # a smoke test: one short round each
  harness capacity --all --p99 5ms          # the highest rate that each sustains
  harness doctor                            # what on this machine disturbs measurements
";

/// Examples of `list`.
pub const LIST: &str = "\
Examples:
  harness list                              # clients, servers, and what can run here
  harness list --probe                      # the same, built and started now
  harness list --client ../mine/client.toml # with a client outside of the suite
";

/// Examples of `build`.
pub const BUILD: &str = "\
Examples:
  harness build                             # the server and every client
  harness build tokio floor                 # the server and these two
  harness build -v                          # print the build commands
";

/// Examples of `new`.
pub const NEW: &str = "\
Examples:
  harness new mine --template rust          # clients/mine, a crate with the kit
  harness new mine --template node --dir ../mine
";

/// Examples of `check`.
pub const CHECK: &str = "\
Examples:
  harness check tokio                       # every case, with what it proves
  harness check --all                       # every client; prints failed cases only
  harness check --list                      # the list of cases
  harness check mine --client ../mine       # a client outside of the suite
  harness check mine --case cut-frames --case fragments
";

/// Examples of `compare`.
pub const COMPARE: &str = "\
Examples:
  harness compare --all                     # every client, the default workloads
  harness compare --all --until 5% --budget 1h   # until figures are that exact, or an hour is over
  harness compare --all --rounds 7          # seven rounds of each, whatever their precision
  harness compare tokio tokio:current-thread --workload steady burst
  harness compare --all --workload steady --seconds 500ms --warmup 300ms
  harness compare floor --client ../mine/client.toml --control floor
  harness compare tokio blocking node-ws --control tokio --control node-ws
  harness compare --all --server-cpus 0-3 --client-cpus 4-7
  harness compare tokio js-sim --server node # against another server
  harness compare tokio --style classic     # tick-server in the older benchmark's style
  harness compare --all --watch             # live on the whole terminal
  harness compare --all --no-counters       # without the rounds that are not timed
  harness compare --all --rounds 7 --save-baseline main
  harness compare --all --rounds 7 --baseline main --fail-on slower:5%
  harness compare --all --quick --quiet --json - | jq '.rows[].verdict'
";

/// Examples of `capacity`.
pub const CAPACITY: &str = "\
Examples:
  harness capacity --all                    # with a p99 below 10 ms
  harness capacity tokio blocking --p99 1ms --budget 2m
  harness capacity --all --workload steady-json --lowest 10k --highest 5M
";

/// Examples of `sweep`.
pub const SWEEP: &str = "\
Examples:
  harness sweep --all                       # rates around the clients' capacities
  harness sweep --all --rates 10k,100k,1M,10M
  harness sweep tokio floor --rates 50k,500k --rounds 5 --seconds 2s
";

/// Examples of `classic`.
pub const CLASSIC: &str = "\
Examples:
  harness classic                           # all experiments and claims
  harness classic --rounds 7 --seconds 3s
  harness classic --report results/RUN   # the report again, from the saved campaigns
  harness classic --report results/RUN --check
";

/// Examples of `show`.
pub const SHOW: &str = "\
Examples:
  harness show results/CAMPAIGN             # its tables, with small charts
  harness show results/CAMPAIGN --client tokio --workload steady
  harness show results/CAMPAIGN --format csv > rows.csv
  harness show results/CAMPAIGN --format html > report.html
";

/// Examples of `diff`.
pub const DIFF: &str = "\
Examples:
  harness diff results/BEFORE results/AFTER # which clients became faster or slower
  harness diff main results/AFTER --fail-on slower:5% --fail-on failed
  harness diff main results/AFTER --format md --only tokio blocking
  harness diff results/HERE results/ELSEWHERE --across-machines floor # ratios to one client
";

/// Examples of `publish`.
pub const PUBLISH: &str = "\
Examples:
  harness publish results/CAMPAIGN          # its page and files, and the index
  harness publish results/CAMPAIGN --splice README.md
  harness publish results/CAMPAIGN --check  # for CI: exits with 1 when a file differs
  harness publish results/CAMPAIGN --with-journeys
";

/// Examples of `journey`.
pub const JOURNEY: &str = "\
Examples:
  harness journey results/CAMPAIGN          # the time of each stage
  harness journey results/CAMPAIGN --client tokio --slowest 10
  harness journey results/CAMPAIGN --workload steady --round 2 --seq 5000
";

/// Examples of `plan`.
pub const PLAN: &str = "\
Examples:
  harness plan tokio                        # its plan, and how to use it
  harness plan blocking --workload steady-json --seconds 10s
  harness plan tokio --url ws://127.0.0.1:9002/ticks
";

/// Examples of `doctor`.
pub const DOCTOR: &str = "\
Examples:
  harness doctor                            # findings, and what to do about each
  harness doctor --strict                   # for scripts: exits with 1 on a warning
  harness doctor --server-cpus 0-3 --client-cpus 4-7
  harness doctor --json doctor.json         # findings and raw readings
";

/// Examples of `completions`.
pub const COMPLETIONS: &str = "\
Examples:
  harness completions bash > ~/.local/share/bash-completion/completions/harness
  harness completions zsh > ~/.zfunc/_harness
  harness completions fish > ~/.config/fish/completions/harness.fish
";

/// Examples of `man`.
pub const MAN: &str = "\
Examples:
  harness man | man -l -                    # read the main page
  harness man --out ~/.local/share/man/man1 # install every page
";

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Command, RunArgs, visible};
    use bench_core::load::group;
    use bench_core::load::workload::Workload;
    use bench_rig::programs::roster;
    use clap::Parser;
    use std::path::Path;

    /// The examples of a command, each as its arguments: without comments, pipes and
    /// redirections.
    fn examples(command: &clap::Command) -> Vec<Vec<String>> {
        let below = command.get_after_help().map_or(String::new(), ToString::to_string);
        let lines = below.lines().skip_while(|line| *line != "Examples:").skip(1);
        lines
            .take_while(|line| line.starts_with("  "))
            .map(|line| {
                let own = line.split([' ', '\n']).take_while(|arg| !["#", "|", ">"].contains(arg));
                own.filter(|arg| !arg.is_empty()).map(str::to_owned).collect()
            })
            .collect()
    }

    fn all() -> Vec<(String, Vec<Vec<String>>)> {
        let tree = visible();
        let of = |command: &clap::Command| (command.get_name().to_owned(), examples(command));
        std::iter::once(&tree).chain(tree.get_subcommands()).map(of).collect()
    }

    #[test]
    fn every_subcommand_has_examples_and_each_parses() {
        let all = all();
        assert!(all.len() > 10, "the tree was walked: {}", all.len());
        for (name, examples) in all {
            assert!(!examples.is_empty(), "`harness {name} --help` has no examples");
            for argv in examples {
                let parsed = Cli::try_parse_from(&argv);
                assert!(parsed.is_ok(), "{}: {}", argv.join(" "), parsed.unwrap_err());
                assert!(name == "harness" || argv[1] == name, "{name}: {}", argv.join(" "));
            }
        }
    }

    #[test]
    fn clients_and_workloads_of_examples_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let found = roster::find(&root, &[]).unwrap();
        let check = |run: &RunArgs, workloads: &[String]| {
            roster::select(&found, false, &run.clients, &[]).unwrap();
            let names: Vec<&str> = workloads.iter().map(String::as_str).collect();
            if !names.is_empty() {
                group::load(&root, &names).unwrap();
            }
        };
        let mut checked = 0;
        for argv in all().into_iter().flat_map(|(_, examples)| examples) {
            checked += 1;
            match Cli::try_parse_from(argv).unwrap().command {
                Command::Compare(args) => check(&args.run, &args.workload),
                Command::Capacity(args) => check(&args.run, &[args.workload]),
                Command::Sweep(args) => check(&args.run, &[args.workload]),
                Command::Build(args) => {
                    roster::select(&found, false, &args.clients, &[]).unwrap();
                }
                Command::Plan(args) => {
                    roster::select(&found, false, &[args.client], &[]).unwrap();
                    Workload::load(&root, &args.workload).unwrap();
                }
                _ => checked -= 1,
            }
        }
        assert!(checked > 10);
    }

    #[test]
    fn the_visible_tree_has_no_hidden_commands_or_options() {
        let tree = visible();
        assert!(tree.find_subcommand("compare").is_some());
        assert!(tree.find_subcommand("guard").is_none());
        let compare = tree.find_subcommand("compare").unwrap();
        assert!(compare.get_arguments().any(|arg| arg.get_id() == "rounds"));
        assert!(compare.get_arguments().all(|arg| arg.get_id() != "grid_ms"));
    }
}
