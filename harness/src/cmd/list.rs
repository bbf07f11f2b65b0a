//! `harness list`: the clients and their variants, the servers, and which can run here. Without
//! `--probe` nothing is built or started: what is shown was kept from the last time.

use crate::cli::ListArgs;
use crate::console;
use crate::exit::Exit;
use anyhow::Result;
use bench_core::load::server::{DEFAULT, Paces};
use bench_core::load::workload::{self, Workload};
use bench_core::text::escape;
use bench_rig::host::processes::environment::Environment;
use bench_rig::host::processes::guard::Guard;
use bench_rig::programs::build::{self, Built};
use bench_rig::programs::inputs::Inputs;
use bench_rig::programs::probe::Probe;
use bench_rig::programs::receipt::{Kept, Receipt, Receipts, Whose};
use bench_rig::programs::recipe::Recipe;
use bench_rig::programs::roster::{self, Entry};
use bench_rig::programs::servers::{self, Server};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use std::fmt;
use std::path::Path;

/// Prints the tables of clients and of servers.
///
/// # Errors
/// Wrong files; with `--probe`, a server that does not build.
pub fn run(root: &Path, args: &ListArgs) -> Result<Exit> {
    let entries = roster::find(root, &args.source.extra)?;
    let servers = servers::find(root)?;
    if args.probe {
        probe(root, args, &entries, &servers)?;
    }
    let source = if args.probe { "now" } else { "at its last start" };
    let versions = format!("versions {source}");
    let mut look = Look { receipts: Receipts::new(root), inputs: Inputs::new(root) };
    let mut table = empty(["client", "class", "runtime", &versions, "available", "purpose"]);
    for entry in &entries {
        let seen = look.at(Whose::Client(&entry.name), &entry.recipe);
        table.add_row([
            escape::terminal(&entry.name),
            entry.class.to_string(),
            escape::terminal(seen.runtime.as_ref().unwrap_or(&entry.runtime)),
            seen.versions(),
            seen.state.to_string(),
            escape::terminal(&entry.why),
        ]);
    }
    console::line(&table);
    let mut table = empty(["server", "paced by", &versions, "available", "purpose"]);
    for server in &servers {
        let seen = look.at(Whose::Server(&server.served_by.name), &server.recipe);
        table.add_row([
            escape::terminal(&server.served_by.name),
            match server.served_by.paces {
                Paces::Schedule => "schedule".to_owned(),
                Paces::Classic => "itself".to_owned(),
            },
            seen.versions(),
            seen.state.to_string(),
            escape::terminal(&server.why),
        ]);
    }
    console::line(&table);
    if !args.probe {
        console::line(format_args!(
            "Nothing was built or started: this is what the last build and the last round, check or probe of each left in its receipt. `harness list --probe` builds and starts all of them."
        ));
    }
    Ok(Exit::Done)
}

/// Builds and starts everything, which renews the receipts.
fn probe(root: &Path, args: &ListArgs, entries: &[Entry], servers: &[Server]) -> Result<()> {
    let options = args.source.build_options();
    let programs = build::build(root, &servers[0], entries, &options)?;
    let workload = Workload::load(root, workload::DEFAULT[0])?;
    let guard = Guard::start(Environment::default())?;
    let receipts = &programs.receipts;
    let probe = Probe { guard: &guard, workload: &workload, receipts };
    for entry in entries {
        if let Built::Program(program) = &programs.clients[&entry.name] {
            probe.client(entry, program)?;
        }
    }
    for server in servers {
        let built = match server.served_by.name == DEFAULT {
            true => Built::Program(programs.server.clone()),
            false => build::server(root, server, &options),
        };
        if let Built::Program(program) = &built {
            probe.server(server, program)?;
        }
    }
    Ok(())
}

/// What is known of programs without starting them.
struct Look {
    receipts: Receipts,
    inputs: Inputs,
}

/// What is known of one program.
struct Seen {
    state: State,
    /// By its hello.
    runtime: Option<String>,
    versions: Vec<String>,
}

/// Whether a program can run here.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It has run.
    Yes,
    /// It cannot, for a reason.
    No(String),
    /// It has been built, and not started since.
    Built,
    /// What was built is older than its sources.
    Stale,
    /// It has not been built here.
    NotBuilt,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("yes"),
            Self::No(why) => write!(f, "no: {}", escape::terminal(why)),
            Self::Built => f.write_str("built, not started yet"),
            Self::Stale => f.write_str("stale: its sources have changed since it was built"),
            Self::NotBuilt => f.write_str("not built yet"),
        }
    }
}

impl Look {
    fn at(&mut self, whose: Whose<'_>, recipe: &Recipe) -> Seen {
        let kept = self.receipts.of(whose, recipe, &mut self.inputs);
        let missing = recipe.missing().map(|why| why.to_string());
        let state = missing.map_or_else(|| state(kept.as_ref()), State::No);
        let started = kept.and_then(|kept| kept.receipt.started);
        let (runtime, versions) =
            started.map_or_else(Default::default, |started| (started.runtime, started.versions));
        Seen { state, runtime, versions }
    }
}

fn state(kept: Option<&Kept>) -> State {
    match kept {
        None => State::NotBuilt,
        Some(Kept { is_stale: true, .. }) => State::Stale,
        Some(Kept { receipt: Receipt { unavailable: Some(why), .. }, .. }) => {
            State::No(why.to_string())
        }
        Some(Kept { receipt: Receipt { started: Some(_), .. }, .. }) => State::Yes,
        Some(_) => State::Built,
    }
}

impl Seen {
    /// Those of sources that have changed since are marked.
    fn versions(&self) -> String {
        let mark = if self.state == State::Stale { " (stale)" } else { "" };
        let lines = self.versions.iter().map(|version| escape::terminal(version) + mark);
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn empty<const N: usize>(heads: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(heads);
    table
}
