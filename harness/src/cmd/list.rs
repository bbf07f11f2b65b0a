//! `harness list`: the clients and their variants, and which can run here.

use crate::builder::{self, Built};
use crate::child::Child;
use crate::cli::ListArgs;
use crate::cmd;
use crate::escape;
use crate::guard::Guard;
use crate::plan::{Plan, SAMPLES, Timing};
use crate::roster::{self, Entry};
use crate::workload::{self, Workload};
use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use contract::{ClientHello, Empty, FromClient, ToClient};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

/// Time for a client to say who it is.
const HELLO: Duration = Duration::from_secs(5);
/// After its hello, time to find out that it cannot run.
const SECOND_THOUGHTS: Duration = Duration::from_millis(300);

/// Prints the table of clients.
///
/// # Errors
/// Wrong files, or a server that does not build.
pub fn run(root: &Path, args: &ListArgs) -> Result<u8> {
    let entries = roster::find(root, &args.source.extra)?;
    let programs = builder::build(root, &entries, &args.source.profile)?;
    let workload = Workload::load(root, workload::DEFAULT[0])?;
    let mut guard = Guard::start(None)?;
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["client", "class", "runtime", "versions", "available", "why it is here"]);
    for entry in &entries {
        let (hello, available) = match &programs.clients[&entry.name] {
            Built::Unavailable(reason) | Built::Failing(reason) => (None, format!("no: {reason}")),
            Built::Program(words) => ask(entry, words, &workload, &mut guard)?,
        };
        let class = format!("{:?}", entry.class).to_lowercase();
        let runtime = hello.as_ref().map_or(&entry.runtime, |h| &h.runtime).clone();
        let versions = hello.map_or(Vec::new(), |h| h.versions);
        let versions: Vec<String> = versions.iter().map(|v| escape::terminal(v)).collect();
        let text = |foreign: &str| escape::terminal(foreign);
        table.add_row([
            text(&entry.name),
            class,
            text(&runtime),
            versions.join("\n"),
            text(&available),
            text(&entry.why),
        ]);
    }
    anstream::println!("{table}");
    Ok(cmd::EXIT_MEASURED)
}

/// Gives a client a plan whose server never answers: enough for it to say who
/// it is and whether it could run.
fn ask(
    entry: &Entry,
    words: &[String],
    workload: &Workload,
    guard: &mut Guard,
) -> Result<(Option<ClientHello>, String)> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/ticks", silent.local_addr()?);
    let second_ns = 1_000_000_000;
    let timing =
        Timing { warmup_ns: 0, measure_ns: second_ns, grid_ns: second_ns, samples: SAMPLES };
    let plan = Plan::new(workload, entry.class, 1, timing)?;
    let mut client = match Child::<FromClient>::spawn("the client", words, &entry.dir, None, guard)
    {
        Ok(client) => client,
        Err(error) => return Ok((None, format!("no: {error:#}"))),
    };
    client.send(&ToClient::Plan(plan.for_client(0, &url, None)));
    let answer = match client.expect("say hello", HELLO) {
        Ok(FromClient::Hello(hello)) => {
            let available = match client.poll_for("say more", SECOND_THOUGHTS) {
                Ok(Some(FromClient::Unavailable { reason })) => format!("no: {reason}"),
                Ok(_) => "yes".into(),
                Err(fault) => format!("no: {fault}"),
            };
            (Some(hello), available)
        }
        Ok(_) => (None, "no: its first line is no hello".into()),
        Err(fault) => (None, format!("no: {fault}")),
    };
    client.send(&ToClient::Stop(Empty {}));
    client.kill(guard);
    Ok(answer)
}
