//! From an audited measurement to a verdict.

use super::disturbed::disturbed;
use super::kind::Verdict;
use super::reason::{Reason, Reasons};
use super::remark::Remark;
use crate::analysis::audit::failure::AuditFailure;
use crate::analysis::audit::findings::Audit;
use crate::analysis::round::growth;
use crate::analysis::round::measure::Measurement;
use crate::analysis::round::window;
use crate::analysis::statistics::slope::Slope;
use crate::load::plan::Plan;
use crate::load::workload::RankBy;
use crate::record::overflow::Overflow;
use crate::record::round::Record;
use contract::ServerEnd;

/// The judgement of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The verdict, by its audit and its numbers.
    pub verdict: Verdict,
    /// Why it has that verdict; empty if it is `ok`.
    pub reasons: Reasons,
    /// What readers should know, whatever the verdict is.
    pub remarks: Vec<Remark>,
}

/// Share of the time of the CPUs in use that the hypervisor took, from which on there is a remark.
pub const STOLEN_SHARE: f64 = 0.01;
/// The same for other processes.
pub const OTHERS_SHARE: f64 = 0.025;
/// The effect of snapshots on response times from which on there is a remark.
const SNAPSHOT_EFFECT: f64 = 1.2;
/// Involuntary context switches of the client per second from which on there is a remark.
const PREEMPTED_PER_S: f64 = 200.0;
/// Ratio of the highest to the lowest CPU frequency from which on there is a remark.
const FREQUENCY_RATIO: f64 = 1.1;
/// Time without processing from which on there is a remark, in ns.
const STALL_NS: u64 = 100_000_000;
/// From this age on, in ns, counts in the meter are late enough to say so: a snapshot's interval.
const NOTABLE_AGE_NS: u64 = 20_000_000;
/// Under a flood the client is the limit if the server waits for it at least this share
/// of the time, …
const BLOCKED_SHARE: f64 = 0.05;
/// … and the kernel queues are nearly empty in at most this share of the snapshots.
const DRY_SHARE: f64 = 0.5;
/// Under the policy that blocks, the source is blocked if more than this share of the
/// ticks due was never generated.
const BLOCKED_SOURCE_SHARE: f64 = 0.01;

/// Judges a round by its audit and its measurement.
#[must_use]
pub fn judge(
    audit: &Audit,
    measurement: Option<&Measurement>,
    record: &Record,
    plan: &Plan,
) -> Judgement {
    let overflow = Overflow::of(record).map(|overflow| Reason::Overflow { overflow });
    let all = &record.watched.disturbances;
    let within = |window_ns, rank_by| {
        disturbed(all, &window_ns, rank_by)
            .map(|disturbed| Reasons::from(Reason::Disturbed { disturbed }))
    };
    let Some(m) = measurement.filter(|_| audit.passed()) else {
        let failed = |failure: &AuditFailure| Reason::Audit { failure: failure.clone() };
        let is_late = audit.failures.iter().all(AuditFailure::is_server_lateness);
        // A server that did not get its CPU is late from the first tick on, whatever is ranked.
        let disturbed = within(0..plan.window_ns().end, RankBy::TypicalP99)
            .filter(|_| is_late && !audit.passed());
        let (verdict, reasons) = match overflow {
            _ if disturbed.is_some() => (Verdict::Noisy, disturbed.unwrap_or_default()),
            Some(overflow) if audit.passed() => (Verdict::Overloaded, overflow.into()),
            _ if audit.passed() => {
                (Verdict::Invalid, failed(&AuditFailure::WindowNotObserved).into())
            }
            _ => (Verdict::Invalid, Reasons(audit.failures.iter().map(failed).collect())),
        };
        return Judgement { verdict, reasons, remarks: Vec::new() };
    };
    let (mut verdict, mut reason) = classify(m);
    // A client that was disconnected was behind, however little its backlog had grown.
    if record.server.ended == ServerEnd::CutOff {
        (verdict, reason) = (Verdict::Overloaded, None);
    }
    let overflow = overflow.filter(|_| verdict != Verdict::Ok);
    let mut reasons = Reasons(reason.into_iter().chain(overflow).collect());
    if let Some(disturbed) = within(plan.window_ns(), plan.workload.rank_by) {
        (verdict, reasons) = (Verdict::Noisy, disturbed);
    }
    Judgement { verdict, reasons, remarks: remarks(m, record, plan) }
}

