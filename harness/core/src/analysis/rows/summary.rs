//! From the rounds of a campaign to its rows and its noise, both while it runs and when it is
//! read again. Pure.

use crate::analysis::rows::ranks::controls;
use crate::analysis::rows::ranks::pairs;
use crate::analysis::rows::ranks::ranking;
use crate::analysis::rows::ranks::ranking::Noise;
use crate::analysis::rows::ranks::rules::RowRules;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row;
use crate::analysis::rows::row::Row;
use crate::analysis::rows::stalling;
use crate::analysis::rows::undisturbed;
use crate::load::workload::Workload;
use contract::Class;

/// Who takes part in a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Participants {
    /// Names of clients and variants, with the class of each.
    pub clients: Vec<(String, Class)>,
    /// The clients that are entered twice.
    pub controls: Vec<String>,
    /// By which rules rows are made and ranked.
    pub rules: RowRules,
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
    let row = |(client, class): &(String, Class)| {
        let of_client = rounds.iter().filter(|round| round.client == *client && !round.control);
        let all: Vec<&RoundResult> = of_client.copied().collect();
        match participants.rules {
            RowRules::Leaders => row::row(workload, client, *class, &all),
            RowRules::AllPairs => undisturbed::row(workload, client, *class, &all),
        }
    };
    let mut rows: Vec<Row> = participants.clients.iter().map(row).collect();
    let controls = &participants.controls;
    let noise = match participants.rules {
        RowRules::Leaders => {
            let of = |control: &String| ranking::noise(workload, control, &rounds);
            let noise = controls.iter().flat_map(of).collect::<Vec<_>>();
            ranking::rank(&mut rows, workload.rank_by, &noise);
            noise
        }
        RowRules::AllPairs => {
            let noise = controls::noise(workload, controls, &rows, &rounds);
            stalling::mark(&mut rows, workload.rank_by, &rounds);
            pairs::rank(&mut rows, workload.rank_by, &noise);
            noise
        }
    };
    (rows, noise)
}
