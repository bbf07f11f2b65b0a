//! Takes from the disturbances of a round what its own processes did: nothing that a client does
//! by itself, in the open or hidden, makes its round a disturbed one. Pure.

use crate::record::disturbance::{Cause, Disturbance};
use crate::record::placement::Placement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By how much more time than the account of the round allows may be located as that of other
/// processes, in ns and as a share: readings are not at the same instants.
const TOLERANCE_NS: u64 = 5_000_000;
const TOLERANCE_SHARE: f64 = 0.1;

/// What is known of a round's own processes once they are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnWork {
    /// CPU time that none of its processes used, from before the first until after the last, in
    /// ns; `None`: not known.
    pub others_ns: Option<u64>,
    /// Whether processes outlived the client: what they used is not in its account.
    pub left_behind: bool,
    /// Whether a thread of the client could run on CPUs that it was not given.
    pub left_its_cpus: bool,
}

/// Why something that looked like a disturbance is none.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum OwnDoing {
    /// Processes of its own had used the time.
    #[error(
        "processes that the client had started and that were gone, or had left its process group, used it"
    )]
    HiddenProcesses,
    /// The client could have run on the server's CPUs.
    #[error("the client changed the CPUs that its threads may run on")]
    LeftItsCpus,
}

/// Removes what may have been the client's own doing; returns why, if anything was removed.
pub fn remove(
    disturbances: &mut Vec<Disturbance>,
    own: OwnWork,
    placement: &Placement,
) -> Option<OwnDoing> {
    let count = disturbances.len();
    if own.left_its_cpus {
        // On its own CPUs other processes are still told apart.
        let by_server = |one: &Disturbance| {
            one.cause == Cause::ServerPaused
                || one.cause == Cause::OtherProcesses && one.cpus != placement.client
        };
        disturbances.retain(|one| !by_server(one));
        return (disturbances.len() < count).then_some(OwnDoing::LeftItsCpus);
    }
    let located = disturbances.iter().filter(|one| one.cause == Cause::OtherProcesses);
    let located_ns: u64 = located.map(|one| one.took_ns).sum();
    let is_too_much = own.others_ns.is_some_and(|others_ns| {
        let most_ns = (others_ns as f64 * (1.0 + TOLERANCE_SHARE)) as u64 + TOLERANCE_NS;
        located_ns > most_ns
    });
    if located_ns > 0 && (own.left_behind || is_too_much) {
        disturbances.retain(|one| one.cause != Cause::OtherProcesses);
    }
    (disturbances.len() < count).then_some(OwnDoing::HiddenProcesses)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn placement() -> Placement {
        let list = |text: &str| text.parse().unwrap();
        let (server, client, harness) = (list("0"), list("1"), list("0"));
        Placement { server, client, harness, spin: true, why: Vec::new() }
    }

    fn all() -> Vec<Disturbance> {
        [
            ("0", Cause::OtherProcesses),
            ("1", Cause::OtherProcesses),
            ("0", Cause::ServerPaused),
            ("1", Cause::Stolen),
        ]
        .map(|(cpus, cause)| Disturbance {
            at_ns: 0,
            within_ns: 100 * MS,
            took_ns: 50 * MS,
            cpus: cpus.parse().unwrap(),
            cause,
        })
        .into()
    }

    fn left(own: OwnWork) -> (Option<OwnDoing>, Vec<(String, Cause)>) {
        let mut disturbances = all();
        let why = remove(&mut disturbances, own, &placement());
        (why, disturbances.iter().map(|one| (one.cpus.to_string(), one.cause)).collect())
    }

    #[test]
    fn what_other_processes_used_stays() {
        for others_ns in [None, Some(100 * MS), Some(90 * MS), Some(5000 * MS)] {
            let (why, rest) = left(OwnWork { others_ns, ..OwnWork::default() });
            assert_eq!((why, rest.len()), (None, 4), "{others_ns:?}");
        }
    }

    /// As when a client starts a process of its own session that is busy and ends.
    #[test]
    fn what_the_clients_hidden_processes_used_does_not_count() {
        let other_causes = [("0".to_owned(), Cause::ServerPaused), ("1".to_owned(), Cause::Stolen)];
        for own in [
            OwnWork { others_ns: Some(40 * MS), ..OwnWork::default() },
            OwnWork { others_ns: Some(900 * MS), left_behind: true, ..OwnWork::default() },
        ] {
            let (why, rest) = left(own);
            assert_eq!(why, Some(OwnDoing::HiddenProcesses));
            assert_eq!(rest, other_causes);
        }
    }

    #[test]
    fn a_client_that_leaves_its_cpus_cannot_disturb_the_server() {
        let own = OwnWork { left_its_cpus: true, ..OwnWork::default() };
        let (why, rest) = left(own);
        assert_eq!(why, Some(OwnDoing::LeftItsCpus));
        assert_eq!(
            rest,
            [("1".to_owned(), Cause::OtherProcesses), ("1".to_owned(), Cause::Stolen)]
        );
    }
}
