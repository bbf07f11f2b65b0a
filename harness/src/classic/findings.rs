//! From a folder of saved campaigns to what came of it: the older table as it
//! measured and as we measure, and the claims. The same folder gives the same.

use super::checks::{self, Bench, Experiments, Finding, Outcome};
use super::data::{Data, Experiment, Quantity, Role};
use super::facts::{self, Client, Head, Seen};
use super::{DATA, RUN, SCHEMA};
use crate::archive::Archive;
use crate::measure::Backlog;
use crate::rows::Row;
use crate::saved::Status;
use crate::stats::{self, Quantiles};
use crate::verdict::Verdict;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How a folder was made, beside its campaigns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// UTC.
    pub started: String,
    /// The command that repeats it.
    pub command: String,
    /// Experiments that could not be run, and why.
    pub missing: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    /// The version of this object.
    pub schema: u32,
    /// What it is.
    pub about: String,
    /// When it was begun, UTC.
    pub started: String,
    /// The command that repeats it.
    pub command: String,
    /// The machine, if anything was run.
    pub machine: Option<String>,
    /// Commit of the suite, and whether its files differed from that.
    pub commit: Option<String>,
    /// The same.
    pub dirty: Option<bool>,
    /// Whether all that was to be run was.
    pub complete: bool,
    /// The claims.
    pub claims: Vec<Claimed>,
    /// The tables.
    pub experiments: Vec<Table>,
}

/// A claim, tested.
#[derive(Debug, Clone, Serialize)]
pub struct Claimed {
    /// Its short name.
    pub id: String,
    /// What was claimed.
    pub text: String,
    /// How it was tested.
    pub how: String,
    /// What is said of it.
    pub verdict: Outcome,
    /// What was measured.
    pub findings: Vec<Finding>,
}

/// An experiment's two tables.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// The name of its folder.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it is there for.
    pub why: String,
    /// Why there are no rows, or not all rounds of them.
    pub lacks: Option<String>,
    /// One for each role.
    pub rows: Vec<Line>,
}

/// A role's row.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Its title.
    pub role: String,
    /// The client.
    pub client: String,
    /// How it came out; absent when it has no row.
    pub verdict: Option<Verdict>,
    /// Why, unless it is ok.
    pub reason: Option<String>,
    /// Rounds behind the numbers.
    pub rounds: usize,
    /// As the older benchmark measured: medians over rounds.
    pub older: Older,
    /// As we measure: medians over rounds.
    pub ours: Ours,
}

/// The older table's columns.
#[derive(Debug, Clone, Serialize)]
pub struct Older {
    /// Which messages it took latencies of: one in so many.
    pub every: u64,
    /// What its notes gave as the client's rate.
    pub noted_per_s: Option<u64>,
    /// Handed to `send()`, whole seconds.
    pub server_reports_per_s: Option<f64>,
    /// Processed, the same seconds.
    pub client_reports_per_s: Option<f64>,
    /// Mean difference of whole ms, of those messages.
    pub latency_ms: Option<f64>,
    /// Client by server.
    pub efficiency: Option<f64>,
}

/// Ours.
#[derive(Debug, Clone, Default, Serialize)]
#[allow(missing_docs)] // as in campaign.json
pub struct Ours {
    pub offered_per_s: Option<f64>,
    pub generated_per_s: Option<f64>,
    pub written_per_s: Option<f64>,
    pub received_per_s: Option<f64>,
    pub processed_per_s: Option<f64>,
    pub efficiency: Option<f64>,
    pub backlog_growth_per_s: Option<f64>,
    pub backlog_end: Option<Backlog>,
    pub response_ns: Option<Quantiles>,
    pub service_ns: Option<Quantiles>,
}

/// Reads a folder.
///
/// # Errors
/// When it is none of `harness classic`, or something in it is damaged.
pub fn read(dir: &Path) -> Result<Findings> {
    let shown = dir.display();
    let text = fs::read_to_string(dir.join(DATA))
        .with_context(|| format!("{shown} is no folder of harness classic: it has no {DATA}"))?;
    let data = Data::parse(&text).with_context(|| format!("{shown}: {DATA}"))?;
    let run = fs::read(dir.join(RUN)).with_context(|| format!("{shown}: {RUN}"))?;
    let run: Run = serde_json::from_slice(&run).with_context(|| format!("{shown}: {RUN}"))?;
    let mut experiments = Experiments::new();
    for experiment in &data.experiments {
        let folder = dir.join(&experiment.name);
        let seen = match (folder.join("campaign.json").exists(), run.missing.get(&experiment.name))
        {
            (true, _) => Ok(facts::read(&Archive::open(&folder)?)
                .with_context(|| folder.display().to_string())?),
            (false, Some(why)) => Err(why.clone()),
            (false, None) => Err("was not run: it was broken off before".to_owned()),
        };
        experiments.insert(experiment.name.clone(), seen);
    }
    Ok(of(&data, &run, &experiments))
}

