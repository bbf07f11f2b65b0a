//! What readers of a round or a row should know besides its verdict.

use super::kind::Verdict;
use super::reason::Reasons;
use crate::analysis::round::own_work::OwnDoing;
use contract::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::mem::discriminant;

/// A remark on one round.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Remark {
    /// The server has its own pacing.
    #[error("own pacing: the server generated {:.1} % of the requested rate", generated_share * 100.0)]
    OwnPacing {
        /// The generated rate divided by the requested one.
        generated_share: f64,
    },
    /// The policy dropped ticks.
    #[error("loss: the policy {policy} dropped {:.1} % of the ticks", share * 100.0)]
    Loss {
        /// The policy of the workload.
        policy: Policy,
        /// Share of the generated ticks.
        share: f64,
    },
    /// The hypervisor took CPU time.
    #[error("stolen time: the hypervisor took {:.1} % of the CPU time; prefer a quieter host", share * 100.0)]
    StolenTime {
        /// Share of the CPUs' time.
        share: f64,
    },
    /// Other processes used the CPUs.
    #[error("other processes used {cpus:.2} CPUs; stop them while measuring")]
    OtherProcesses {
        /// CPU time divided by elapsed time.
        cpus: f64,
    },
    /// Snapshots of the harness are seen in the response times.
    #[error(
        "observer effect: ticks due during a snapshot took {ratio:.2} times as long as others (p75); typical response times leave them out"
    )]
    ObserverEffect {
        /// The p75 of those ticks divided by that of all others.
        ratio: f64,
    },
    /// The client's CPU changed its frequency.
    #[error(
        "frequency: the client's CPU ran between {low_mhz} and {high_mhz} MHz; use the `performance` governor"
    )]
    Frequency {
        /// The lowest observed.
        low_mhz: u64,
        /// The highest observed.
        high_mhz: u64,
    },
    /// The client was preempted often.
    #[error(
        "preempted: the client's threads were preempted {per_s:.0} times per second, by each other or by other processes; give it more CPUs with --client-cpus"
    )]
    Preempted {
        /// Involuntary context switches per second.
        per_s: f64,
    },
    /// The window begins later than the warm-up ends.
    #[error(
        "late steady state: it was steady only {after_s:.2} s after the warm-up, and is measured from there; use a longer --warmup"
    )]
    LateSteadyState {
        /// After the warm-up, in s.
        after_s: f64,
    },
    /// The stamps are from a mapped clock.
    #[error("clock: its time stamps are mapped to the monotonic clock, within {error_us} µs")]
    MappedClock {
        /// The maximum error.
        error_us: u64,
    },
    /// The counts in the meter were old.
    #[error(
        "counts: they reached the meter up to {age_ms} ms late, so its backlog is up to that much older"
    )]
    StaleCounts {
        /// Their maximum age.
        age_ms: u64,
    },
    /// Nothing was processed for a while though ticks waited.
    #[error(
        "stall: it processed nothing for {lasted_ms} ms from {at_s:.1} s on though ticks waited"
    )]
    Stall {
        /// When it began, in s since tick 0.
        at_s: f64,
        /// How long it lasted, in ms.
        lasted_ms: u64,
    },
    /// What looked like a disturbance may have been its own doing.
    #[error(
        "no disturbance: CPU time that was not the server's or the client's does not excuse this round, as {why}"
    )]
    OwnDoing {
        /// Why it does not.
        why: OwnDoing,
    },
    /// Processes outlived the client.
    #[error(
        "left behind: {processes} of its processes were outside its process group and had to be killed"
    )]
    LeftBehind {
        /// How many were left.
        processes: usize,
    },
    /// A sentence of a campaign from before remarks had codes.
    #[error("{0}")]
    #[serde(untagged)]
    Text(String),
}

impl Remark {
    /// Whether both are of the same kind, whatever their numbers are. In sentences of older
    /// campaigns numbers cannot be separated from the rest: those have to be equal.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (a, b) => discriminant(a) == discriminant(b),
        }
    }
}

/// A remark on a row.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum RowRemark {
    /// A remark on some of its rounds, with the numbers of the first of them.
    #[error("{remark}{}", in_rounds(*rounds, *of))]
    Rounds {
        /// The remark on the first of these rounds.
        remark: Remark,
        /// How many rounds have it.
        rounds: usize,
        /// How many rounds the row has.
        of: usize,
    },
    /// A round whose verdict is not the row's.
    #[error("round {round} is {verdict}{}{reasons}", if reasons.is_empty() { "" } else { ": " })]
    OtherVerdict {
        /// Its number, from 1.
        round: u32,
        /// Its own verdict.
        verdict: Verdict,
        /// Why it has that verdict.
        reasons: Reasons,
    },
    /// Some of its rounds were disturbed, are left out, and were played again.
    #[error("disturbed: {plays} of {of} plays of its rounds are left out: {cause}")]
    Disturbed {
        /// How many plays were disturbed.
        plays: usize,
        /// How many plays there were.
        of: usize,
        /// What disturbed them, each kind once.
        cause: Reasons,
    },
    /// It stalls more than the reference client.
    #[error(
        "stalls {ms_per_s:.0} ms/s that no disturbance explains, {reference} {reference_ms_per_s:.1} ms/s: it is not in the first group"
    )]
    StallsMore {
        /// Its own, in ms per second.
        ms_per_s: f64,
        /// The client of class `reference`.
        reference: String,
        /// The same of that client, in the same blocks.
        reference_ms_per_s: f64,
    },
    /// Its round for the counters has no numbers.
    #[error("no counters: the round for them is {verdict}{}{reasons}", if reasons.is_empty() { "" } else { ": " })]
    NoCounters {
        /// The verdict of that round, which is not timed.
        verdict: Verdict,
        /// Why it has that verdict.
        reasons: Reasons,
    },
    /// A sentence of a campaign from before remarks had codes.
    #[error("{0}")]
    #[serde(untagged)]
    Text(String),
}

fn in_rounds(rounds: usize, of: usize) -> String {
    if rounds == of { String::new() } else { format!(" [{rounds} of {of} rounds]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_saved_with_a_code_and_their_fields() {
        let remark =
            RowRemark::Rounds { remark: Remark::StolenTime { share: 0.02 }, rounds: 1, of: 3 };
        let json = serde_json::to_value(&remark).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "about": "rounds",
                "remark": { "code": "stolen_time", "share": 0.02 },
                "rounds": 1,
                "of": 3
            })
        );
        assert_eq!(serde_json::from_value::<RowRemark>(json).unwrap(), remark);
        assert!(remark.to_string().ends_with("prefer a quieter host [1 of 3 rounds]"));
    }

    #[test]
    fn sentences_of_older_campaigns_are_shown_as_they_are() {
        let old: RowRemark = serde_json::from_str("\"stolen: 2 % [1 of 3 rounds]\"").unwrap();
        assert_eq!(old.to_string(), "stolen: 2 % [1 of 3 rounds]");
        let old: Remark = serde_json::from_str("\"stolen: 2 %\"").unwrap();
        assert_eq!(old, Remark::Text("stolen: 2 %".into()));
    }

    #[test]
    fn remarks_are_alike_whatever_their_numbers_are() {
        let stolen = |share| Remark::StolenTime { share };
        assert!(stolen(0.1).is_like(&stolen(0.2)));
        assert!(!stolen(0.1).is_like(&Remark::OtherProcesses { cpus: 0.1 }));
        let text = |text: &str| Remark::Text(text.to_owned());
        assert!(text("a").is_like(&text("a")) && !text("a").is_like(&text("b")));
    }
}
