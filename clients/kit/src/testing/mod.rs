//! What tests and benches of clients need; a feature, so that no client carries it.
//!
//! A client's `tests/contract.rs` is one line:
//! `client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-NAME"));`

mod loopback;

pub use conformance::{Child, Exit, Program, Server, plan};
pub use loopback::{Flood, pairs};

use crate::Session;
use crate::outcome::Kind;
use crate::watch::Shared;
use contract::meter::Meter;
use contract::{ClientFinal, ClientPlan, SampleRow};
use std::sync::Arc;

/// A session without stdin and deadlines, for benches of a client's own loop.
///
/// # Panics
/// When the plan is unsound.
#[must_use]
pub fn session(plan: ClientPlan) -> Session {
    let addresses = crate::plan::check(&plan).expect("a sound plan");
    let meter = Arc::new(Meter::unread(1).expect("memory for one page"));
    let (plan, address) = (Arc::new(plan), addresses[0]);
    Session { plan, connection: 0, address, shared: Shared::new(1), meter }
}

impl Session {
    /// The two halves of a client, without a word on stdout.
    #[must_use]
    pub fn quietly_ready(&self) -> (crate::Intake, crate::Taker) {
        let shift = Arc::default();
        (crate::Intake::new(self, Arc::clone(&shift)), crate::Taker::new(self, shift))
    }
}

impl crate::Outcome {
    /// The report of a run that nothing ended from outside.
    ///
    /// # Errors
    /// When the run is none that can be reported.
    ///
    /// # Panics
    /// When the client was not available.
    pub fn into_report(self) -> anyhow::Result<(Vec<SampleRow>, ClientFinal)> {
        match self.0 {
            Kind::Ran(run) => {
                let (samples, books) = run.report(None)?;
                Ok((samples.into_iter().flat_map(|samples| samples.rows).collect(), books))
            }
            Kind::Unavailable(reason) => panic!("unavailable: {reason}"),
        }
    }
}
