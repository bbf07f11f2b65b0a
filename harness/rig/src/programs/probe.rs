//! Starts a program only to hear what it is: its hello, and whether it can run here.

use super::receipt::{Receipts, Whose};
use super::roster::Entry;
use super::servers::Server;
use crate::host::processes::guard::Guard;
use crate::host::processes::spawn::{Launch, start};
use anyhow::{Context, Result};
use bench_core::analysis::verdict::reason::Unavailability;
use bench_core::load::plan::{Plan, SAMPLES, Timing};
use bench_core::load::workload::Workload;
use contract::child::Child;
use contract::fault::{Awaited, Fault, Peer};
use contract::meter::MeterFile;
use contract::{
    Class, ClientHello, Empty, FromClient, FromServer, ServerHello, ServerPlan, ToClient, ToServer,
};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

/// Limit for a program's `hello`.
const HELLO: Duration = Duration::from_secs(5);
/// Time that a client has after its hello to report that it cannot run.
const UNAVAILABLE: Duration = Duration::from_millis(300);
/// Time that a program has to end after `stop`: a browser removes its profile.
const END: Duration = Duration::from_secs(3);

/// What a program answered.
pub struct Answer<H> {
    /// Its hello.
    pub hello: Option<H>,
    /// Why it cannot run; `None` if it can.
    pub not_runnable: Option<String>,
}

impl<H> Answer<H> {
    fn fault(fault: &Fault) -> Self {
        Self { hello: None, not_runnable: Some(fault.to_string()) }
    }
}

/// Starts programs, and keeps what they say in their receipts.
pub struct Probe<'a> {
    /// Ends what they start; its directory holds their meters.
    pub guard: &'a Guard,
    /// Any workload without TLS.
    pub workload: &'a Workload,
    /// Where their answers are kept.
    pub receipts: &'a Receipts,
}

impl Probe<'_> {
    /// Sends a plan to a server without a client: enough for its hello.
    ///
    /// # Errors
    /// When the workload has no plan.
    pub fn server(&self, server: &Server, program: &[String]) -> Result<Answer<ServerHello>> {
        let program = server.recipe.program(program);
        let started = start(Peer::Server, program, Launch::default(), self.guard);
        let mut child: Child<'_, FromServer> = match started {
            Ok(child) => child,
            Err(fault) => return Ok(Answer::fault(&fault)),
        };
        let plan = Plan::new(self.workload, Class::Reference, 1, short_window())?;
        // A server that only says what it is opens no connection.
        let plan = ServerPlan { congestion: None, ..plan.for_server(false, None) };
        child.send(&ToServer::Plan(plan));
        let answer = match child.expect(Awaited::Hello, HELLO) {
            Ok(FromServer::Hello(hello)) => Answer { hello: Some(hello), not_runnable: None },
            Ok(other) => Answer::fault(&child.unexpected(&other, Awaited::Hello)),
            Err(fault) => Answer::fault(&fault),
        };
        child.send(&ToServer::Stop(Empty {}));
        drop(child.exit(END));
        if let Some(hello) = &answer.hello {
            let whose = Whose::Server(&server.served_by.name);
            self.receipts.started(whose, &hello.versions, None);
        }
        Ok(answer)
    }

    /// Sends a plan to a client, with a server that never answers: enough for its hello, and to
    /// find out whether it cannot run.
    ///
    /// # Errors
    /// When the workload has no plan, or no meter can be created.
    pub fn client(&self, entry: &Entry, program: &[String]) -> Result<Answer<ClientHello>> {
        let silent = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("ws://{}/ticks", silent.local_addr()?);
        let plan = Plan::new(self.workload, entry.class, 1, short_window())?;
        // A browser makes its profile beside the meter: there it is removed even if the browser
        // does not end in time. Without a meter it would be left in the user's directory for
        // temporary files.
        let meter = self.guard.dir().join("probe.meter");
        let created = MeterFile::create(&meter, self.workload.connections);
        created.with_context(|| format!("cannot create the meter {}", meter.display()))?;
        let program = entry.recipe.program(program);
        let answer = match start(Peer::Client, program, Launch::default(), self.guard) {
            Ok(mut child) => {
                child.send(&ToClient::Plan(plan.for_client(0, &url, Some(meter.clone()))));
                let answer = answer(&mut child);
                child.send(&ToClient::Stop(Empty {}));
                drop(child.exit(END));
                answer
            }
            Err(fault) => Answer::fault(&fault),
        };
        match std::fs::remove_file(&meter) {
            // A client that removed its own meter has harmed nobody.
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).context("cannot remove the meter of a probe");
            }
            _ => {}
        }
        self.guard.end_strays();
        self.keep(entry, &answer);
        Ok(answer)
    }

    fn keep(&self, entry: &Entry, answer: &Answer<ClientHello>) {
        let whose = Whose::Client(&entry.name);
        if let Some(hello) = &answer.hello {
            self.receipts.started(whose, &hello.versions, Some(&hello.runtime));
        }
        if let Some(reason) = &answer.not_runnable {
            let reason = reason.clone();
            self.receipts.unavailable(whose, &Unavailability::Client { reason });
        }
    }
}

fn answer(child: &mut Child<'_, FromClient>) -> Answer<ClientHello> {
    match child.expect(Awaited::Hello, HELLO) {
        Ok(FromClient::Hello(hello)) => {
            let not_runnable = match child.poll(Awaited::Ready, UNAVAILABLE) {
                Ok(Some(FromClient::Unavailable { reason })) => Some(reason),
                Ok(_) => None,
                Err(fault) => Some(fault.to_string()),
            };
            Answer { hello: Some(hello), not_runnable }
        }
        Ok(other) => Answer::fault(&child.unexpected(&other, Awaited::Hello)),
        Err(fault) => Answer::fault(&fault),
    }
}

/// A window of one second; no tick will be sent.
fn short_window() -> Timing {
    let second_ns = 1_000_000_000;
    Timing { warmup_ns: 0, measure_ns: second_ns, grid_ns: second_ns, samples: SAMPLES }
}
