//! The plan on stdin, and a session for each of its connections.

use crate::connection::Connection;
use crate::plan::{self, PlanError};
use crate::session::Session;
use crate::stop::StopSignal;
use contract::meter::Meter;
use contract::{LineError, Lines, ToClient};
use std::io::{self, BufRead};
use std::sync::Arc;

/// Whether a client speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsSupport {
    /// It does not, and refuses a plan that asks for it.
    No,
    /// It does.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Yes,
}

/// Why a run cannot start: exit code 2.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
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
    Meter(io::Error),
}

/// Reads and checks the plan. At least one session.
pub(super) fn read_plan(
    lines: &mut Lines<impl BufRead>,
    tls: TlsSupport,
) -> Result<Vec<Session>, StartError> {
    let plan = match lines.next_line()? {
        Some(ToClient::Plan(plan)) => plan,
        Some(ToClient::Stop(_)) => return Err(StartError::StopBeforePlan),
        None => return Err(StartError::NoPlan),
    };
    let addresses = plan::check(&plan)?;
    if plan.ca.is_some() && tls == TlsSupport::No {
        return Err(StartError::TlsNotSupported);
    }
    let count = addresses.len();
    let meter = match &plan.meter {
        Some(path) => Meter::open(path, count),
        None => Meter::unread(count),
    };
    let meter = Arc::new(meter.map_err(StartError::Meter)?);
    let (plan, stop) = (Arc::new(plan), StopSignal::new(count));
    let connection = |(index, address)| Connection {
        plan: Arc::clone(&plan),
        index,
        address,
        stop: Arc::clone(&stop),
        meter: Arc::clone(&meter),
    };
    Ok(addresses.into_iter().enumerate().map(connection).map(Session).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::plan;
    use serde_json::{Value, json};
    use tick::Format;

    fn refused(line: &str) -> StartError {
        read_plan(&mut Lines::new(line.as_bytes()), TlsSupport::No).unwrap_err()
    }

    fn plan_with(key: &str, value: Value) -> String {
        let valid = ToClient::Plan(plan("ws://127.0.0.1:1/", Format::Json));
        let mut plan = serde_json::to_value(valid).unwrap();
        plan[key] = value;
        plan.to_string()
    }

    #[test]
    fn a_plan_that_cannot_be_read_or_followed_is_refused() {
        use StartError::{Line, Meter, NoPlan, Plan, StopBeforePlan, TlsNotSupported};
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
