//! Sessions without a harness.

use crate::connection::Connection;
use crate::plan;
use crate::session::Session;
use crate::stop::StopSignal;
use crate::ticks::{Kind, Outcome, Processor, ReceiveCounter};
use contract::meter::Meter;
use contract::{ClientFinal, ClientPlan, SampleRow};
use std::sync::Arc;

/// A session without stdin and deadlines, for benches of a client's own loop.
///
/// # Panics
/// When the plan is invalid.
#[must_use]
pub fn session(plan: ClientPlan) -> Session {
    let addresses = plan::check(&plan).expect("a valid plan");
    let meter = Arc::new(Meter::unread(1).expect("memory for one page"));
    let (plan, address) = (Arc::new(plan), addresses[0]);
    Session(Connection { plan, index: 0, address, stop: StopSignal::new(1), meter })
}

impl Session {
    /// The two halves of a client, without a line on stdout.
    #[must_use]
    pub fn ready_without_output(&self) -> (ReceiveCounter, Processor) {
        self.halves()
    }
}

impl Outcome {
    /// The samples and the report of a run that nothing ended from outside.
    ///
    /// # Errors
    /// When the run cannot be reported.
    ///
    /// # Panics
    /// When the client was not available.
    pub fn into_report(self) -> anyhow::Result<(Vec<SampleRow>, ClientFinal)> {
        match self.0 {
            Kind::Ran(run) => {
                let (samples, report) = run.report(None)?;
                Ok((samples.into_iter().flat_map(|samples| samples.rows).collect(), report))
            }
            Kind::Unavailable(reason) => panic!("unavailable: {reason}"),
        }
    }
}
