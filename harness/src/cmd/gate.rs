//! The conditions of `--fail-on`, judged against a diff.

use crate::exit::Exit;
use bench_archive::archive::Archive;
use bench_publish::compare::diff::Diff;
use bench_publish::compare::gate::condition::Condition;

/// Judges B by all conditions.
pub(super) fn judge(conditions: &[Condition], b: &Archive, diff: &mut Diff) {
    let all = conditions.iter().map(|condition| condition.judge(&b.campaign, Some(diff)));
    diff.gate = all.collect();
}

/// Whether all of them hold.
pub(super) fn exit(diff: &Diff) -> Exit {
    let holds = diff.gate.iter().all(|outcome| outcome.holds);
    if holds { Exit::Done } else { Exit::Condition }
}
