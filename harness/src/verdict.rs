//! From an audited measurement to what is said about a round: one verdict, its
//! reason, and warnings that say what was seen and what to do. Pure.

use crate::growth;
use crate::measure::{self, Measurement};
use crate::plan::Plan;
use crate::policy;
use crate::record::Record;
use crate::stats::Slope;
use crate::verify::Audit;
use contract::ServerEnd;
use serde::{Deserialize, Serialize};

/// How a round, or a row, came out; in ascending order of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed its audit and kept up.
    Ok,
    /// It passed its audit, and its backlog grew all the time: a result.
    Overloaded,
    /// Under flood, the server was as much the limit as the client.
    ServerLimited,
    /// It never became steady.
    Unsteady,
    /// Something else took too much of the CPUs.
    Noisy,
    /// The client cannot run on this machine.
    Unavailable,
    /// The campaign was broken off before its turn.
    Interrupted,
    /// It ran, but failed its audit.
    Invalid,
    /// It crashed, hung, or broke the contract.
    Failed,
}

impl Verdict {
    /// As it stands in tables and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Overloaded => "overloaded",
            Self::ServerLimited => "server-limited",
            Self::Unsteady => "unsteady",
            Self::Noisy => "noisy",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    /// Whether it may be ranked.
    #[must_use]
    pub fn is_ranked(self) -> bool {
        matches!(self, Self::Ok | Self::Overloaded)
    }

    /// Whether there are numbers that its audit stands behind.
    #[must_use]
    pub fn is_measured(self) -> bool {
        self <= Self::Noisy
    }
}

/// What is said about a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// In a word.
    pub verdict: Verdict,
    /// Why, unless it is ok.
    pub reason: Option<String>,
    /// What its readers should know.
    pub remarks: Vec<String>,
}

/// CPU time taken by the hypervisor: from here on worth a warning, and too much.
pub const STOLEN_SHARE: [f64; 2] = [0.01, 0.05];
/// The same of other processes, in CPUs.
pub const OTHERS_CPUS: [f64; 2] = [0.05, 0.25];
/// Involuntary context switches of the client per second that are worth a warning.
const SWITCHES_PER_S: f64 = 200.0;
/// A change of the CPU's frequency that is.
const FREQUENCY_RATIO: f64 = 1.1;
/// A stop of processing that is, in ns.
const STALL_NS: u64 = 100_000_000;
/// Under flood: the server waits for the client at least so much of the time,
/// and the kernel queues run dry at most so often.
const BLOCKED_SHARE: f64 = 0.05;
const DRY_SHARE: f64 = 0.5;

/// Under the policy that blocks, a source that makes so much less than what is due is
/// held back.
const HELD_BACK_SHARE: f64 = 0.01;

/// Judges a round.
#[must_use]
pub fn judge(
    audit: &Audit,
    measurement: Option<&Measurement>,
    record: &Record,
    plan: &Plan,
) -> Judgement {
    let reason = audit.failures.join("; ");
    let Some(m) = measurement.filter(|_| audit.failures.is_empty()) else {
        let unseen = "the window was not observed to its end".to_owned();
        let (verdict, reason) = match record.overflow() {
            Some(why) if audit.failures.is_empty() => (Verdict::Overloaded, why),
            _ if reason.is_empty() => (Verdict::Invalid, unseen),
            _ => (Verdict::Invalid, reason),
        };
        return Judgement { verdict, reason: Some(reason), remarks: Vec::new() };
    };
    let (mut verdict, mut reason) = classify(m);
    // Whoever was cut off was behind, however little its backlog had grown by then.
    if record.server.ended == ServerEnd::CutOff && verdict != Verdict::Noisy {
        (verdict, reason) = (Verdict::Overloaded, None);
    }
    if let Some(why) = record.overflow().filter(|_| verdict != Verdict::Ok) {
        reason = Some(reason.map_or(why.clone(), |reason| format!("{reason}; {why}")));
    }
    Judgement { verdict, reason, remarks: warnings(m, record, plan) }
}

