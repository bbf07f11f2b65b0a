//! The view without a terminal: a line for each round, as in logs. Pure.

use bench_core::analysis::round::counters::PerTick;
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::verdict::reason::Reasons;
use bench_core::record::counters::Counter;
use bench_core::text::digits::{count, significant};
use bench_core::text::escape;

/// The result of a round in one line, with its number among all.
#[must_use]
pub fn line((done, total): (usize, usize), title: &str, result: &RoundResult) -> String {
    format!("[{done}/{total}] {title}: {}", summary(result))
}

/// The counters in the line of a round: those that explain most.
const SHOWN: [Counter; 4] =
    [Counter::SystemCalls, Counter::ContextSwitches, Counter::PageFaults, Counter::Instructions];

/// The result of a round with counters in one line, as far as they were counted.
#[must_use]
pub fn counted((done, total): (usize, usize), title: &str, round: &CountersRound) -> String {
    let numbers = match round.counts.as_ref().and_then(PerTick::of) {
        Some(per_tick) if round.verdict.is_measured() => {
            let number = |counter: Counter| {
                Some(format!("{} {counter}", significant(per_tick.get(counter)?)))
            };
            let known: Vec<String> = SHOWN.into_iter().filter_map(number).collect();
            match known.is_empty() {
                true => "nothing could be counted".to_owned(),
                false => format!("{} per tick", known.join(", ")),
            }
        }
        _ => format!("{}{}", round.verdict, reasons(&round.reasons)),
    };
    format!("[{done}/{total}] {title}: {numbers}")
}

fn reasons(reasons: &Reasons) -> String {
    match reasons.is_empty() {
        true => String::new(),
        false => format!(": {}", escape::terminal(&reasons.to_string())),
    }
}

fn summary(result: &RoundResult) -> String {
    let reasons = reasons(&result.reasons);
    let numbers = result.measurement.as_ref().map_or(String::new(), |m| {
        let p99 = m.response_ns.map_or(String::new(), |q| format!(", p99 {}", q.p99));
        format!(
            ", {} ticks/s processed, backlog {}{p99}",
            count(m.rates.processed_per_s),
            count(m.backlog_end.total())
        )
    });
    format!("{}{reasons}{numbers}", result.verdict)
}