fn classify(m: &Measurement) -> (Verdict, Option<Reason>) {
    let unsteady = m.unsteady.clone().map(|unsteady| Reason::Unsteady { unsteady });
    let overloaded = match m.rates.offered_per_s {
        Some(offered) => overload(m, offered),
        None if m.blocked_share < BLOCKED_SHARE || m.dry_share > DRY_SHARE => {
            let reason = Reason::ServerLimited { waited_share: m.blocked_share };
            return (Verdict::ServerLimited, Some(reason));
        }
        None => None,
    };
    match (overloaded, unsteady) {
        (Some(reason), _) => (Verdict::Overloaded, Some(reason)),
        (None, Some(reason)) => (Verdict::Unsteady, Some(reason)),
        (None, None) => (Verdict::Ok, None),
    }
}

/// Why a client could not keep up with the offered load, if it could not.
fn overload(m: &Measurement, offered_per_s: f64) -> Option<Reason> {
    // Before the backlog, which rises and falls with each batch that a blocked source sends.
    if let Some(share) = m.held_back.filter(|share| *share > BLOCKED_SOURCE_SHARE) {
        return Some(Reason::BlockedSource { share });
    }
    let growth = Slope { per_x: m.backlog_growth_per_s, interval: m.backlog_growth_interval_per_s };
    if growth::is_overloaded(&growth, offered_per_s) {
        return Some(Reason::BacklogGrew { share: growth.per_x / offered_per_s });
    }
    let lowest = m.ebb_growth_per_s.map(|per_s| per_s / offered_per_s);
    let grown = lowest.filter(|share| *share > growth::KEEPS_UP_SHARE);
    grown.map(|share| Reason::LowestBacklogGrew { share })
}

