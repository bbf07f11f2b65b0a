//! `harness list`: the clients and their variants, the servers, and which can run here.

use crate::cli::ListArgs;
use crate::exit::Exit;
use anyhow::Result;
use bench_core::load::plan::{Plan, SAMPLES, Timing};
use bench_core::load::server::{DEFAULT, Paces};
use bench_core::load::workload::{self, Workload};
use bench_core::text::escape;
use bench_rig::host::environment::Environment;
use bench_rig::host::guard::Guard;
use bench_rig::host::spawn::{Launch, start};
use bench_rig::programs::build::{self, Built};
use bench_rig::programs::roster::{self, Entry};
use bench_rig::programs::servers::{self, Server};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use contract::child::Child;
use contract::fault::{Awaited, Peer};
use contract::{
    Class, ClientHello, Empty, FromClient, FromServer, ServerHello, ServerPlan, ToClient, ToServer,
};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

/// Limit for a program's `hello`.
const HELLO: Duration = Duration::from_secs(5);
/// Time that a client has after its hello to report that it cannot run.
const UNAVAILABLE: Duration = Duration::from_millis(300);

/// What a program answered: its hello, and whether it can run here.
struct Answer<H> {
    hello: Option<H>,
    /// `None` if it can.
    not_runnable: Option<String>,
}

impl<H> Answer<H> {
    fn no(why: &impl ToString) -> Self {
        Self { hello: None, not_runnable: Some(why.to_string()) }
    }

    fn available(&self) -> String {
        match &self.not_runnable {
            None => "yes".to_owned(),
            Some(why) => format!("no: {}", escape::terminal(why)),
        }
    }
}

/// Prints the tables of clients and of servers.
///
/// # Errors
/// Wrong files, or a server that does not build.
pub fn run(root: &Path, args: &ListArgs) -> Result<Exit> {
    let entries = roster::find(root, &args.source.extra)?;
    let servers = servers::find(root)?;
    let programs = build::build(root, &servers[0], &entries, &args.source.profile)?;
    let workload = Workload::load(root, workload::DEFAULT[0])?;
    let guard = Guard::start(Environment::default())?;
    let mut table = empty(["client", "class", "runtime", "versions", "available", "purpose"]);
    for entry in &entries {
        let answer = match &programs.clients[&entry.name] {
            Built::Program(program) => ask_client(entry, program, &workload, &guard)?,
            built => Answer::no(&built.not_runnable().unwrap_or_default()),
        };
        let runtime = answer.hello.as_ref().map_or(&entry.runtime, |hello| &hello.runtime);
        table.add_row([
            escape::terminal(&entry.name),
            entry.class.to_string(),
            escape::terminal(runtime),
            versions(answer.hello.as_ref().map(|hello| hello.versions.as_slice())),
            answer.available(),
            escape::terminal(&entry.why),
        ]);
    }
    anstream::println!("{table}");
    let mut table = empty(["server", "paced by", "versions", "available", "purpose"]);
    for server in &servers {
        let built = match server.served_by.name == DEFAULT {
            true => Built::Program(programs.server.clone()),
            false => build::server(root, server, &args.source.profile),
        };
        let answer = match &built {
            Built::Program(program) => ask_server(server, program, &workload, &guard)?,
            built => Answer::no(&built.not_runnable().unwrap_or_default()),
        };
        table.add_row([
            escape::terminal(&server.served_by.name),
            match server.served_by.paces {
                Paces::Schedule => "schedule".to_owned(),
                Paces::Classic => "itself".to_owned(),
            },
            versions(answer.hello.as_ref().map(|hello| hello.versions.as_slice())),
            answer.available(),
            escape::terminal(&server.why),
        ]);
    }
    anstream::println!("{table}");
    Ok(Exit::Done)
}

fn empty<const N: usize>(heads: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(heads);
    table
}

fn versions(all: Option<&[String]>) -> String {
    let lines = all.unwrap_or_default().iter().map(|version| escape::terminal(version));
    lines.collect::<Vec<_>>().join("\n")
}

/// A window of one second; no tick will be sent.
fn short_window() -> Timing {
    let second_ns = 1_000_000_000;
    Timing { warmup_ns: 0, measure_ns: second_ns, grid_ns: second_ns, samples: SAMPLES }
}

/// Sends a plan to a server without a client: enough for its hello.
fn ask_server(
    server: &Server,
    program: &[String],
    workload: &Workload,
    guard: &Guard,
) -> Result<Answer<ServerHello>> {
    let program = server.recipe.program(program);
    let mut child: Child<'_, FromServer> =
        match start(Peer::Server, program, Launch::default(), guard) {
            Ok(child) => child,
            Err(fault) => return Ok(Answer::no(&fault)),
        };
    let plan = Plan::new(workload, Class::Reference, 1, short_window())?;
    // A server that only says what it is opens no connection.
    let plan = ServerPlan { congestion: None, ..plan.for_server(false, None) };
    child.send(&ToServer::Plan(plan));
    let answer = match child.expect(Awaited::Hello, HELLO) {
        Ok(FromServer::Hello(hello)) => Answer { hello: Some(hello), not_runnable: None },
        Ok(other) => Answer::no(&child.unexpected(&other, Awaited::Hello)),
        Err(fault) => Answer::no(&fault),
    };
    child.send(&ToServer::Stop(Empty {}));
    Ok(answer)
}

/// Sends a plan to a client, with a server that never answers: enough for its hello, and to
/// find out whether it cannot run.
fn ask_client(
    entry: &Entry,
    program: &[String],
    workload: &Workload,
    guard: &Guard,
) -> Result<Answer<ClientHello>> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/ticks", silent.local_addr()?);
    let plan = Plan::new(workload, entry.class, 1, short_window())?;
    let program = entry.recipe.program(program);
    let mut child: Child<'_, FromClient> =
        match start(Peer::Client, program, Launch::default(), guard) {
            Ok(child) => child,
            Err(fault) => return Ok(Answer::no(&fault)),
        };
    child.send(&ToClient::Plan(plan.for_client(0, &url, None)));
    let answer = match child.expect(Awaited::Hello, HELLO) {
        Ok(FromClient::Hello(hello)) => {
            let not_runnable = match child.poll(Awaited::Ready, UNAVAILABLE) {
                Ok(Some(FromClient::Unavailable { reason })) => Some(reason),
                Ok(_) => None,
                Err(fault) => Some(fault.to_string()),
            };
            Answer { hello: Some(hello), not_runnable }
        }
        Ok(other) => Answer::no(&child.unexpected(&other, Awaited::Hello)),
        Err(fault) => Answer::no(&fault),
    };
    child.send(&ToClient::Stop(Empty {}));
    Ok(answer)
}
