//! `main` of every client: plan in, hello out, the run, report out.

mod guard;
mod input;

pub(crate) use input::TlsSupport;

use crate::identity::{Identity, LOCK};
use crate::output::{write_line, write_samples};
use crate::session::Session;
use crate::ticks::{Kind, Outcome};
use anyhow::{Context, Result, anyhow};
use clap::Parser;
use contract::{ClientHello, ClientPlan, FromClient, Lines, QueueKind};
use std::any::Any;
use std::io::{BufReader, IsTerminal, Stdin};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// For a client without arguments of its own.
#[derive(Debug, Clone, Copy, Parser)]
#[command(version, about = "A client of the tick bench: reads its plan from stdin.")]
pub struct NoArgs {}

/// Runs a client from its plan to its report.
///
/// `identify` returns its identity with these arguments and this plan. `run` gets a session for
/// each connection of the plan, mostly one: it opens them all, reads each until its end
/// and returns what came of them ([`Outcome::combine`]), or an error, whose message becomes
/// the last line on stderr. The exit code is 0 after a report, 1 after a failure, 2 when
/// arguments or plan cannot be used.
pub fn main<A: Parser>(
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    start(LOCK, TlsSupport::No, identify, run).into()
}

/// The same for a client outside the suite's workspace: `lock` is the text of the
/// `Cargo.lock` that it is built by, which has the versions for its hello.
pub fn main_with_lock<A: Parser>(
    lock: &str,
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    start(lock, TlsSupport::No, identify, run).into()
}

/// A client that identifies itself without having started anything.
pub(crate) fn start<A: Parser>(
    lock: &str,
    tls: TlsSupport,
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> u8 {
    let hello = |args: &A, plan: &ClientPlan| Ok((identify(args, plan).hello(lock)?, ()));
    start_with(tls, hello, |args, (), sessions| run(args, sessions))
}

/// A client from its arguments to its exit code. `prepare` returns its hello, and what it has
/// started for it.
pub(crate) fn start_with<A: Parser, S>(
    tls: TlsSupport,
    prepare: impl FnOnce(&A, &ClientPlan) -> Result<(ClientHello, S)>,
    run: impl FnOnce(&A, S, Vec<Session>) -> Result<Outcome>,
) -> u8 {
    let args = A::parse();
    if std::io::stdin().is_terminal() {
        eprintln!(
            "This client reads its plan from stdin, one JSON line: `harness plan NAME` prints one."
        );
    }
    let begin = Instant::now();
    let mut lines = Lines::new(BufReader::new(std::io::stdin()));
    let sessions = match input::read_plan(&mut lines, tls) {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error.into(), 2),
    };
    let ran = prepare(&args, sessions[0].plan()).and_then(|(hello, started)| {
        run_to_report(hello, sessions, lines, begin, |sessions| run(&args, started, sessions))
    });
    match ran {
        Ok(()) => 0,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> u8 {
    eprintln!("{error:#}");
    code
}

fn run_to_report(
    hello: ClientHello,
    sessions: Vec<Session>,
    lines: Lines<BufReader<Stdin>>,
    begin: Instant,
    run: impl FnOnce(Vec<Session>) -> Result<Outcome>,
) -> Result<()> {
    let has_memory_ceiling = hello.queue.kind == QueueKind::Unbounded;
    write_line(&FromClient::Hello(hello))?;
    let stop = Arc::clone(&sessions[0].0.stop);
    let plan = Arc::clone(&sessions[0].0.plan);
    let (for_guard, for_stdin) = (Arc::clone(&stop), Arc::clone(&stop));
    spawn("guard", move || guard::keep_deadlines(&for_guard, &plan, begin, has_memory_ceiling))?;
    spawn("stdin", move || guard::wait_for_stop(lines, &for_stdin))?;

    let outcome = catch_unwind(AssertUnwindSafe(|| run(sessions)));
    let cause = stop.finish();
    let outcome = outcome.map_err(|panic| anyhow!("it panicked: {}", panic_message(&*panic)))??;
    match outcome.0 {
        Kind::Unavailable(reason) => write_line(&FromClient::Unavailable { reason }),
        Kind::Ran(run) => {
            let (samples, report) = run.report(cause)?;
            samples.iter().try_for_each(write_samples)?;
            write_line(&FromClient::Final(report))
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).context("cannot start a thread")?;
    Ok(())
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
