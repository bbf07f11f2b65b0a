//! From the rounds of a campaign to its rows and its noise, both while it runs and when it is
//! read again. Pure.

use crate::analysis::rows::ranking;
use crate::analysis::rows::ranking::Noise;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row;
use crate::analysis::rows::row::Row;
use crate::analysis::rows::stalling;
use crate::load::workload::Workload;
use contract::Class;

/// Who takes part in a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Participants {
    /// Names of clients and variants, with the class of each.
    pub clients: Vec<(String, Class)>,
    /// The client that is entered twice, if there is one.
    pub control: Option<String>,
}

/// The ranked rows of one workload, and the noise between the two entries of the control.
#[must_use]
pub fn of_workload(
    workload: &Workload,
    participants: &Participants,
    rounds: &[&RoundResult],
) -> (Vec<Row>, Vec<Noise>) {
    let rounds: Vec<&RoundResult> =
        rounds.iter().copied().filter(|round| round.workload == workload.name).collect();
    let noise = match &participants.control {
        Some(control) => ranking::noise(workload, control, &rounds),
        None => Vec::new(),
    };
    let row = |(client, class): &(String, Class)| {
        let of_client = rounds.iter().filter(|round| round.client == *client && !round.control);
        let all: Vec<&RoundResult> = of_client.copied().collect();
        row::row(workload, client, *class, &all)
    };
    let mut rows: Vec<Row> = participants.clients.iter().map(row).collect();
    stalling::mark(&mut rows, workload.rank_by, &rounds);
    ranking::rank(&mut rows, workload.rank_by, &noise);
    (rows, noise)
}
