//! The data file: experiments, roles, claims. Only it names clients.

use super::question::{Question, Way};
use anyhow::{Context, Result, bail};
use bench_core::analysis::round::backlog::Layer;
use bench_core::load::server::Style;
use bench_core::text::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The content of the data file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The introduction of the report.
    pub about: String,
    /// The question that the report answers at its head, if it does.
    pub question: Option<Question>,
    /// The clients of the older benchmark, and those that stand for them.
    #[serde(rename = "role")]
    pub roles: Vec<Role>,
    /// The experiments, in the order in which they run.
    #[serde(rename = "experiment")]
    pub experiments: Vec<Experiment>,
    /// The claims of the older benchmark.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// A client of the older benchmark, and the one of this suite that stands for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name in experiments and claims.
    pub name: String,
    /// Its name in the report.
    pub title: String,
    /// The client of this suite, or a variant of it.
    pub client: String,
    /// The messages of which the older benchmark measured the latency: one in this many.
    pub every: Every,
    /// Its processed rate in the older notes, in ticks per second; `None`: not noted.
    pub noted_per_s: Option<u64>,
}

/// The messages of which the older benchmark measured the latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum Every {
    /// Every message.
    Message,
    /// Those whose seq is a multiple of 1000.
    Thousandth,
}

impl TryFrom<u64> for Every {
    type Error = String;

    fn try_from(every: u64) -> Result<Self, String> {
        match every {
            1 => Ok(Self::Message),
            1000 => Ok(Self::Thousandth),
            other => Err(format!("every: {other}: give 1 or 1000, as in the older benchmark")),
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

/// One comparison of clients: a campaign of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The name of its directory, within that of the run.
    pub name: String,
    /// The title in the report.
    pub title: String,
    /// Its purpose, for the report.
    pub why: String,
    /// The server that it runs against.
    pub server: String,
    /// The pacing of that server; `None`: its default.
    pub style: Option<Style>,
    /// A workload, or the path of its file.
    pub workload: String,
    /// The names of the roles that take part.
    pub roles: Vec<String>,
    /// The role that runs twice, as A/A control.
    pub control: String,
}

/// A claim of the older benchmark, and its test.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// A short name, unique among the claims.
    pub id: String,
    /// The claim as a sentence.
    pub text: String,
    /// The test as a sentence.
    pub how: String,
    /// What the figures come from, where that is known, as a sentence.
    pub why: Option<String>,
    /// Whether all checks have to hold, or one of them.
    #[serde(default)]
    pub needs: Needs,
    /// The checks, at least one.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}

/// How many of its checks a claim needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// All of its checks.
    #[default]
    All,
    /// At least one of its checks.
    Any,
}

/// A check: the name of a test, and its parameters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "test", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Check {
    /// A quantity lies within bounds.
    Level {
        /// The quantity.
        of: Place,
        /// The lower bound, if any, in the unit of the quantity.
        at_least: Option<f64>,
        /// The upper bound, if any.
        at_most: Option<f64>,
    },
    /// The ratio of two quantities lies within bounds.
    Ratio {
        /// The numerator.
        of: Place,
        /// The denominator.
        to: Place,
        /// The lower bound, if any.
        at_least: Option<f64>,
        /// The upper bound, if any.
        at_most: Option<f64>,
    },
    /// Two quantities differ by more than a factor, whichever is greater.
    Apart {
        /// One of the quantities.
        of: Place,
        /// The other quantity.
        to: Place,
        /// The factor, above 1.
        by: f64,
    },
    /// These layers hold at least a given share of the backlog at the end of the window.
    Layers {
        /// The name of the experiment.
        experiment: String,
        /// The name of the role whose backlog it is.
        role: String,
        /// The layers, whose shares are added.
        layers: Vec<Layer>,
        /// The lower bound of the share, from 0 to 1.
        at_least: f64,
    },
}

/// A quantity of a client in an experiment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The name of the experiment.
    pub experiment: String,
    /// The name of the role.
    pub role: String,
    /// The quantity.
    pub quantity: Quantity,
}

