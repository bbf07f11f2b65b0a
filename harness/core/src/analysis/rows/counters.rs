//! From the rounds with counters to the counters of rows, per processed tick. Pure.
//!
//! These rounds are apart from all others: nothing else of a row is computed from them.

use crate::analysis::round::counters::PerTick;
use crate::analysis::rows::row::Row;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::Reasons;
use crate::analysis::verdict::remark::RowRemark;
use crate::record::counters::{Counter, Counts, NotCounted, by_reason, insert, names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A round with counters, as it is saved. It is not timed: it has no latencies and no rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountersRound {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// The verdict of this round, which enters no row.
    pub verdict: Verdict,
    /// Why it has that verdict; empty if it is `ok`.
    pub reasons: Reasons,
    /// What was counted; `None` if its window was not observed.
    pub counts: Option<Counts>,
}

/// A counter that was counted for a smaller share of the time was one of several that took turns.
const WHOLE_SHARE: f64 = 0.999;

/// Adds the counters of a round to the row that it belongs to. Counters of a round that failed
/// its audit are of unknown ticks: its row has a remark instead.
pub fn add(rows: &mut [Row], round: &CountersRound) {
    let is_of = |row: &&mut Row| row.workload == round.workload && row.client == round.client;
    let Some(row) = rows.iter_mut().find(is_of) else { return };
    if round.verdict.is_measured() {
        row.counters = round.counts.as_ref().and_then(PerTick::of);
    } else {
        let (verdict, reasons) = (round.verdict, round.reasons.clone());
        row.remarks.push(RowRemark::NoCounters { verdict, reasons });
    }
}

/// What readers of the counters of a whole campaign should know.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CountersNote {
    /// Some are not available on this machine.
    #[error("{}: not counted: {why}", names(counters))]
    NotCounted {
        /// Which ones.
        counters: Vec<Counter>,
        /// Why.
        why: NotCounted,
    },
    /// Some count only what happens outside of the kernel.
    #[error(
        "{}: without the kernel's part, which this user may not count: run as root, or `sudo sysctl kernel.perf_event_paranoid=1`",
        names(counters)
    )]
    UserSpaceOnly {
        /// Which ones.
        counters: Vec<Counter>,
    },
    /// Some are estimates.
    #[error(
        "{}: estimated: the processor has fewer counters than were asked for, so they took turns, and each was counted for at least {:.0} % of the time",
        names(counters),
        least_share * 100.0
    )]
    Scaled {
        /// Which ones.
        counters: Vec<Counter>,
        /// The smallest share of the time that one of them was counted.
        least_share: f64,
    },
}

