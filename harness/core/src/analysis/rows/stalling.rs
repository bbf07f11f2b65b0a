//! Which clients stall more than the reference client: a typical p99 forgives whatever happens in
//! less than half of its windows, a client's own regular pauses too. Pure.

use crate::analysis::rows::medians::SEED;
use crate::analysis::rows::ranks::ranking::SIGNIFICANT;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row::{self, Row};
use crate::analysis::statistics::{inference, slope};
use crate::analysis::verdict::remark::RowRemark;
use crate::load::workload::RankBy;
use contract::Class;

/// Fewer common blocks show nothing.
const LEAST_BLOCKS: usize = 3;
/// No smaller difference between the medians counts, in ms per second: what the kernel threads of
/// an idle machine take from one CPU rather than from another.
const LEAST_MS_PER_S: f64 = 2.0;
/// The same with too few rounds for a test.
const LEAST_MS_PER_S_OF_FEW: f64 = 5.0;
/// Nor one below this share of what the reference stalls.
const LEAST_SHARE: f64 = 0.5;

/// The stalls of a round that no disturbance explains: the number of its block, and ms per second.
pub type Stalled = (u32, f64);

/// How much a client and the reference stall, in ms per second: medians over common blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StallsMore {
    /// The client.
    pub ms_per_s: f64,
    /// The reference.
    pub reference_ms_per_s: f64,
}

/// Whether a client stalls more than the reference, of which a block may have two rounds, in the
/// blocks that both have; `among` clients are compared with it.
///
/// With enough rounds it does if a one-sided Mann–Whitney test says so, at 5 % after Bonferroni's
/// correction. With fewer no test can, and each of its rounds has to stall more than all of the
/// reference's: of three and six rounds without a difference, one arrangement of 84 is so. In
/// either case the difference has to matter.
#[must_use]
pub fn stalls_more(own: &[Stalled], reference: &[Stalled], among: usize) -> Option<StallsMore> {
    let common = |all: &[Stalled], other: &[Stalled]| -> Vec<f64> {
        let is_common = |block: u32| other.iter().any(|(number, _)| *number == block);
        all.iter().filter(|(block, _)| is_common(*block)).map(|(_, ms)| *ms).collect()
    };
    let (a, b) = (common(own, reference), common(reference, own));
    if a.len().min(b.len()) < LEAST_BLOCKS {
        return None;
    }
    let found = StallsMore {
        ms_per_s: slope::median(a.clone())?,
        reference_ms_per_s: slope::median(b.clone())?,
    };
    let corrected = |two_sided_p: f64| two_sided_p / 2.0 * among.max(1) as f64;
    let can_test = corrected(inference::least_p(a.len(), b.len())) < SIGNIFICANT;
    let least_ms = if can_test { LEAST_MS_PER_S } else { LEAST_MS_PER_S_OF_FEW };
    let matters = found.ms_per_s - found.reference_ms_per_s
        >= least_ms.max(found.reference_ms_per_s * LEAST_SHARE);
    let is_more = || match can_test {
        true => corrected(inference::mann_whitney_p(&a, &b, SEED)) < SIGNIFICANT,
        false => a.iter().all(|ms| b.iter().all(|reference_ms| ms > reference_ms)),
    };
    (matters && is_more()).then_some(found)
}

/// Marks the rows of one workload that stall more than the client of class `reference`, the first
/// by name, and says so. Only where typical response times rank.
pub fn mark(rows: &mut [Row], rank_by: RankBy, rounds: &[&RoundResult]) {
    if !matches!(rank_by, RankBy::TypicalP99 | RankBy::KeepingUp) {
        return;
    }
    let references = rows.iter().filter(|row| row.class == Class::Reference);
    let Some(reference) = references.min_by(|a, b| a.client.cmp(&b.client)) else { return };
    let of_reference = stalled(reference, rounds, true);
    let name = reference.client.clone();
    let is_compared = |row: &Row| row.class != Class::Reference && row.verdict.is_ranked();
    let among = rows.iter().filter(|row| is_compared(row)).count();
    for row in rows.iter_mut().filter(|row| is_compared(row)) {
        let own = stalled(row, rounds, false);
        if let Some(found) = stalls_more(&own, &of_reference, among) {
            row.stalls_more = true;
            row.remarks.push(RowRemark::StallsMore {
                ms_per_s: found.ms_per_s,
                reference: name.clone(),
                reference_ms_per_s: found.reference_ms_per_s,
            });
        }
    }
}

/// The stalls of the rounds behind a row; of the control's second entry too, if asked for.
fn stalled(row: &Row, rounds: &[&RoundResult], with_control: bool) -> Vec<Stalled> {
    let of_row = rounds.iter().filter(|round| {
        round.client == row.client
            && (with_control || !round.control)
            && row.verdict.is_ranked()
            && row::counts(row.verdict, round)
    });
    let ms = |round: &&RoundResult| Some(round.measurement.as_ref()?.stalls?.ms_per_s);
    of_row.filter_map(|round| Some((round.round, ms(round)?))).collect()
}