/// The quantities of a round.
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
    /// Ticks passed to `send()` by the server, over whole seconds.
    ServerReportsPerS,
    /// Ticks processed by the client, over the same seconds.
    ClientReportsPerS,
    /// Mean latency of every message, from whole ms, as in the older benchmark.
    OlderLatencyEveryMs,
    /// The same over multiples of 1000.
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
    /// Ticks with the same ms as their stamp: the mean, and the maximum.
    SharedMeanTicks,
    SharedMostTicks,
}

impl Quantity {
    /// Whether it is computed from the stamps and snapshots of a round, and not from its saved
    /// measurement.
    #[must_use]
    pub fn needs_stamps(self) -> bool {
        match self {
            Self::OfferedPerS
            | Self::GeneratedPerS
            | Self::WrittenPerS
            | Self::ReceivedPerS
            | Self::ProcessedPerS
            | Self::BacklogGrowthPerS => false,
            Self::ServerReportsPerS
            | Self::ClientReportsPerS
            | Self::OlderLatencyEveryMs
            | Self::OlderLatencyThousandthMs
            | Self::LatencyP50EveryNs
            | Self::LatencyP50ThousandthNs
            | Self::LatencyP99EveryNs
            | Self::LatencyP99ThousandthNs
            | Self::LatencyMaxEveryNs
            | Self::LatencyMaxThousandthNs
            | Self::SharedMeanTicks
            | Self::SharedMostTicks => true,
        }
    }
}

impl Quantity {
    /// Whether it says what the server does, and not the client.
    #[must_use]
    pub fn is_of_server(self) -> bool {
        matches!(
            self,
            Self::OfferedPerS | Self::GeneratedPerS | Self::WrittenPerS | Self::ServerReportsPerS
        )
    }
}

impl Check {
    /// Whether it needs the stamps or snapshots of a round.
    #[must_use]
    pub fn needs_stamps(&self) -> bool {
        match self {
            Self::Level { of, .. } => of.quantity.needs_stamps(),
            Self::Ratio { of, to, .. } | Self::Apart { of, to, .. } => {
                of.quantity.needs_stamps() || to.quantity.needs_stamps()
            }
            Self::Layers { .. } => false,
        }
    }
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
            Self::LatencyMaxEveryNs => "maximum of every message",
            Self::LatencyMaxThousandthNs => "maximum of every 1000th",
            Self::SharedMeanTicks => "ticks that share a time stamp, mean",
            Self::SharedMostTicks => "ticks that share a time stamp, maximum",
        })
    }
}

impl Data {
    /// Reads a data file.
    ///
    /// # Errors
    /// When it is malformed, or names a test, a quantity, a role or an experiment that does
    /// not exist.
    pub fn parse(text: &str) -> Result<Self> {
        let data: Self = toml::from_str(text)?;
        unique("role", data.roles.iter().map(|role| &role.name))?;
        unique("experiment", data.experiments.iter().map(|one| &one.name))?;
        unique("claim", data.claims.iter().map(|claim| &claim.id))?;
        for experiment in &data.experiments {
            experiment.check(&data).with_context(|| format!("experiment {}", experiment.name))?;
        }
        if let Some(question) = &data.question {
            data.answers(question).context("question")?;
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

    /// Finds a role by its name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// Checks that each of its experiments has a role for each way.
    fn answers(&self, question: &Question) -> Result<()> {
        let of = |experiment| Way::ALL.map(|way| (experiment, question.role(way)));
        let mut places = question.experiments.iter().flat_map(of);
        places.try_for_each(|(experiment, role)| self.place(experiment, role))
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
                    bail!("at_least: {at_least} is not a share from 0 to 1");
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
            bail!("name: use letters, digits and `-` only, as it names a directory");
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
            bail!("two {kind}s are named `{name}`: rename one");
        }
    }
    if seen.is_empty() {
        bail!("there is no [[{kind}]]: add one");
    }
    Ok(())
}