/// The notes on all rounds with counters of a campaign, each reason once.
#[must_use]
pub fn notes(rounds: &[CountersRound]) -> Vec<CountersNote> {
    let (mut user_space_only, mut scaled, mut least_share) = (Vec::new(), Vec::new(), 1.0f64);
    let counts = || rounds.iter().filter_map(|round| round.counts.as_ref());
    for one in counts().flat_map(|counts| &counts.counted) {
        if one.user_space_only {
            insert(&mut user_space_only, one.counter);
        }
        let share = one.running_ns as f64 / one.enabled_ns.max(1) as f64;
        if one.enabled_ns > 0 && share < WHOLE_SHARE {
            insert(&mut scaled, one.counter);
            least_share = least_share.min(share);
        }
    }
    let missing = by_reason(counts().flat_map(|counts| &counts.not_counted))
        .into_iter()
        .map(|(why, counters)| CountersNote::NotCounted { counters, why: why.clone() });
    let user_space_only = (!user_space_only.is_empty())
        .then_some(CountersNote::UserSpaceOnly { counters: user_space_only });
    let scaled =
        (!scaled.is_empty()).then_some(CountersNote::Scaled { counters: scaled, least_share });
    missing.chain(user_space_only).chain(scaled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::round::measure::Measurement;
    use crate::analysis::rows::result::RoundResult;
    use crate::analysis::rows::summary::{self, Participants};
    use crate::analysis::verdict::reason::Reason;
    use crate::load::workload::Workload;
    use crate::record::counters::{Count, Missing};
    use contract::Class;

    fn count(counter: Counter, count: u64, [enabled_ns, running_ns]: [u64; 2]) -> Count {
        Count { counter, count, enabled_ns, running_ns, user_space_only: false }
    }

    fn counts() -> Counts {
        let missing =
            |counter| Missing { counter, why: NotCounted::NotPermitted { paranoid: Some(2) } };
        Counts {
            processed: 1000,
            counted: vec![
                count(Counter::SystemCalls, 1500, [100, 100]),
                count(Counter::PageFaults, 0, [100, 100]),
                count(Counter::Cycles, 2_000_000, [100, 50]),
                count(Counter::Instructions, 0, [100, 0]),
            ],
            not_counted: vec![missing(Counter::ContextSwitches), missing(Counter::CacheMisses)],
        }
    }

    fn round(client: &str, verdict: Verdict) -> CountersRound {
        CountersRound {
            workload: "w".into(),
            client: client.into(),
            verdict,
            reasons: if verdict == Verdict::Ok {
                Reasons::default()
            } else {
                Reason::NotRun.into()
            },
            counts: Some(counts()),
        }
    }

    #[test]
    fn each_reason_is_stated_once_for_all_rounds() {
        let mut other = round("b", Verdict::Ok);
        other.counts.as_mut().unwrap().counted[0].user_space_only = true;
        let notes = notes(&[round("a", Verdict::Ok), other]);
        let texts: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        let expected = "context switches, cache misses: not counted: not permitted (kernel.perf_event_paranoid is 2)";
        assert!(texts[0].starts_with(expected), "{}", texts[0]);
        assert!(texts[1].starts_with("system calls: without the kernel's part"), "{}", texts[1]);
        assert!(texts[2].starts_with("cycles, instructions: estimated"), "{}", texts[2]);
        assert!(texts[2].ends_with("at least 0 % of the time"), "{}", texts[2]);
        assert!(super::notes(&[]).is_empty());
    }

    /// Whatever a round with counters is like, it changes nothing that is timed.
    #[test]
    fn a_round_with_counters_changes_no_other_figure_of_its_row() {
        let text = "name='w'\nwhy='w'\nread='r'\nrate_per_s=1000\nrank_by='response_p99'\n";
        let workload: Workload = toml::from_str(text).unwrap();
        let result = |client: &str| RoundResult {
            workload: "w".into(),
            client: client.into(),
            control: false,
            round: 1,
            repeat: 0,
            disturbances: Vec::new(),
            verdict: Verdict::Ok,
            reasons: Reasons::default(),
            remarks: Vec::new(),
            measurement: Some(Measurement { client_cpus: 0.5, ..Measurement::default() }),
        };
        let results = [result("a"), result("b")];
        let participants = Participants {
            clients: vec![("a".into(), Class::Library), ("b".into(), Class::Library)],
            ..Participants::default()
        };
        let all: Vec<&RoundResult> = results.iter().collect();
        let (timed, _) = summary::of_workload(&workload, &participants, &all);
        let mut rows = timed.clone();
        add(&mut rows, &round("a", Verdict::Noisy));
        add(&mut rows, &round("b", Verdict::Failed));
        add(&mut rows, &round("nobody", Verdict::Ok));
        assert_eq!(rows[0].counters, PerTick::of(&counts()));
        assert_eq!(rows[1].counters, None);
        assert_eq!(
            rows[1].remarks.last().unwrap().to_string(),
            "no counters: the round for them is failed: no round was run"
        );
        for row in &mut rows {
            row.counters = None;
            row.remarks.retain(|remark| !matches!(remark, RowRemark::NoCounters { .. }));
        }
        assert_eq!(rows, timed);
    }
}
