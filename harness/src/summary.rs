//! From the rounds of a campaign to its rows and its noise: the same while it
//! runs and when it is read again. Pure.

use crate::capacity::{Capacity, Probe};
use crate::ranking::{self, Noise};
use crate::rows::{self, RoundResult, Row};
use crate::workload::Workload;
use contract::Class;

/// Who takes part in a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cast {
    /// Names of clients and variants, and what each is compared as.
    pub clients: Vec<(String, Class)>,
    /// Who is entered twice, if anyone is.
    pub control: Option<String>,
}

/// The ranked rows of one workload, and how far two entries of the control lay
/// apart in it.
#[must_use]
pub fn of_workload(
    workload: &Workload,
    cast: &Cast,
    rounds: &[&RoundResult],
) -> (Vec<Row>, Vec<Noise>) {
    let rounds: Vec<&RoundResult> =
        rounds.iter().copied().filter(|round| round.workload == workload.name).collect();
    let noise = match &cast.control {
        Some(control) => ranking::noise(workload, control, &rounds),
        None => Vec::new(),
    };
    let row = |(client, class): &(String, Class)| {
        let of_client = rounds.iter().filter(|round| round.client == *client && !round.control);
        let all: Vec<&RoundResult> = of_client.copied().collect();
        rows::row(workload, client, *class, &all)
    };
    let mut rows: Vec<Row> = cast.clients.iter().map(row).collect();
    ranking::rank(&mut rows, workload.rank_by, &noise);
    (rows, noise)
}

/// Whether a client's capacity has just the probes that its rounds were.
#[must_use]
pub fn is_of(found: &Capacity, rounds: &[&RoundResult]) -> bool {
    let own: Vec<&&RoundResult> = rounds.iter().filter(|r| r.client == found.client).collect();
    let alike = |(probe, round): (&Probe, &&&RoundResult)| {
        let m = round.measurement.as_ref();
        round.workload.ends_with(&format!("@{}", probe.rate_per_s))
            && probe.verdict == round.verdict
            && probe.efficiency == m.and_then(|m| m.efficiency)
            && probe.backlog_growth_per_s == m.map(|m| m.backlog_growth_per_s)
            && probe.client_cpus == m.map(|m| m.client_cpus)
            && probe.response_p99_ns
                == m.and_then(|m| m.response_ns).map(|response| response.p99.bound_ns())
    };
    found.probes.len() == own.len() && found.probes.iter().zip(&own).all(alike)
}
