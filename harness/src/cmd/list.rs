//! `harness list`: the clients and their variants, the servers, and which can run here.

use crate::builder::{self, Built};
use crate::child::Child;
use crate::cli::ListArgs;
use crate::cmd;
use crate::escape;
use crate::guard::Guard;
use crate::plan::{Plan, SAMPLES, Timing};
use crate::roster::{self, Entry};
use crate::servers::{self, Paces, Server};
use crate::workload::{self, Workload};
use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use contract::{ClientHello, Empty, FromClient, FromServer, ServerHello, ToClient, ToServer};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

/// Time for a client to say who it is.
const HELLO: Duration = Duration::from_secs(5);
/// After its hello, time to find out that it cannot run.
const SECOND_THOUGHTS: Duration = Duration::from_millis(300);

/// Prints the tables of clients and of servers.
///
/// # Errors
/// Wrong files, or a server that does not build.
pub fn run(root: &Path, args: &ListArgs) -> Result<u8> {
    let entries = roster::find(root, &args.source.extra)?;
    let servers = servers::find(root)?;
    let programs = builder::build(root, &servers[0], &entries, &args.source.profile)?;
    let workload = Workload::load(root, workload::DEFAULT[0])?;
    let mut guard = Guard::start()?;
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
    let built = |server: &Server| match server.served_by.name == servers::DEFAULT {
        true => Built::Program(programs.server.clone()),
        false => builder::server(root, server, &args.source.profile),
    };
    let all = servers.iter().map(|server| (server, built(server))).collect::<Vec<_>>();
    anstream::println!("{}", table_of_servers(&all, &workload, &mut guard)?);
    Ok(cmd::EXIT_MEASURED)
}

fn table_of_servers(
    all: &[(&Server, Built)],
    workload: &Workload,
    guard: &mut Guard,
) -> Result<Table> {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["server", "paces by", "versions", "available", "why it is here"]);
    for (server, built) in all {
        let (hello, available) = match built {
            Built::Unavailable(reason) | Built::Failing(reason) => (None, format!("no: {reason}")),
            Built::Program(words) => ask_server(server, words, workload, guard)?,
        };
        let versions = hello.map_or(Vec::new(), |hello| hello.versions);
        let versions: Vec<String> = versions.iter().map(|v| escape::terminal(v)).collect();
        table.add_row([
            escape::terminal(&server.served_by.name),
            match server.served_by.paces {
                Paces::Schedule => "schedule".to_owned(),
                Paces::Classic => "itself".to_owned(),
            },
            versions.join("\n"),
            escape::terminal(&available),
            escape::terminal(&server.why),
        ]);
    }
    Ok(table)
}

/// Gives a server a plan without a client: enough for it to say who it is.
fn ask_server(
    server: &Server,
    words: &[String],
    workload: &Workload,
    guard: &mut Guard,
) -> Result<(Option<ServerHello>, String)> {
    let spawned = Child::<FromServer>::spawn("the server", words, &server.recipe.dir, None, guard);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ok((None, format!("no: {error:#}"))),
    };
    let plan = Plan::new(workload, contract::Class::Reference, 1, brief())?;
    child.send(&ToServer::Plan(plan.for_server(false, None)));
    let answer = match child.expect("say hello", HELLO) {
        Ok(FromServer::Hello(hello)) => (Some(hello), "yes".to_owned()),
        Ok(_) => (None, "no: its first line is no hello".into()),
        Err(fault) => (None, format!("no: {fault}")),
    };
    child.send(&ToServer::Stop(Empty {}));
    child.kill(guard);
    Ok(answer)
}

/// A second: nothing is going to be sent.
fn brief() -> Timing {
    let second_ns = 1_000_000_000;
    Timing { warmup_ns: 0, measure_ns: second_ns, grid_ns: second_ns, samples: SAMPLES }
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
    let plan = Plan::new(workload, entry.class, 1, brief())?;
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
