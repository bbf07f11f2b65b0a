//! The plan of a run, read and checked.

use crate::accept::certificate;
use crate::connection::stream::policy::{Limits, PolicyError};
use crate::engine::classic::{Classic, Style, UnsupportedLoad};
use anyhow::{Context, Result};
use contract::listener::{self, ListenError};
use contract::recording;
use contract::{LineError, Lines, ServerPlan, ToServer};
use rustls::ServerConfig;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use tick::{Tape, Timetable, TimetableError};

/// The most connections of one run.
const MAX_CONNECTIONS: usize = 10_000;
/// The most threads of one run.
const MAX_THREADS: usize = 64;

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The first line cannot be read.
    #[error("no plan: {0}")]
    Unreadable(#[from] LineError),
    /// The first line is another one.
    #[error("the first line has to be the plan")]
    NotFirst,
    /// No line came.
    #[error("standard input ended before the plan")]
    Ended,
    /// Samples without a distance.
    #[error("the plan's sample.stride is 0: it has to be at least 1")]
    Stride,
    /// Too many connections, or none.
    #[error("the plan's connections are {0}: choose 1 to {MAX_CONNECTIONS}")]
    Connections(usize),
    /// Too many threads, or none.
    #[error("the plan's threads are {0}: choose 1 to {MAX_THREADS}")]
    Threads(usize),
    /// A flood with several threads.
    #[error(
        "the plan spreads a flood over threads, each of which would have its own pace: choose one thread"
    )]
    FloodThreads,
    /// A policy that cannot be applied.
    #[error("the plan's slow_consumer: {0}")]
    Policy(#[from] PolicyError),
    /// A congestion control that the kernel refuses.
    #[error("the plan's {0}")]
    Congestion(#[from] ListenError),
    /// A listening socket of the harness.
    #[error("the plan's listener_fd: this server opens its own listening socket: omit it")]
    InheritedListener,
    /// A schedule that cannot be carried out.
    #[error("the plan's schedule: {0}")]
    Schedule(#[from] TimetableError),
    /// A load that the classic style does not have.
    #[error(transparent)]
    Classic(#[from] UnsupportedLoad),
}

/// A plan that can be carried out, with the contents of its files.
pub struct CheckedPlan {
    /// The plan.
    pub plan: ServerPlan,
    /// Its policy for slow consumers.
    pub limits: Limits,
    /// The recording, if the load replays one.
    pub tape: Option<Arc<Tape>>,
    /// When each tick is due.
    pub timetable: Timetable,
    /// The certificate, under TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Reads the first line, which has to be the plan, and checks it.
///
/// # Errors
/// No plan, a plan that cannot be carried out, or files of it that cannot be used.
pub fn read(lines: &mut Lines<impl BufRead>, style: Style) -> Result<CheckedPlan> {
    let plan = match lines.next_line().map_err(PlanError::Unreadable)? {
        Some(ToServer::Plan(plan)) => plan,
        Some(_) => return Err(PlanError::NotFirst.into()),
        None => return Err(PlanError::Ended.into()),
    };
    let limits = check(&plan, style)?;
    let tape = plan.tape.as_deref().map(read_tape).transpose()?;
    let timetable = Timetable::new(plan.schedule, tape.clone()).map_err(PlanError::Schedule)?;
    let tls = plan.tls.as_ref().map(|tls| certificate::load(&tls.cert, &tls.key));
    let tls = tls.transpose().context("the plan's tls")?;
    Ok(CheckedPlan { plan, limits, tape, timetable, tls })
}

fn check(plan: &ServerPlan, style: Style) -> Result<Limits, PlanError> {
    let ServerPlan { connections, threads, schedule, format, .. } = *plan;
    if plan.sample.stride == 0 {
        return Err(PlanError::Stride);
    }
    if !(1..=MAX_CONNECTIONS).contains(&connections) {
        return Err(PlanError::Connections(connections));
    }
    if !(1..=MAX_THREADS).contains(&threads) {
        return Err(PlanError::Threads(threads));
    }
    if threads > 1 && !schedule.is_open_loop() {
        return Err(PlanError::FloodThreads);
    }
    if plan.listener_fd.is_some() {
        return Err(PlanError::InheritedListener);
    }
    if let Some(name) = &plan.congestion {
        listener::check(name)?;
    }
    if style == Style::Classic {
        Classic::new(schedule, 0)?;
    }
    Ok(Limits::from_plan(plan.slow_consumer, schedule, format, connections)?)
}

/// Within the time that the harness allows for it before it expects a hello.
fn read_tape(path: &Path) -> Result<Arc<Tape>> {
    let read = recording::read(path, |_, _| {});
    let read = read.with_context(|| format!("the plan's tape {}", path.display()))?;
    Ok(Arc::new(read.tape))
}
