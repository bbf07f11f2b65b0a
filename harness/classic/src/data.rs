//! The data file: experiments, roles, claims. Client names stand only there.

use anyhow::{Context, Result, bail};
use bench_core::analysis::round::backlog::Layer;
use bench_core::load::server::Style;
use bench_core::text::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What the data file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// What stands at the top of the report.
    pub about: String,
    /// Who plays what.
    #[serde(rename = "role")]
    pub roles: Vec<Role>,
    /// What is run, in this order.
    #[serde(rename = "experiment")]
    pub experiments: Vec<Experiment>,
    /// What was claimed.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// A client in the part that it plays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// As experiments and claims name it.
    pub name: String,
    /// As the report names it.
    pub title: String,
    /// The client or variant.
    pub client: String,
    /// The older sampling: it looked at the latency of one message in so many.
    pub every: Every,
    /// What the older notes gave as its processed rate, if anything.
    pub noted_per_s: Option<u64>,
}

/// Which messages the older benchmark took latencies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum Every {
    /// All.
    Message,
    /// Those whose number is a multiple of 1000.
    Thousandth,
}

impl TryFrom<u64> for Every {
    type Error = String;

    fn try_from(every: u64) -> Result<Self, String> {
        match every {
            1 => Ok(Self::Message),
            1000 => Ok(Self::Thousandth),
            other => Err(format!("every: {other}: the older benchmark knew 1 and 1000")),
        }
    }
}

impl From<Every> for u64 {
    fn from(every: Every) -> Self {
        match every {
            Every::Message => 1,
            Every::Thousandth => 1000,
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "every message",
            Self::Thousandth => "every 1000th",
        })
    }
}

/// One comparison.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The name of its folder.
    pub name: String,
    /// As the report names it.
    pub title: String,
    /// What it is there for.
    pub why: String,
    /// Against which server.
    pub server: String,
    /// How that paces, where there is a choice.
    pub style: Option<Style>,
    /// A workload, or the path of its file.
    pub workload: String,
    /// Who takes part.
    pub roles: Vec<String>,
    /// Which of them is entered twice.
    pub control: String,
}

/// Something that was claimed, and how it is tested.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// A short name.
    pub id: String,
    /// What was claimed.
    pub text: String,
    /// How it is tested, in words.
    pub how: String,
    /// Whether all checks have to hold, or one of them.
    #[serde(default)]
    pub needs: Needs,
    /// The tests.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}

/// How many checks make a claim hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// All of them.
    #[default]
    All,
    /// One of them.
    Any,
}

/// A test by its name, and its parameters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "test", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Check {
    /// A quantity lies within bounds.
    Level {
        /// Which.
        of: Place,
        /// The lower bound.
        at_least: Option<f64>,
        /// The upper bound.
        at_most: Option<f64>,
    },
    /// A quantity by another one lies within bounds.
    Ratio {
        /// Which.
        of: Place,
        /// By which.
        to: Place,
        /// The lower bound.
        at_least: Option<f64>,
        /// The upper bound.
        at_most: Option<f64>,
    },
    /// Two quantities differ by more than a factor, whichever is greater.
    Apart {
        /// The one.
        of: Place,
        /// The other.
        to: Place,
        /// The factor, above 1.
        by: f64,
    },
    /// So much of the backlog at the end stands in these layers.
    Layers {
        /// In which experiment.
        experiment: String,
        /// Whose backlog.
        role: String,
        /// These layers.
        layers: Vec<Layer>,
        /// The least share of it.
        at_least: f64,
    },
}

/// A quantity of a client in an experiment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// In which experiment.
    pub experiment: String,
    /// Whose.
    pub role: String,
    /// What.
    pub quantity: Quantity,
}

