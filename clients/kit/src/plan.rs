//! Checks a plan before the run starts.

use contract::ClientPlan;
use std::net::SocketAddr;

/// The largest table of last prices.
const MAX_SYMBOLS: u32 = 1 << 20;
/// The largest bounded queue: crossbeam allocates it in advance.
const MAX_QUEUE_BOUND: u64 = 1 << 24;
/// With more work than this per tick, a client could not stop in time.
const MAX_WORK_NS: u64 = 100_000_000;
/// Keeps the arithmetic of sampled seqs far from an overflow.
const MAX_SEQ: u64 = 1 << 60;
/// No process opens more connections.
const MAX_CONNECTIONS: u64 = 10_000;

/// Why a plan cannot be carried out: the key, its value, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("plan: {key} is {found}: {advice}")]
pub struct PlanError {
    key: &'static str,
    found: String,
    advice: String,
}

/// Checks all of the plan; returns the addresses in its URLs.
pub(crate) fn check(plan: &ClientPlan) -> Result<Vec<SocketAddr>, PlanError> {
    within("urls", plan.urls.len() as u64, 1, MAX_CONNECTIONS)?;
    within("symbols", plan.symbols.into(), 1, MAX_SYMBOLS.into())?;
    within("sample.first", plan.sample.first, 0, MAX_SEQ)?;
    within("sample.stride", plan.sample.stride, 1, MAX_SEQ)?;
    within("work_ns", plan.work_ns, 0, MAX_WORK_NS)?;
    within("queue_bound", plan.queue_bound, 1, MAX_QUEUE_BOUND)?;
    within("memory_ceiling_bytes", plan.memory_ceiling_bytes, 1, u64::MAX)?;
    within("connect_deadline_ms", plan.connect_deadline_ms, 1, u64::MAX)?;
    within("deadline_ms", plan.deadline_ms, 1, u64::MAX)?;
    if let Some(bytes) = plan.receive_buffer_bytes {
        within("receive_buffer_bytes", bytes.into(), 1, i32::MAX as u64)?;
    }
    // With a certificate, all URLs of the plan are under TLS.
    let scheme = if plan.ca.is_some() { "wss://" } else { "ws://" };
    plan.urls.iter().map(|url| address(url, scheme)).collect()
}

fn within(key: &'static str, found: u64, least: u64, most: u64) -> Result<(), PlanError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(PlanError { key, found: found.to_string(), advice: format!("choose {least} to {most}") })
}

/// Host names are refused: no resolver takes part in a measurement.
fn address(url: &str, scheme: &str) -> Result<SocketAddr, PlanError> {
    let authority = url.strip_prefix(scheme).and_then(|rest| rest.split_once('/'));
    authority.and_then(|(address, _)| address.parse().ok()).ok_or_else(|| PlanError {
        key: "urls",
        found: format!("`{url}`"),
        advice: format!("it has to be {scheme}IP:PORT/PATH, such as {scheme}127.0.0.1:9001/ticks"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Version;
    use tick::{Format, Sample, Schedule};

    fn valid() -> ClientPlan {
        ClientPlan {
            contract: Version,
            urls: vec!["ws://127.0.0.1:9001/ticks".to_owned()],
            ca: None,
            format: Format::Binary,
            symbols: 64,
            schedule: Schedule::Flood,
            duration_ns: 1,
            sample: Sample { first: 0, stride: 1 },
            work_ns: 0,
            queue_bound: 1024,
            receive_buffer_bytes: None,
            memory_ceiling_bytes: 1 << 30,
            meter: None,
            connect_deadline_ms: 1000,
            deadline_ms: 1000,
        }
    }

    #[test]
    fn a_valid_plan_gives_its_addresses() {
        assert_eq!(check(&valid()).unwrap(), ["127.0.0.1:9001".parse().unwrap()]);
        let urls = ["ws://127.0.0.1:9001/ticks?connection=0", "ws://[::1]:80/"].map(str::to_owned);
        let two = ClientPlan { urls: urls.to_vec(), ..valid() };
        let addresses = ["127.0.0.1:9001", "[::1]:80"].map(|text| text.parse().unwrap());
        assert_eq!(check(&two).unwrap(), addresses);
    }

    #[test]
    fn an_error_names_its_key() {
        let invalid = [
            ("symbols", ClientPlan { symbols: 0, ..valid() }),
            ("symbols", ClientPlan { symbols: u32::MAX, ..valid() }),
            ("sample.stride", ClientPlan { sample: Sample { first: 0, stride: 0 }, ..valid() }),
            (
                "sample.first",
                ClientPlan { sample: Sample { first: u64::MAX, stride: 1 }, ..valid() },
            ),
            ("work_ns", ClientPlan { work_ns: u64::MAX, ..valid() }),
            ("queue_bound", ClientPlan { queue_bound: 0, ..valid() }),
            ("receive_buffer_bytes", ClientPlan { receive_buffer_bytes: Some(0), ..valid() }),
            ("deadline_ms", ClientPlan { deadline_ms: 0, ..valid() }),
            ("urls", ClientPlan { urls: Vec::new(), ..valid() }),
            ("urls", ClientPlan { urls: vec!["wss://127.0.0.1:1/".to_owned()], ..valid() }),
            ("urls", ClientPlan { ca: Some("ca".into()), ..valid() }),
            ("urls", ClientPlan { urls: vec!["ws://localhost:9001/".to_owned()], ..valid() }),
            ("urls", ClientPlan { urls: vec!["ws://127.0.0.1:9001".to_owned()], ..valid() }),
        ];
        for (key, plan) in invalid {
            assert_eq!(check(&plan).unwrap_err().key, key);
        }
    }
}
