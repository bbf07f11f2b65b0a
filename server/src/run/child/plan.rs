//! The plan of a run, read and checked.

use crate::accept::certificate;
use crate::connection::stream::policy::Limits;
use crate::engine::classic::{Classic, Style};
use anyhow::{Context, Result, anyhow, bail};
use contract::{Lines, ServerPlan, ToServer};
use rustls::ServerConfig;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use tick::{Tape, Timetable};

/// The most connections of one run.
const MAX_CONNECTIONS: usize = 10_000;
/// The most threads of one run.
const MAX_THREADS: usize = 64;

/// A plan that can be carried out, with what its files hold.
pub struct Planned {
    /// As it came.
    pub plan: ServerPlan,
    /// What becomes of a consumer that is behind.
    pub limits: Limits,
    /// The recording, where the load replays one.
    pub tape: Option<Arc<Tape>>,
    /// When each tick is due.
    pub timetable: Timetable,
    /// The certificate, under TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Reads the first line, and checks it.
///
/// # Errors
/// No plan, or one that cannot be used.
pub fn read(lines: &mut Lines<impl BufRead>, style: Style) -> Result<Planned> {
    let plan = match lines.next_line().context("no plan")? {
        Some(ToServer::Plan(plan)) => plan,
        Some(_) => bail!("the first line has to be the plan"),
        None => bail!("standard input ended before the plan"),
    };
    if plan.sample.stride == 0 {
        bail!("the plan's sample.stride is 0: it has to be at least 1");
    }
    if !(1..=MAX_CONNECTIONS).contains(&plan.connections) {
        bail!("the plan's connections are {}: choose 1 to {MAX_CONNECTIONS}", plan.connections);
    }
    if !(1..=MAX_THREADS).contains(&plan.threads) {
        bail!("the plan's threads are {}: choose 1 to {MAX_THREADS}", plan.threads);
    }
    if plan.threads > 1 && !plan.schedule.is_open_loop() {
        bail!(
            "the plan spreads a flood over threads, each of which would set a pace of its own: choose one"
        );
    }
    let limits = Limits::of_plan(plan.slow_consumer, plan.schedule, plan.format, plan.connections)
        .map_err(|error| anyhow!("the plan's slow_consumer: {error}"))?;
    let tape = plan.tape.as_deref().map(read_tape).transpose()?;
    let timetable = Timetable::new(plan.schedule, tape.clone()).map_err(anyhow::Error::msg)?;
    if style == Style::Classic {
        Classic::new(plan.schedule, 0).map_err(anyhow::Error::msg)?;
    }
    let tls = plan.tls.as_ref().map(|tls| certificate::load(&tls.cert, &tls.key));
    let tls = tls.transpose().context("the plan's tls")?;
    Ok(Planned { plan, limits, tape, timetable, tls })
}

fn read_tape(path: &Path) -> Result<Arc<Tape>> {
    let text = std::fs::read_to_string(path).context("the plan's tape cannot be read")?;
    let tape = Tape::parse(&text).map_err(|error| anyhow!("the plan's tape: {error}"))?;
    Ok(Arc::new(tape))
}
