//! Why a round, or a row, has its verdict.

use super::build_failure::BuildFailure;
use super::disturbed::Disturbed;
use crate::analysis::audit::failure::AuditFailure;
use crate::analysis::round::window::Unsteady;
use crate::record::overflow::Overflow;
use contract::fault::{Fault, Peer};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Why a client cannot run on this machine.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Unavailability {
    /// A program that it needs is missing.
    #[error("`{program}` is not on the PATH: {}", how_to_install(packages))]
    MissingProgram {
        /// The name of the program.
        program: String,
        /// Debian's packages that have all that it needs, as far as its manifest names them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        packages: Vec<String>,
    },
    /// A file that it needs is missing, such as a library's source.
    #[error("there is no {path}: {}", how_to_install(packages))]
    MissingFile {
        /// Its path.
        path: String,
        /// As above.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        packages: Vec<String>,
    },
    /// A library that it is built with is missing.
    #[error("pkg-config finds no library `{library}`: {}", how_to_install(packages))]
    MissingLibrary {
        /// The library's name for pkg-config.
        library: String,
        /// As above.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        packages: Vec<String>,
    },
    /// The workload is under TLS.
    #[error("it does not speak TLS: its client.toml does not say `tls = true`")]
    NoTls,
    /// Its build failed.
    #[error("{failure}")]
    BuildFailed {
        /// How, and the tool's own error.
        failure: BuildFailure,
    },
    /// Its build failed, in older campaigns; or there is nothing to build or to run.
    #[error("{error}")]
    Build {
        /// What is wrong.
        error: String,
    },
    /// The client itself reported it.
    #[error("{reason}")]
    Client {
        /// The reason that it gave.
        reason: String,
    },
}

/// What to do about something that is missing.
fn how_to_install(packages: &[String]) -> String {
    match packages {
        [] => "install it".to_owned(),
        packages => format!("apt-get install {}", packages.join(" ")),
    }
}

/// Why a round, or a row, is not simply `ok`.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Overloaded: the backlog grew.
    #[error("its backlog grew by {:.1} % of the offered load", share * 100.0)]
    BacklogGrew {
        /// Growth divided by the offered load.
        share: f64,
    },
    /// Overloaded: under a load that changes by design, the lowest backlog grew.
    #[error("its backlog did not recover between the peaks of the load: its lowest level grew by {:.1} % of the offered load", share * 100.0)]
    LowestBacklogGrew {
        /// Growth divided by the offered load.
        share: f64,
    },
    /// Overloaded: under the policy that blocks, the source had to wait.
    #[error("it blocked the source: {:.1} % of the ticks due were never generated", share * 100.0)]
    BlockedSource {
        /// Share of the ticks due that were never generated.
        share: f64,
    },
    /// Overloaded: a backlog ended the round early.
    #[error("{overflow}")]
    Overflow {
        /// The limit that it reached.
        overflow: Overflow,
    },
    /// Server-limited: the server hardly had to wait for the client.
    #[error("the server waited for this client only {:.0} % of the time, so the rate is limited by the server as much as by the client", waited_share * 100.0)]
    ServerLimited {
        /// Share of the window in which the socket took nothing.
        waited_share: f64,
    },
    /// Unsteady: it kept no level.
    #[error("it never reached a steady state: {unsteady}; use a longer --warmup or --seconds")]
    Unsteady {
        /// Between which levels it moved.
        unsteady: Unsteady,
    },
    /// Noisy: something outside of the round took CPU time, enough to move what it is ranked by.
    #[error("{disturbed}")]
    Disturbed {
        /// What took most.
        disturbed: Disturbed,
    },
    /// Noisy, in older campaigns: the hypervisor took CPU time.
    #[error("the hypervisor took {:.0} % of the CPU time: repeat it on a quieter host", share * 100.0)]
    StolenTime {
        /// Share of the CPUs' time.
        share: f64,
    },
    /// Noisy, in older campaigns: other processes used the CPUs.
    #[error(
        "other processes used {cpus:.2} CPUs meanwhile: stop them, or choose other CPUs with --server-cpus and --client-cpus"
    )]
    OtherProcesses {
        /// CPU time divided by elapsed time.
        cpus: f64,
    },
    /// Unavailable: the client cannot run on this machine.
    #[error("{why}")]
    Unavailable {
        /// What is missing.
        why: Unavailability,
    },
    /// Invalid: the audit failed.
    #[error("{failure}")]
    Audit {
        /// The rule that failed, with its numbers.
        failure: AuditFailure,
    },
    /// Failed: a child broke the contract.
    #[error("{fault}")]
    Fault {
        /// Which one, and how.
        fault: Fault,
    },
    /// Failed: the kernel ended a process of a child as memory ran out (proc_sys_vm(5)).
    #[error(
        "{peer} ran out of memory, and the kernel ended it: lower the load, bound its queue, or give it more ({fault})"
    )]
    OutOfMemory {
        /// Whose process it was.
        peer: Peer,
        /// What was seen of it.
        fault: Fault,
    },
    /// Failed: it did not pass a quick case of the conformance suite before the campaign.
    #[error("it fails the conformance case `{case}`: {detail}; see `harness check {client}`")]
    Conformance {
        /// The name of the client.
        client: String,
        /// The name of the case.
        case: String,
        /// What was wrong.
        detail: String,
    },
    /// Failed: the harness itself could not continue the round.
    #[error("{error}")]
    Harness {
        /// What went wrong.
        error: String,
    },
    /// Noisy: a row with too few undisturbed rounds.
    #[error("only {undisturbed} of its {of} rounds were undisturbed: {cause}")]
    FewUndisturbed {
        /// Rounds that were undisturbed, in one of their plays.
        undisturbed: usize,
        /// All its rounds.
        of: usize,
        /// What disturbed the others, each kind once.
        cause: Reasons,
    },
    /// No round of the row was run.
    #[error("no round was run")]
    NotRun,
    /// A sentence of a campaign from before reasons had codes.
    #[error("{0}")]
    #[serde(untagged)]
    Text(String),
}

