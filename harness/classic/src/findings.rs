//! From the measurements of experiments to the findings: results as the older benchmark
//! measured and as we measure, and its claims. Pure.

use super::checks::{self, Bench, Experiments, Finding, Outcome};
use super::data::{Data, Experiment, Quantity, Role};
use super::facts::{Client, Head, Seen};
use super::files::SCHEMA;
use super::overview::{self, Overview};
use bench_archive::campaign::{Status, UTC};
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::slope;
use bench_core::analysis::statistics::times::Quantiles;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reasons;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a run was started, and what it lacks: `run.json`, beside its campaigns.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// When it began, UTC.
    pub started: String,
    /// The command that repeats it.
    pub command: String,
    /// Experiments that could not be run, with the reason.
    pub missing: BTreeMap<String, String>,
}

/// The findings of a run: the object of `classic.json`.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Findings {
    /// The version of this object.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The introduction of the report.
    pub about: String,
    /// The question of the older benchmark, answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overview: Option<Overview>,
    /// When the run began, UTC.
    #[schemars(regex(pattern = UTC))]
    pub started: String,
    /// The command that repeats it.
    pub command: String,
    /// The machine, if anything was run.
    pub machine: Option<String>,
    /// Which process ran on which CPUs: those of a browser share the client's.
    pub placement: Option<String>,
    /// Commit of the suite; `None`: unknown, or nothing was run.
    pub commit: Option<String>,
    /// Whether files of the suite differed from that commit.
    pub dirty: Option<bool>,
    /// Whether all rounds of all experiments were run.
    pub complete: bool,
    /// The claims, tested.
    pub claims: Vec<Claimed>,
    /// The results of each experiment.
    pub experiments: Vec<Table>,
}

/// A claim, tested.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Claimed {
    /// The short name of the claim.
    pub id: String,
    /// The claim as a sentence.
    pub text: String,
    /// The test as a sentence.
    pub how: String,
    /// What the figures come from, where that is known, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The verdict, from those of all checks.
    pub verdict: Outcome,
    /// A finding for each check.
    pub findings: Vec<Finding>,
}

/// An experiment's two tables.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Table {
    /// The name of its directory, within that of the run.
    pub name: String,
    /// The title in the report.
    pub title: String,
    /// Its purpose.
    pub why: String,
    /// Why rows or rounds are missing, if any are.
    pub lacks: Option<String>,
    /// A row for each role.
    pub rows: Vec<Line>,
}

/// The results of one role.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "RoleLine")]
pub struct Line {
    /// The title of the role.
    pub role: String,
    /// The client of this suite that plays the role.
    pub client: String,
    /// The verdict of its row, if it has one.
    pub verdict: Option<Verdict>,
    /// Why it has that verdict; empty for `ok`.
    pub reasons: Reasons,
    /// Rounds behind the numbers.
    pub rounds: usize,
    /// As the older benchmark measured: medians over rounds.
    pub older: Older,
    /// As we measure: medians over rounds.
    pub ours: Ours,
}

/// The columns in the older benchmark's terms.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Older {
    /// The messages of which it measured the latency: one in this many.
    pub every: u64,
    /// The client's processed rate in its notes, in ticks per second.
    pub noted_per_s: Option<u64>,
    /// Passed to `send()`, over whole seconds, in ticks per second.
    pub server_reports_per_s: Option<f64>,
    /// Processed in the same seconds, in ticks per second.
    pub client_reports_per_s: Option<f64>,
    /// Mean latency of those messages, as a difference of whole ms.
    pub latency_ms: Option<f64>,
    /// Client reports divided by server reports.
    pub efficiency: Option<f64>,
}

/// The columns in this suite's terms.
#[derive(Debug, Clone, Default, JsonSchema, Serialize, Deserialize)]
pub struct Ours {
    /// Offered load, in ticks per second.
    pub offered_per_s: Option<f64>,
    /// Generated by the server, in ticks per second.
    pub generated_per_s: Option<f64>,
    /// Taken by the server's kernel, in ticks per second.
    pub written_per_s: Option<f64>,
    /// Handed over by the client's library, in ticks per second.
    pub received_per_s: Option<f64>,
    /// Processed by the client, in ticks per second.
    pub processed_per_s: Option<f64>,
    /// Processed divided by offered.
    pub efficiency: Option<f64>,
    /// Growth of the backlog, in ticks per second.
    pub backlog_growth_per_s: Option<f64>,
    /// The backlog at the end of the window, by layer.
    pub backlog_end: Option<Backlog>,
    /// Quantiles of the response time, in ns.
    pub response_ns: Option<Quantiles>,
    /// Quantiles of the service time, in ns.
    pub service_ns: Option<Quantiles>,
}

/// Tests the claims and collects the results of all experiments.
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
            why: claim.why.clone(),
            verdict: checks::overall(claim.needs, &findings),
            findings,
        }
    });
    let tables = data.experiments.iter().map(|one| table(data, one, experiments.get(&one.name)));
    Findings {
        schema: SCHEMA,
        about: data.about.clone(),
        overview: data.question.as_ref().map(|question| overview::of(question, &bench)),
        started: run.started.clone(),
        command: run.command.clone(),
        machine: first.map(|head| head.machine.clone()),
        placement: first.map(|head| head.placement.clone()),
        commit: first.and_then(|head| head.commit.clone()),
        dirty: first.and_then(|head| head.dirty),
        complete: heads.len() == data.experiments.len()
            && heads.iter().all(|head| head.status == Status::Complete),
        claims: claims.collect(),
        experiments: tables.collect(),
    }
}

impl Findings {
    /// How many claims hold, and which, in a sentence for the index.
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
            "Of {} claims of the older benchmark, {} hold here{}, {} do not{}, and {} cannot be decided{}.",
            self.claims.len(),
            of(Outcome::Holds),
            name(Outcome::Holds),
            of(Outcome::DoesNotHold),
            name(Outcome::DoesNotHold),
            of(Outcome::CannotTell),
            name(Outcome::CannotTell),
        )
    }

    /// Whether the run is complete and every row has numbers that passed their audit.
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
                .then(|| format!("not all rounds were run ({})", status));
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
        slope::median(values.collect())
    };
    let server = median(Quantity::ServerReportsPerS);
    let reports = median(Quantity::ClientReportsPerS);
    let row = client.map(|client| &client.row);
    Line {
        role: role.title.clone(),
        client: role.client.clone(),
        verdict: row.map(|row| row.verdict),
        reasons: row.map_or_else(Reasons::default, |row| row.reasons.clone()),
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
            efficiency: efficiency(server, reports),
        },
        ours: row.map_or_else(Ours::default, ours),
    }
}

/// What the client reports of what the server reports.
pub(super) fn efficiency(server_per_s: Option<f64>, client_per_s: Option<f64>) -> Option<f64> {
    server_per_s.zip(client_per_s).filter(|(server, _)| *server > 0.0).map(|(s, c)| c / s)
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