fn remarks(m: &Measurement, record: &Record, plan: &Plan) -> Vec<Remark> {
    let around = &m.disturbance;
    let own_pacing = m.rates.offered_per_s.filter(|_| !plan.keeps_due_times());
    let window_s = plan.measure_ns as f64 / 1e9;
    let preempted_per_s = m.client_switches.involuntary as f64 / window_s;
    let moved = |[low, high]: &[u64; 2]| *high as f64 > FREQUENCY_RATIO * *low as f64;
    let is_late = m.window_from_ns > plan.warmup_ns;
    [
        own_pacing.map(|offered| Remark::OwnPacing {
            generated_share: m.rates.generated_per_s / offered,
        }),
        m.loss
            .filter(|share| *share > 0.0)
            .map(|share| Remark::Loss { policy: plan.workload.policy(), share }),
        (around.stolen_share > STOLEN_SHARE)
            .then_some(Remark::StolenTime { share: around.stolen_share }),
        (around.others_cpus > OTHERS_SHARE * around.cpus.max(1) as f64)
            .then_some(Remark::OtherProcesses { cpus: around.others_cpus }),
        m.snapshot_effect
            .filter(|ratio| *ratio > SNAPSHOT_EFFECT)
            .map(|ratio| Remark::ObserverEffect { ratio }),
        around
            .frequency_khz
            .filter(moved)
            .map(|[low, high]| Remark::Frequency { low_mhz: low / 1000, high_mhz: high / 1000 }),
        (preempted_per_s > PREEMPTED_PER_S).then_some(Remark::Preempted { per_s: preempted_per_s }),
        is_late.then(|| Remark::LateSteadyState {
            after_s: (m.window_from_ns - plan.warmup_ns) as f64 / 1e9,
        }),
        record
            .hello
            .clock_error_ns
            .map(|error_ns| Remark::MappedClock { error_us: error_ns.div_ceil(1000) }),
        (record.counts_age_ns() >= NOTABLE_AGE_NS)
            .then(|| Remark::StaleCounts { age_ms: record.counts_age_ns() / 1_000_000 }),
        stall(record, plan),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The longest time within the window in which ticks waited and none was processed, if
/// it is long enough for a remark.
fn stall(record: &Record, plan: &Plan) -> Option<Remark> {
    let window = window::planned(record, plan)?;
    let mut longest = (0, 0);
    let mut since = window.first()?;
    for snapshot in window {
        if snapshot.processed > since.processed
            || snapshot.generated.saturating_sub(snapshot.dropped) == snapshot.processed
        {
            since = snapshot;
        }
        longest = longest.max((snapshot.at_ns - since.at_ns, since.at_ns - record.start_ns));
    }
    let (lasted_ns, at_ns) = longest;
    (lasted_ns >= STALL_NS)
        .then_some(Remark::Stall { at_s: at_ns as f64 / 1e9, lasted_ms: lasted_ns / 1_000_000 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::audit::audit;
    use crate::analysis::round::measure::{Rates, measure};
    use crate::record::disturbance::{Cause, Disturbance};
    use crate::test_rounds;

    /// The batches that a consumer in lock-step with the source waits for are not an
    /// endless backlog.
    #[test]
    fn a_blocked_source_is_reported_before_a_backlog() {
        let rates = Rates { offered_per_s: Some(20_000.0), ..Rates::default() };
        let grows = Measurement {
            rates,
            backlog_growth_per_s: 4_200.0,
            backlog_growth_interval_per_s: [4_000.0, 4_400.0],
            ..Measurement::default()
        };
        assert_eq!(classify(&grows).1, Some(Reason::BacklogGrew { share: 0.21 }));
        let blocks = Measurement { held_back: Some(0.5), ..grows };
        assert_eq!(classify(&blocks).1, Some(Reason::BlockedSource { share: 0.5 }));
    }

    /// A round whose server was late, with these disturbances.
    fn late(disturbances: Vec<Disturbance>) -> Judgement {
        let plan = test_rounds::usual_plan(8000);
        let mut record = test_rounds::record(&plan, &[&[]], 10_000);
        record.watched.disturbances = disturbances;
        let failures = vec![
            AuditFailure::ServerLate { on_time_share: 0.9, on_time_ms: 5 },
            AuditFailure::ServerBehindSchedule { generated_share: 0.9 },
        ];
        judge(&Audit { failures }, measure(&record, &plan).as_ref(), &record, &plan)
    }

    fn pause(cause: Cause) -> Disturbance {
        pause_at(700, cause)
    }

    fn pause_at(at_ms: u64, cause: Cause) -> Disturbance {
        let length_ms = 80;
        Disturbance {
            at_ns: at_ms as i64 * 1_000_000,
            within_ns: length_ms * 1_000_000,
            took_ns: length_ms * 1_000_000,
            cpus: "0".parse().unwrap(),
            cause,
        }
    }

    #[test]
    fn a_server_that_was_late_by_a_pause_was_disturbed_and_is_not_invalid() {
        assert_eq!(late(Vec::new()).verdict, Verdict::Invalid);
        assert_eq!(late(vec![pause(Cause::Interrupts)]).verdict, Verdict::Invalid);
        for cause in [Cause::Stolen, Cause::OtherProcesses, Cause::ServerPaused, Cause::Throttled] {
            let judged = late(vec![pause(cause)]);
            assert_eq!(judged.verdict, Verdict::Noisy, "{cause}");
            assert!(judged.reasons.to_string().contains("80 ms of CPU 0 at 0.70 s"));
        }
        // In the warm-up, whose ticks are audited too.
        assert_eq!(late(vec![pause_at(100, Cause::Throttled)]).verdict, Verdict::Noisy);
    }

    #[test]
    fn a_disturbed_round_with_another_fault_stays_invalid() {
        let plan = test_rounds::usual_plan(8000);
        let mut record = test_rounds::record(&plan, &[&[]], 10_000);
        record.clients[0].undecodable = 1;
        record.watched.disturbances = vec![pause(Cause::Stolen)];
        let audit = audit(&record, &plan, &test_rounds::checksums(&plan));
        let judged = judge(&audit, measure(&record, &plan).as_ref(), &record, &plan);
        assert_eq!(judged.verdict, Verdict::Invalid);
    }
}
