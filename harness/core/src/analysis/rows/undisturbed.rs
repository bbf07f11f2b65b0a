//! Rows that are made of undisturbed rounds. Pure.
//!
//! A round that was disturbed is played again with the same number. The undisturbed one of its
//! plays counts; what all plays together give is kept beside it.

use crate::analysis::round::measure::Measurement;
use crate::analysis::rows::figures::WithDisturbed;
use crate::analysis::rows::metric::Metric;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row::{self, Row};
use crate::analysis::statistics::slope;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::{Reason, Reasons};
use crate::analysis::verdict::remark::RowRemark;
use crate::load::workload::Workload;
use contract::Class;
use std::collections::BTreeSet;
use std::mem::discriminant;

/// A row needs this number of undisturbed rounds, or all of them if there are fewer: of two
/// rounds, nothing tells which one is the exception.
pub const LEAST_UNDISTURBED: usize = 3;

/// The row of one client under one workload, from all plays of its rounds.
#[must_use]
pub fn row(workload: &Workload, client: &str, class: Class, plays: &[&RoundResult]) -> Row {
    let (disturbed, undisturbed): (Vec<&RoundResult>, Vec<&RoundResult>) =
        plays.iter().copied().partition(|play| play.verdict == Verdict::Noisy);
    let own = row::common_verdict(&verdicts(&undisturbed));
    let of = plays.iter().map(|play| play.round).collect::<BTreeSet<_>>().len();
    // A client that failed has failed, whatever disturbed its other rounds.
    let enough = undisturbed.len() >= LEAST_UNDISTURBED.min(of) || !own.is_measured();
    let mut row = if disturbed.is_empty() || (enough && !undisturbed.is_empty()) {
        row::build((workload, client, class), &undisturbed, own, |play| row::counts(own, play))
    } else {
        let is_measured = |play: &RoundResult| play.verdict.is_measured();
        row::build((workload, client, class), plays, Verdict::Noisy, is_measured)
    };
    if disturbed.is_empty() {
        return row;
    }
    let cause = causes(&disturbed);
    row.verdicts.insert(Verdict::Noisy, disturbed.len());
    row.with_disturbed = Some(with_disturbed(plays));
    match row.verdict == Verdict::Noisy {
        true => {
            let undisturbed = undisturbed.len();
            row.reasons = Reason::FewUndisturbed { undisturbed, of, cause }.into();
            row.remarks.retain(|remark| !matches!(remark, RowRemark::OtherVerdict { .. }));
        }
        false => row.remarks.push(RowRemark::Disturbed {
            plays: disturbed.len(),
            of: plays.len(),
            cause,
        }),
    }
    row
}

fn verdicts(plays: &[&RoundResult]) -> Vec<Verdict> {
    plays.iter().map(|play| play.verdict).collect()
}

/// The reasons of all plays, each kind once with the numbers of its first.
fn causes(disturbed: &[&RoundResult]) -> Reasons {
    let mut causes: Vec<Reason> = Vec::new();
    for reason in disturbed.iter().flat_map(|play| &play.reasons.0) {
        if causes.iter().all(|known| discriminant(known) != discriminant(reason)) {
            causes.push(reason.clone());
        }
    }
    Reasons(causes)
}

fn with_disturbed(plays: &[&RoundResult]) -> WithDisturbed {
    let measured = plays.iter().filter(|play| play.verdict.is_measured());
    let all: Vec<&Measurement> = measured.filter_map(|play| play.measurement.as_ref()).collect();
    let median = |metric: Metric| slope::median(all.iter().filter_map(|m| metric.of(m)).collect());
    WithDisturbed {
        rounds: all.len(),
        typical_p99_ns: median(Metric::TypicalP99),
        processed_per_s: median(Metric::Processed),
    }
}