/// All reasons of a verdict, the most important first.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[serde(transparent)]
pub struct Reasons(pub Vec<Reason>);

impl Reasons {
    /// Whether there are none: the verdict is `ok`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the audit failed only because the server was late, which is due to the
    /// machine and not to the client. `None` where a campaign has only sentences.
    #[must_use]
    pub fn are_server_lateness(&self) -> Option<bool> {
        let is_lateness = |reason: &Reason| match reason {
            Reason::Text(_) => None,
            Reason::Audit { failure } => Some(failure.is_server_lateness()),
            _ => Some(false),
        };
        self.0.iter().map(is_lateness).try_fold(!self.is_empty(), |all, is| Some(all && is?))
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self(vec![reason])
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, reason) in self.0.iter().enumerate() {
            write!(f, "{}{reason}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

/// A list; or, as in older campaigns, one sentence or null.
impl<'de> Deserialize<'de> for Reasons {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            List(Vec<Reason>),
            Sentence(String),
            Null(()),
        }
        Ok(Self(match Shape::deserialize(from)? {
            Shape::List(list) => list,
            Shape::Sentence(text) => vec![Reason::Text(text)],
            Shape::Null(()) => Vec::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late() -> Reason {
        let failure = AuditFailure::ServerLate { on_time_share: 0.5, on_time_ms: 5 };
        Reason::Audit { failure }
    }

    #[test]
    fn reasons_are_saved_with_a_code_and_their_fields() {
        let reasons = Reasons(vec![Reason::BacklogGrew { share: 0.5 }, late()]);
        let json = serde_json::to_value(&reasons).unwrap();
        assert_eq!(json[0], serde_json::json!({ "code": "backlog_grew", "share": 0.5 }));
        assert_eq!(json[1]["failure"]["code"], "server_late");
        assert_eq!(serde_json::from_value::<Reasons>(json).unwrap(), reasons);
        assert_eq!(
            reasons.to_string(),
            "its backlog grew by 50.0 % of the offered load; the server generated only 50.00 % of its ticks within 5 ms of their due time: the machine was too busy"
        );
    }

    #[test]
    fn sentences_of_older_campaigns_are_shown_as_they_are() {
        let read = |text: &str| serde_json::from_str::<Reasons>(text).unwrap();
        assert_eq!(read("null"), Reasons::default());
        let old = read("\"it was so; and so\"");
        assert_eq!(old.to_string(), "it was so; and so");
        assert_eq!(serde_json::to_string(&old).unwrap(), "[\"it was so; and so\"]");
        assert_eq!(read("[\"it was so; and so\"]"), old);
    }

    #[test]
    fn only_lateness_of_the_server_is_due_to_the_machine() {
        assert_eq!(Reasons(vec![late(), late()]).are_server_lateness(), Some(true));
        let other = Reason::Audit { failure: AuditFailure::CounterDecreased };
        assert_eq!(Reasons(vec![late(), other]).are_server_lateness(), Some(false));
        assert_eq!(Reasons::default().are_server_lateness(), Some(false));
        assert_eq!(Reasons(vec![Reason::Text("late".into())]).are_server_lateness(), None);
    }
}
