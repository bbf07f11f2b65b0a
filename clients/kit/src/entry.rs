//! `main` of every client: plan in, hello out, the run, report out.

use crate::identity::LOCK;
use crate::outcome::Kind;
use crate::watch::{Shared, guard, listen};
use crate::{Identity, Outcome, PlanError, Session, plan};
use anyhow::{Context, Result, anyhow};
use clap::Parser;
use contract::meter::Meter;
use contract::{
    ClientHello, ClientPlan, FromClient, LineError, Lines, QueueKind, SAMPLES_PER_LINE, Samples,
    ToClient,
};
use std::any::Any;
use std::io::{BufRead, BufReader, IsTerminal, Stdin};
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
/// `identify` says who it is with these arguments and this plan; `run` gets a
/// session for each connection of the plan, mostly one; it opens them all, reads
/// each until its end and returns what came of it ([`Outcome::of_all`]), or an error,
/// whose words become the last line on stderr. The exit code is 0 after a
/// report, 1 after a failure, 2 when arguments or plan cannot be used.
pub fn main<A: Parser>(
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    start(LOCK, Secrecy::Unknown, identify, run)
}

/// Whether a client speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// It does not, and refuses a plan that asks for it.
    Unknown,
    /// It does.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Spoken,
}

/// The same for a client outside of the suite's workspace: `lock` is the text of the
/// `Cargo.lock` that it is built by, which tells the versions of its hello.
pub fn main_with_lock<A: Parser>(
    lock: &str,
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    start(lock, Secrecy::Unknown, identify, run)
}

/// The whole life of a client.
pub(crate) fn start<A: Parser>(
    lock: &str,
    secrecy: Secrecy,
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    let args = A::parse();
    if std::io::stdin().is_terminal() {
        eprintln!(
            "This client reads its plan from stdin, one JSON line: `harness plan NAME` prints one."
        );
    }
    let begin = Instant::now();
    let mut lines = Lines::new(BufReader::new(std::io::stdin()));
    let played = match read_plan(&mut lines, secrecy) {
        Ok((plan, sessions)) => {
            let identity = identify(&args, &plan);
            identity.hello(lock).and_then(|hello| {
                play(hello, sessions, lines, begin, |sessions| run(&args, sessions))
            })
        }
        Err(error) => return fail(&error.into(), 2),
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// Why a run cannot start: exit code 2.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("no plan on stdin: `harness plan NAME` prints one")]
    NoPlan,
    #[error("`stop` came before a plan on stdin")]
    StopBeforePlan,
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("plan: ca: this client speaks no TLS: leave it out")]
    TlsNotSupported,
    #[error("plan: meter cannot be mapped: {0}")]
    Meter(std::io::Error),
}

/// Writes one line to stdout.
pub(crate) fn say(line: &FromClient) -> Result<()> {
    contract::write(&mut std::io::stdout().lock(), line).context("cannot write to stdout")
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("{error:#}");
    ExitCode::from(code)
}

fn read_plan(
    lines: &mut Lines<impl BufRead>,
    secrecy: Secrecy,
) -> Result<(Arc<ClientPlan>, Vec<Session>), StartError> {
    let plan = match lines.next_line()? {
        Some(ToClient::Plan(plan)) => plan,
        Some(ToClient::Stop(_)) => return Err(StartError::StopBeforePlan),
        None => return Err(StartError::NoPlan),
    };
    let addresses = plan::check(&plan)?;
    if plan.ca.is_some() && secrecy == Secrecy::Unknown {
        return Err(StartError::TlsNotSupported);
    }
    let count = addresses.len();
    let meter = match &plan.meter {
        Some(path) => Meter::open(path, count),
        None => Meter::unread(count),
    };
    let meter = meter.map_err(StartError::Meter)?;
    let (plan, meter, shared) = (Arc::new(plan), Arc::new(meter), Shared::new(count));
    let session = |(connection, address)| Session {
        plan: Arc::clone(&plan),
        connection,
        address,
        shared: Arc::clone(&shared),
        meter: Arc::clone(&meter),
    };
    let sessions = addresses.into_iter().enumerate().map(session).collect();
    Ok((plan, sessions))
}

fn play(
    hello: ClientHello,
    sessions: Vec<Session>,
    lines: Lines<BufReader<Stdin>>,
    begin: Instant,
    run: impl FnOnce(Vec<Session>) -> Result<Outcome>,
) -> Result<()> {
    let has_ceiling = hello.queue.kind == QueueKind::Unbounded;
    say(&FromClient::Hello(hello))?;
    let first = sessions.first().context("a plan without connections")?;
    let shared = Arc::clone(&first.shared);
    let plan = Arc::clone(&first.plan);
    let (for_guard, for_listener) = (Arc::clone(&shared), Arc::clone(&shared));
    spawn("guard", move || guard(&for_guard, &plan, begin, has_ceiling))?;
    spawn("stdin", move || listen(lines, &for_listener))?;

    let outcome = catch_unwind(AssertUnwindSafe(|| run(sessions)));
    let cause = shared.finish();
    let outcome = outcome.map_err(|panic| anyhow!("it panicked: {}", panic_words(&*panic)))??;
    match outcome.0 {
        Kind::Unavailable(reason) => say(&FromClient::Unavailable { reason }),
        Kind::Ran(run) => {
            let (samples, books) = run.report(cause)?;
            samples.iter().try_for_each(say_samples)?;
            say(&FromClient::Final(books))
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).context("cannot start a thread")?;
    Ok(())
}

fn say_samples(samples: &Samples) -> Result<()> {
    for chunk in samples.rows.chunks(SAMPLES_PER_LINE) {
        let connection = samples.connection;
        say(&FromClient::Samples(Samples { connection, rows: chunk.to_vec() }))?;
    }
    Ok(())
}

fn panic_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::plan;
    use serde_json::{Value, json};
    use tick::Format;

    fn refused(line: &str, secrecy: Secrecy) -> StartError {
        read_plan(&mut Lines::new(line.as_bytes()), secrecy).unwrap_err()
    }

    fn plan_with(key: &str, value: Value) -> String {
        let sound = ToClient::Plan(plan("ws://127.0.0.1:1/", Format::Json));
        let mut plan = serde_json::to_value(sound).unwrap();
        plan[key] = value;
        plan.to_string()
    }

    #[test]
    fn a_plan_that_cannot_be_read_or_followed_is_refused() {
        use StartError::{Line, Meter, NoPlan, Plan, StopBeforePlan, TlsNotSupported};
        let refused = |line: &str| refused(line, Secrecy::Unknown);
        let with = |key, value| refused(&plan_with(key, value));
        assert!(matches!(with("contract", 1.into()), Line(LineError::Version { theirs: 1 })));
        assert!(matches!(with("surprise", 1.into()), Line(LineError::Content { .. })));
        assert!(matches!(refused("hello?"), Line(LineError::Content { .. })));
        assert!(matches!(with("urls", json!([])), Plan(_)));
        assert!(matches!(with("sample", json!({"first": 0, "stride": 0})), Plan(_)));
        assert!(matches!(with("meter", "/dev/null".into()), Meter(_)));
        assert!(matches!(refused("{\"type\":\"stop\"}"), StopBeforePlan));
        assert!(matches!(refused(""), NoPlan));
        let mut tls = plan("wss://127.0.0.1:1/", Format::Json);
        tls.ca = Some("ca".into());
        let line = serde_json::to_string(&ToClient::Plan(tls)).unwrap();
        assert!(matches!(refused(&line), TlsNotSupported));
    }
}
