//! The check of the counters that explain a rank.

use super::finding::{Check, Finding, Topic, fine, note};
use super::readings::Readings;
use bench_core::record::counters::{by_reason, names};

pub(super) const CHECKS: &[Check] = &[counters];

fn counters(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "counters",
        why: "they explain why one client is faster than another; no timed figure needs them",
        if_unknown: "see `perf stat true`",
    };
    topic.judge(readings.counters.as_ref(), |counters| {
        let all = [
            (names(&counters.all), ""),
            (names(&counters.user_space_only), " outside of the kernel"),
        ];
        let available = all.iter().filter(|(names, _)| !names.is_empty());
        let available: Vec<String> =
            available.map(|(names, part)| format!("{names}{part}")).collect();
        let missing = by_reason(&counters.not_counted).into_iter();
        let mut advice: Vec<String> =
            missing.map(|(why, missing)| format!("{}: {why}", names(&missing))).collect();
        if !counters.user_space_only.is_empty() {
            advice.push(
                "for the kernel's part: run as root, or `sudo sysctl kernel.perf_event_paranoid=1`"
                    .into(),
            );
        }
        match (advice.is_empty(), available.is_empty()) {
            (true, _) => fine("all"),
            (false, true) => note("none", advice.join("; ")),
            (false, false) => note(available.join("; "), advice.join("; ")),
        }
    })
}
