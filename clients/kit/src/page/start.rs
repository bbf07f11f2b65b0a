//! `main` of a client that starts a page before it can say what it is.

use crate::identity::Identity;
use crate::run::{self, TlsSupport};
use crate::session::Session;
use crate::ticks::Outcome;
use anyhow::Result;
use clap::Parser;
use contract::ClientPlan;
use std::time::{Duration, Instant};

/// What a client has started before its hello.
#[derive(Debug)]
pub struct Started<S> {
    /// Who it is.
    pub identity: Identity,
    /// Versions of what it is made of besides its crates.
    pub versions: Vec<String>,
    /// The maximum error of the page's stamps, where they are used.
    pub clock_error_ns: Option<u64>,
    /// For its run.
    pub state: S,
}

const LONGEST: Duration = Duration::from_secs(3600);

/// When the plan's time for the start of a client is over.
#[derive(Debug, Clone, Copy)]
pub struct Until(Instant);

impl Until {
    fn of(plan: &ClientPlan) -> Self {
        Self::after(Duration::from_millis(plan.connect_deadline_ms.min(plan.deadline_ms)))
    }

    /// From now on.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        // Deadlines of a plan may be longer than any instant.
        Self(Instant::now().checked_add(time).unwrap_or_else(|| Instant::now() + LONGEST))
    }

    /// The time that is left.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Runs a client outside the suite's workspace, built by the lock file `lock`, whose hello has
/// facts that are known only when its page runs: the version of the browser, the error of its
/// clock. Returns the exit code, so that it can be called beside a main thread that belongs to
/// the page.
///
/// `start` is called with the plan and starts the page. A `stop` that comes meanwhile is followed
/// afterwards.
pub fn main_with_page<A: Parser, S>(
    lock: &str,
    start: impl FnOnce(&A, &ClientPlan, Until) -> Result<Started<S>>,
    run: impl FnOnce(&A, S, Vec<Session>) -> Result<Outcome>,
) -> u8 {
    let prepare = |args: &A, plan: &ClientPlan| {
        let started = start(args, plan, Until::of(plan))?;
        let Started { identity, versions, clock_error_ns, state } = started;
        let mut hello = identity.hello(lock)?;
        hello.versions.splice(0..0, versions);
        hello.clock_error_ns = clock_error_ns;
        Ok((hello, state))
    };
    run::start_with(TlsSupport::No, prepare, run)
}
