//! Which CPUs server, client and harness run on, and why: data that campaigns record.

use super::cpus::CpuList;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which CPUs server, client and harness run on, and why.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The server's CPUs.
    pub server: CpuList,
    /// The client's CPUs.
    pub client: CpuList,
    /// The CPUs of the harness itself: such that neither server nor client uses, where there are
    /// any; otherwise the server's, so that it never takes time from a client.
    pub harness: CpuList,
    /// Whether the server may spin before a due time: only where that takes no CPU from the
    /// client.
    pub spin: bool,
    /// Why these CPUs, and what to know about them.
    pub why: Vec<PlacementReason>,
}

impl Placement {
    /// The CPUs that a round runs on: what happens on any other does not disturb it.
    #[must_use]
    pub fn in_use(&self) -> CpuList {
        self.server.with(&self.client)
    }

    /// Whether neither server nor client uses the harness's CPUs.
    #[must_use]
    pub fn harness_is_apart(&self) -> bool {
        !self.harness.overlaps(&self.in_use())
    }

    /// What makes these CPUs worse for measuring than others.
    pub fn problems(&self) -> impl Iterator<Item = &PlacementReason> {
        self.why.iter().filter(|reason| reason.is_problem())
    }
}

/// The CPUs of each, and what is wrong with them.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, client, harness, .. } = self;
        if self.why.contains(&PlacementReason::OneCpu) {
            return PlacementReason::OneCpu.fmt(f);
        }
        match harness == server {
            true => write!(f, "server and harness on CPU {server}, client on CPU {client}")?,
            false => {
                write!(
                    f,
                    "server on CPU {server}, client on CPU {client}, harness on CPU {harness}"
                )?;
            }
        }
        for (index, problem) in self.problems().enumerate() {
            write!(f, "{} {problem}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// A reason for a placement, or something to know about it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlacementReason {
    /// Options named the CPUs of one or both.
    #[error("{}", given(*server, *client))]
    Given {
        /// Whether those of the server.
        server: bool,
        /// Whether those of the client.
        client: bool,
    },
    /// The process may use a single CPU.
    #[error("one CPU for all: nothing is pinned, and latencies mean little")]
    OneCpu,
    /// Some CPUs are both the server's and the client's.
    #[error("server and client share CPU {cpus}, so latencies mean little")]
    SharedCpus {
        /// Those CPUs.
        cpus: CpuList,
    },
    /// Server and client have hardware threads of the same cores.
    #[error("server and client share the core of CPU {cpus}, so each slows the other")]
    SharedCore {
        /// The hardware threads of those cores.
        cpus: CpuList,
    },
    /// The machine does not report which CPUs are hardware threads of one core.
    #[error("this machine does not report which CPUs share a core")]
    UnknownCores,
    /// All CPUs in use are of the fastest kind, and the machine has others.
    #[error("performance cores")]
    FastCores,
    /// Some CPUs in use are of a slower kind than the machine's fastest.
    #[error("CPU {cpus} is slower than others of this machine")]
    SlowerCores {
        /// Those CPUs.
        cpus: CpuList,
    },
    /// All CPUs in use share their last-level cache.
    #[error("one last-level cache")]
    OneCache,
    /// Server and client share a NUMA node, but not all of their last-level cache.
    #[error("one NUMA node, but several last-level caches")]
    SeveralCaches,
    /// The CPUs in use belong to several NUMA nodes.
    #[error("server and client are on several NUMA nodes, so ticks cross between them")]
    SeveralNodes,
    /// Neither server nor client uses CPU 0, though they may.
    #[error("not on CPU 0, which usually serves most interrupts")]
    FirstCpuLeft,
    /// Server or client uses CPU 0.
    #[error("CPU 0 is in use, which usually serves most interrupts")]
    FirstCpuInUse,
    /// The harness has CPUs that neither server nor client uses.
    #[error("the harness has CPU {cpus} to itself")]
    HarnessApart {
        /// Those CPUs.
        cpus: CpuList,
    },
    /// The harness has its own CPU, which is a hardware thread of a core in use.
    #[error("the harness has CPU {cpus}, a hardware thread of a core in use")]
    HarnessOnCoreInUse {
        /// Its CPUs.
        cpus: CpuList,
    },
    /// No CPU is left for the harness.
    #[error("no CPU is left for the harness, which shares the server's")]
    HarnessWithServer,
}

impl PlacementReason {
    /// Whether it makes these CPUs worse for measuring than others.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        matches!(
            self,
            Self::OneCpu
                | Self::SharedCpus { .. }
                | Self::SharedCore { .. }
                | Self::SlowerCores { .. }
                | Self::SeveralNodes
        )
    }
}

fn given(server: bool, client: bool) -> String {
    let options = [(server, "--server-cpus"), (client, "--client-cpus")];
    let named: Vec<&str> = options.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    format!("given by {}", named.join(" and "))
}

/// The placement of a campaign, as it is saved.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Placed {
    /// Data, since there is any.
    Cpus(Placement),
    /// A sentence in older campaigns, shown as it is.
    Sentence(String),
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpus(placement) => placement.fmt(f),
            Self::Sentence(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_cpus() -> Placement {
        let list = |text: &str| text.parse().unwrap();
        Placement {
            server: list("0"),
            client: list("1"),
            harness: list("0"),
            spin: true,
            why: vec![PlacementReason::FirstCpuInUse, PlacementReason::HarnessWithServer],
        }
    }

    /// Campaigns of two CPUs have the same text as before it was data, so `diff` sees no change.
    #[test]
    fn a_placement_on_two_cpus_reads_as_the_sentence_that_was_saved_before() {
        let sentence = "server and harness on CPU 0, client on CPU 1";
        let old: Placed = serde_json::from_str(&format!("\"{sentence}\"")).unwrap();
        assert_eq!(old, Placed::Sentence(sentence.into()));
        let new = Placed::Cpus(two_cpus());
        assert_eq!(new.to_string(), old.to_string());
        let saved = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Placed>(&saved).unwrap(), new);
    }

    #[test]
    fn problems_are_part_of_the_text() {
        let cpus: CpuList = "0-1".parse().unwrap();
        let mut placement = two_cpus();
        placement.why.push(PlacementReason::SharedCore { cpus });
        assert!(
            placement.to_string().ends_with("share the core of CPU 0-1, so each slows the other")
        );
        assert!(!placement.harness_is_apart());
        placement.why = vec![PlacementReason::OneCpu];
        assert!(placement.to_string().starts_with("one CPU for all"));
    }
}