fn classify(m: &Measurement) -> (Verdict, Option<String>) {
    let around = &m.disturbance;
    if around.stolen_share > STOLEN_SHARE[1] {
        let percent = around.stolen_share * 100.0;
        let why = format!(
            "the hypervisor took {percent:.0} % of the CPUs' time: repeat it on a quieter host"
        );
        return (Verdict::Noisy, Some(why));
    }
    if around.others_cpus > OTHERS_CPUS[1] {
        let why = format!(
            "other processes used {:.2} CPUs meanwhile: stop them, or choose CPUs by --server-cpus and --client-cpus",
            around.others_cpus
        );
        return (Verdict::Noisy, Some(why));
    }
    let Some(offered) = m.rates.offered_per_s else {
        if m.blocked_share < BLOCKED_SHARE || m.dry_share > DRY_SHARE {
            let why = format!(
                "the server waited for this client only {:.0} % of the time, so the figure is the server's as much as the client's",
                m.blocked_share * 100.0
            );
            return (Verdict::ServerLimited, Some(why));
        }
        return match &m.unsteady {
            Some(why) => (Verdict::Unsteady, Some(format!("it never settled: {why}"))),
            None => (Verdict::Ok, None),
        };
    };
    // Before its backlog, which rises and falls with each batch that it is made to wait for.
    if let Some(share) = m.held_back.filter(|share| *share > HELD_BACK_SHARE) {
        let why = format!(
            "it held the source back: {:.1} % of the ticks due were never made, as each waits until it has taken those before",
            share * 100.0
        );
        return (Verdict::Overloaded, Some(why));
    }
    let growth = Slope { per_x: m.backlog_growth_per_s, interval: m.backlog_growth_interval_per_s };
    if growth::is_overloaded(&growth, offered) {
        let why = format!(
            "its backlog grew by {:.1} % of what was offered",
            growth.per_x / offered * 100.0
        );
        return (Verdict::Overloaded, Some(why));
    }
    if let Some(ebb) = m.ebb_growth_per_s.filter(|ebb| *ebb > growth::KEEPS_UP_SHARE * offered) {
        let why = format!(
            "between the swells of the load its backlog did not go back: the least of it grew by {:.1} % of what was offered",
            ebb / offered * 100.0
        );
        return (Verdict::Overloaded, Some(why));
    }
    match &m.unsteady {
        Some(why) => {
            let why = format!("it never settled: {why}; give it more --warmup or --seconds");
            (Verdict::Unsteady, Some(why))
        }
        None => (Verdict::Ok, None),
    }
}

fn warnings(m: &Measurement, record: &Record, plan: &Plan) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(offered) = m.rates.offered_per_s.filter(|_| !plan.keeps_due_times()) {
        warnings.push(format!(
            "the server's own pacing: it generated {:.1} % of the rate asked for",
            m.rates.generated_per_s / offered * 100.0
        ));
    }
    if let Some(loss) = m.loss.filter(|loss| *loss > 0.0) {
        warnings.push(format!(
            "lost: the policy {} kept {:.1} % of the ticks from it",
            policy::word(plan.workload.policy()),
            loss * 100.0
        ));
    }
    let around = &m.disturbance;
    if around.stolen_share > STOLEN_SHARE[0] {
        warnings.push(format!(
            "stolen: the hypervisor took {:.1} % of the CPUs' time; prefer a quieter host",
            around.stolen_share * 100.0
        ));
    }
    if around.others_cpus > OTHERS_CPUS[0] {
        warnings.push(format!(
            "others: processes outside of the round used {:.2} CPUs; stop them while measuring",
            around.others_cpus
        ));
    }
    if let Some([low, high]) =
        around.frequency_khz.filter(|[low, high]| *high as f64 > FREQUENCY_RATIO * *low as f64)
    {
        warnings.push(format!(
            "frequency: the client's CPU went between {} and {} MHz; choose the `performance` governor",
            low / 1000,
            high / 1000
        ));
    }
    let seconds = plan.measure_ns as f64 / 1e9;
    let switches = m.client_switches.involuntary as f64 / seconds;
    if switches > SWITCHES_PER_S {
        warnings.push(format!(
            "switches: the client was put off its CPU {switches:.0} times a second, by its own threads or by others; --client-cpus can give it more"
        ));
    }
    if m.window_from_ns > plan.warmup_ns {
        warnings.push(format!(
            "settled: it became steady only {:.2} s behind the warm-up, and is measured from there; give it more --warmup",
            (m.window_from_ns - plan.warmup_ns) as f64 / 1e9
        ));
    }
    if let Some(error_ns) = record.hello.clock_error_ns {
        warnings.push(format!(
            "clock: its stamps are mapped to the monotonic clock, within {} µs",
            error_ns.div_ceil(1000)
        ));
    }
    if let Some((at_ns, lasted_ns)) = stall(record, plan) {
        warnings.push(format!(
            "stalled: it processed nothing for {} ms at {:.1} s though ticks waited",
            lasted_ns / 1_000_000,
            at_ns as f64 / 1e9
        ));
    }
    warnings
}

/// The longest time within the window in which ticks waited and none was
/// processed: since the start, and how long.
fn stall(record: &Record, plan: &Plan) -> Option<(u64, u64)> {
    let window = measure::window(record, plan)?;
    let mut longest = (0, 0);
    let mut since = window.first()?;
    for look in window {
        if look.processed > since.processed
            || look.generated.saturating_sub(look.dropped) == look.processed
        {
            since = look;
        }
        longest = longest.max((look.at_ns - since.at_ns, since.at_ns - record.start_ns));
    }
    (longest.0 >= STALL_NS).then_some((longest.1, longest.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rates;

    /// The batches that a consumer in lock-step is made to wait for are no backlog that
    /// grows for ever.
    #[test]
    fn what_was_held_back_is_told_before_a_backlog() {
        let rates = Rates { offered_per_s: Some(20_000.0), ..Rates::default() };
        let grows = Measurement {
            rates,
            backlog_growth_per_s: 4_200.0,
            backlog_growth_interval_per_s: [4_000.0, 4_400.0],
            ..Measurement::default()
        };
        let reason = |m: &Measurement| classify(m).1.unwrap();
        assert!(reason(&grows).starts_with("its backlog grew by 21.0 %"));
        let blocks = Measurement { held_back: Some(0.5), ..grows };
        assert!(reason(&blocks).starts_with("it held the source back: 50.0 %"));
    }
}