/// What is known of each round.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // named as in the tables
pub enum Quantity {
    OfferedPerS,
    GeneratedPerS,
    WrittenPerS,
    ReceivedPerS,
    ProcessedPerS,
    BacklogGrowthPerS,
    /// Whole seconds of what the server handed to `send()`.
    ServerReportsPerS,
    /// The same seconds of what the client processed.
    ClientReportsPerS,
    /// Mean latency in whole ms of every message, as the older benchmark took it.
    OlderLatencyEveryMs,
    /// The same of multiples of 1000.
    #[serde(rename = "older_latency_1000th_ms")]
    OlderLatencyThousandthMs,
    /// Quantiles of processed − stamped over the ticks that were processed.
    LatencyP50EveryNs,
    #[serde(rename = "latency_p50_1000th_ns")]
    LatencyP50ThousandthNs,
    LatencyP99EveryNs,
    #[serde(rename = "latency_p99_1000th_ns")]
    LatencyP99ThousandthNs,
    LatencyMaxEveryNs,
    #[serde(rename = "latency_max_1000th_ns")]
    LatencyMaxThousandthNs,
    /// Ticks that carry one and the same ms: on average, and at most.
    SharedMeanTicks,
    SharedMostTicks,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OfferedPerS => "offered",
            Self::GeneratedPerS => "generated",
            Self::WrittenPerS => "written",
            Self::ReceivedPerS => "received",
            Self::ProcessedPerS => "processed",
            Self::BacklogGrowthPerS => "growth of the backlog",
            Self::ServerReportsPerS => "server reports",
            Self::ClientReportsPerS => "client reports",
            Self::OlderLatencyEveryMs => "mean latency of every message",
            Self::OlderLatencyThousandthMs => "mean latency of every 1000th",
            Self::LatencyP50EveryNs => "p50 of every message",
            Self::LatencyP50ThousandthNs => "p50 of every 1000th",
            Self::LatencyP99EveryNs => "p99 of every message",
            Self::LatencyP99ThousandthNs => "p99 of every 1000th",
            Self::LatencyMaxEveryNs => "longest of every message",
            Self::LatencyMaxThousandthNs => "longest of every 1000th",
            Self::SharedMeanTicks => "ticks that share a time stamp, mean",
            Self::SharedMostTicks => "ticks that share a time stamp, most",
        })
    }
}

impl Data {
    /// Reads a data file.
    ///
    /// # Errors
    /// When it names what is not there: a test, a quantity, a role, an experiment.
    pub fn parse(text: &str) -> Result<Self> {
        let data: Self = toml::from_str(text)?;
        unique("role", data.roles.iter().map(|role| &role.name))?;
        unique("experiment", data.experiments.iter().map(|one| &one.name))?;
        unique("claim", data.claims.iter().map(|claim| &claim.id))?;
        for experiment in &data.experiments {
            experiment.check(&data).with_context(|| format!("experiment {}", experiment.name))?;
        }
        for claim in &data.claims {
            if claim.checks.is_empty() {
                bail!("claim {}: no check", claim.id);
            }
            for check in &claim.checks {
                data.check(check).with_context(|| format!("claim {}", claim.id))?;
            }
        }
        Ok(data)
    }

    /// A role by its name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    fn check(&self, check: &Check) -> Result<()> {
        match check {
            Check::Level { of, at_least, at_most } => {
                bounds(*at_least, *at_most)?;
                self.place(&of.experiment, &of.role)
            }
            Check::Ratio { of, to, at_least, at_most } => {
                bounds(*at_least, *at_most)?;
                self.place(&of.experiment, &of.role)?;
                self.place(&to.experiment, &to.role)
            }
            Check::Apart { of, to, by } => {
                if by.is_nan() || *by <= 1.0 {
                    bail!("by: {by} is not above 1");
                }
                self.place(&of.experiment, &of.role)?;
                self.place(&to.experiment, &to.role)
            }
            Check::Layers { experiment, role, at_least, .. } => {
                if !(0.0..=1.0).contains(at_least) {
                    bail!("at_least: {at_least} is no share");
                }
                self.place(experiment, role)
            }
        }
    }

    fn place(&self, experiment: &str, role: &str) -> Result<()> {
        let Some(found) = self.experiments.iter().find(|one| one.name == experiment) else {
            let names: Vec<&str> = self.experiments.iter().map(|one| one.name.as_str()).collect();
            bail!(nearest::unknown("experiment", experiment, &names));
        };
        if !found.roles.iter().any(|name| name == role) {
            bail!("experiment {experiment}: {}", nearest::unknown("role", role, &found.roles));
        }
        Ok(())
    }
}

impl Experiment {
    fn check(&self, data: &Data) -> Result<()> {
        let simple = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(simple) {
            bail!("name: use letters, digits and `-` only, as a folder is named so");
        }
        let names: Vec<&str> = data.roles.iter().map(|role| role.name.as_str()).collect();
        if let Some(role) = self.roles.iter().find(|role| !names.contains(&role.as_str())) {
            bail!(nearest::unknown("role", role, &names));
        }
        if !self.roles.contains(&self.control) {
            bail!("control: {}", nearest::unknown("role", &self.control, &self.roles));
        }
        Ok(())
    }
}

fn bounds(at_least: Option<f64>, at_most: Option<f64>) -> Result<()> {
    match (at_least, at_most) {
        (None, None) => bail!("give at_least, at_most, or both"),
        (Some(low), Some(high)) if low > high => bail!("at_least {low} is above at_most {high}"),
        _ => Ok(()),
    }
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            bail!("two of {kind} are named `{name}`: rename one");
        }
    }
    if seen.is_empty() {
        bail!("no [[{kind}]]");
    }
    Ok(())
}
