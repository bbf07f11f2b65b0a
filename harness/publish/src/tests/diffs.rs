//! Synthetic campaigns, compared and judged.

use super::campaigns::{Synthetic, around, control, fell_behind, kept_up, rounds, steady};
use crate::compare::change::{Change, Subject, Word};
use crate::compare::diff::{self, Diff};
use crate::compare::gate::condition::Condition;
use crate::compare::gate::outcome::Outcome;
use crate::compare::side::Filter;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reason;

pub(super) const P99: Subject = Subject::Metric(Metric::ResponseP99);

pub(super) fn ok(client: &str, all: Vec<Measurement>) -> Vec<RoundResult> {
    rounds("steady", client, Verdict::Ok, all)
}

pub(super) fn campaign(name: &str, all: &[Vec<RoundResult>]) -> Synthetic {
    Synthetic::new(name, &[steady()], all.concat())
}

pub(super) fn compared(a: &Synthetic, b: &Synthetic) -> Diff {
    diff::compare(&a.side(), &b.side(), &Filter::default()).unwrap()
}

pub(super) fn change<'a>(diff: &'a Diff, client: &str, subject: Subject) -> &'a Change {
    let is = |change: &&Change| change.client == client && change.subject == subject;
    diff.changes.iter().find(is).unwrap_or_else(|| panic!("no {subject:?} of {client}"))
}

pub(super) fn word(diff: &Diff, client: &str) -> Word {
    diff.changes.iter().find(|c| c.client == client && c.headline).unwrap().word
}

/// Rounds that differ too much for any result.
pub(super) fn wild(unit_ns: u64) -> Vec<Measurement> {
    (1..8).map(|i| kept_up(unit_ns * i)).collect()
}

/// A campaign with a row of every kind, before and after.
pub(super) fn before_and_after() -> (Synthetic, Synthetic) {
    let growing = |growth: f64| -> Vec<Measurement> {
        (0..7).map(|i| fell_behind(growth + f64::from(i))).collect()
    };
    let behind =
        |client: &str, growth: f64| rounds("steady", client, Verdict::Overloaded, growing(growth));
    let mut failed = rounds("steady", "crash", Verdict::Failed, around(1, 7));
    let hostile = "its last line: <img src=x> | `rm`\n\u{1b}[31mred";
    failed.iter_mut().for_each(|round| round.reasons = Reason::Text(hostile.into()).into());
    let a = vec![
        ok("alike", around(10_000, 7)),
        control(ok("alike", around(10_050, 7))),
        ok("quick", around(10_000, 7)),
        ok("slow", around(10_000, 7)),
        ok("wild", wild(10_000)),
        ok("behind", around(10_000, 7)),
        ok("crash", around(10_000, 7)),
        behind("stuck", 50_000.0),
        ok("gone", around(10_000, 7)),
    ];
    let b = vec![
        ok("alike", around(10_010, 7)),
        control(ok("alike", around(10_010, 7))),
        ok("quick", around(8_000, 7)),
        ok("slow", around(15_000, 7)),
        ok("wild", wild(11_000)),
        behind("behind", 40_000.0),
        failed,
        behind("stuck", 51_000.0),
        ok("new", around(10_000, 7)),
    ];
    let (a, mut b) = (campaign("before", &a), campaign("after", &b));
    b.campaign.commit = Some("fedcba9876543210".into());
    b.campaign.dirty = Some(true);
    b.campaign.machine.governor = Some("powersave <b>".into());
    b.campaign.seed = 2;
    (a, b)
}

pub(super) fn judged(conditions: &[&str], b: &Synthetic, diff: Option<&Diff>) -> Vec<Outcome> {
    let all = conditions.iter().map(|text| text.parse::<Condition>().unwrap());
    all.map(|condition| condition.judge(&b.campaign, diff)).collect()
}
