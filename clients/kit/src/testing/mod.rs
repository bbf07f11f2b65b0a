//! The small server and the scenarios that every client is tested with; a
//! feature, so that no client carries them.
//!
//! A client's `tests/contract.rs` is one line:
//! `client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-NAME"));`

mod checks;
mod child;
mod loopback;
pub mod scenarios;
mod server;

pub use child::{Child, Exit, Program};
pub use loopback::Flood;
pub use server::{Connection, Server};

use crate::Session;
use crate::outcome::Kind;
use crate::watch::Shared;
use contract::meter::Meter;
use contract::{ClientFinal, ClientPlan, SampleRow, Version};
use std::sync::Arc;
use std::time::Duration;
use tick::{Format, SYMBOLS, Sample, Schedule};

/// A test that waits longer than this has failed: no test depends on less.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A plan for tests: no meter, no work, generous deadlines.
#[must_use]
pub fn plan(url: &str, format: Format) -> ClientPlan {
    ClientPlan {
        contract: Version,
        urls: vec![url.to_owned()],
        format,
        symbols: SYMBOLS,
        schedule: Schedule::Flood,
        duration_ns: 1_000_000_000,
        sample: Sample { first: 3, stride: 7 },
        work_ns: 0,
        queue_bound: 256,
        receive_buffer_bytes: None,
        memory_ceiling_bytes: 4 << 30,
        meter: None,
        connect_deadline_ms: 60_000,
        deadline_ms: 60_000,
    }
}

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

/// One `#[test]` for each scenario, run against the client at that path, with
/// these arguments.
#[macro_export]
macro_rules! contract_tests {
    (@each $($scenario:ident)*) => {
        $(
            #[test]
            fn $scenario() {
                $crate::testing::scenarios::$scenario(PROGRAM);
            }
        )*
    };
    ($path:expr $(, $arg:expr)*) => {
        const PROGRAM: $crate::testing::Program<'_> =
            $crate::testing::Program { path: $path, args: &[$($arg),*] };
        $crate::contract_tests!(@each
            delivers_binary delivers_json delivers_classic_binary delivers_classic_json
            answers_pings_while_idle counts_irregular_seqs counts_what_is_no_tick
            reports_a_vanished_server reports_another_close_code
            stops_while_the_server_is_silent stops_at_the_end_of_stdin stops_during_a_flood
            ends_at_its_deadline reports_when_stopped_before_the_handshake
            fails_without_a_handshake_in_time fails_without_a_server
            serves_several_connections stops_several_connections refuses_a_bad_plan says_hello_as_its_manifest);
    };
}