/// Puts together what came of it.
#[must_use]
pub fn of(data: &Data, run: &Run, experiments: &Experiments) -> Findings {
    let bench = Bench { data, experiments };
    let heads: Vec<&Head> =
        experiments.values().filter_map(|seen| Some(&seen.as_ref().ok()?.head)).collect();
    let first = heads.first();
    let claims = data.claims.iter().map(|claim| {
        let findings = bench.claim(claim);
        Claimed {
            id: claim.id.clone(),
            text: claim.text.clone(),
            how: claim.how.clone(),
            verdict: checks::overall(claim.needs, &findings),
            findings,
        }
    });
    let tables = data.experiments.iter().map(|one| table(data, one, experiments.get(&one.name)));
    Findings {
        schema: SCHEMA,
        about: data.about.clone(),
        started: run.started.clone(),
        command: run.command.clone(),
        machine: first.map(|head| head.machine.clone()),
        commit: first.and_then(|head| head.commit.clone()),
        dirty: first.and_then(|head| head.dirty),
        complete: heads.len() == data.experiments.len()
            && heads.iter().all(|head| head.status == Status::Complete),
        claims: claims.collect(),
        experiments: tables.collect(),
    }
}

impl Findings {
    /// In a sentence, for the index.
    #[must_use]
    pub fn headline(&self) -> String {
        let of = |verdict: Outcome| self.claims.iter().filter(|c| c.verdict == verdict).count();
        let name = |verdict: Outcome| {
            let ids: Vec<&str> = self
                .claims
                .iter()
                .filter(|c| c.verdict == verdict)
                .map(|c| c.id.as_str())
                .collect();
            if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) }
        };
        format!(
            "Of {} claims of the older benchmark {} hold here{}, {} do not{}, and of {} it cannot be told{}.",
            self.claims.len(),
            of(Outcome::Holds),
            name(Outcome::Holds),
            of(Outcome::DoesNotHold),
            name(Outcome::DoesNotHold),
            of(Outcome::CannotTell),
            name(Outcome::CannotTell),
        )
    }

    /// Whether every row has numbers that its audit stands behind.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        let mut rows = self.experiments.iter().flat_map(|table| &table.rows);
        self.complete && rows.all(|row| row.verdict.is_some_and(Verdict::is_measured))
    }
}

fn table(data: &Data, experiment: &Experiment, seen: Option<&Result<Seen, String>>) -> Table {
    let roles = experiment.roles.iter().filter_map(|name| data.role(name));
    let (lacks, rows) = match seen {
        Some(Ok(seen)) => {
            let status = seen.head.status;
            let lacks = (status != Status::Complete)
                .then(|| format!("not all rounds were run ({})", status.word()));
            (lacks, roles.map(|role| line(role, seen.clients.get(&role.client))).collect())
        }
        Some(Err(why)) => (Some(why.clone()), Vec::new()),
        None => (Some("was not run".to_owned()), Vec::new()),
    };
    Table {
        name: experiment.name.clone(),
        title: experiment.title.clone(),
        why: experiment.why.clone(),
        lacks,
        rows,
    }
}

fn line(role: &Role, client: Option<&Client>) -> Line {
    let rounds = client.map_or(&[][..], |client| &client.rounds);
    let median = |quantity: Quantity| {
        let values = rounds.iter().filter_map(|round| round.values.get(&quantity).copied());
        stats::median(values.collect())
    };
    let server = median(Quantity::ServerReportsPerS);
    let reports = median(Quantity::ClientReportsPerS);
    let row = client.map(|client| &client.row);
    Line {
        role: role.title.clone(),
        client: role.client.clone(),
        verdict: row.map(|row| row.verdict),
        reason: row.and_then(|row| row.reason.clone()),
        rounds: rounds.len(),
        older: Older {
            every: role.every.into(),
            noted_per_s: role.noted_per_s,
            server_reports_per_s: server,
            client_reports_per_s: reports,
            latency_ms: median(match role.every {
                super::data::Every::Message => Quantity::OlderLatencyEveryMs,
                super::data::Every::Thousandth => Quantity::OlderLatencyThousandthMs,
            }),
            efficiency: server.zip(reports).filter(|(s, _)| *s > 0.0).map(|(s, c)| c / s),
        },
        ours: row.map_or_else(Ours::default, ours),
    }
}

fn ours(row: &Row) -> Ours {
    Ours {
        offered_per_s: row.rates.offered_per_s,
        generated_per_s: row.rates.generated_per_s,
        written_per_s: row.rates.written_per_s,
        received_per_s: row.rates.received_per_s,
        processed_per_s: row.rates.processed_per_s,
        efficiency: row.efficiency,
        backlog_growth_per_s: row.backlog_growth_per_s,
        backlog_end: row.backlog_end,
        response_ns: row.response_ns,
        service_ns: row.service_ns,
    }
}
