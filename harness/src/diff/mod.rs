//! Two campaigns compared: what changed, by how much, and how sure that is. Pure.

mod capacities;
mod pairs;
mod power;
pub mod terms;
pub mod text;
mod words;

use crate::archive::Archive;
use crate::gate::Outcome;
use crate::inference::Interval;
use crate::rows::{Metric, RoundResult};
use crate::saved::{Campaign, Kind, Status};
use crate::verdict::Verdict;
use anyhow::{Result, bail};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tick::Tape;

/// The version of the object of `diff --format json`.
pub const SCHEMA: u32 = 1;

/// One of the two campaigns.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The name of its folder.
    pub name: String,
    /// Its rows have every round's values behind them.
    pub campaign: &'a Campaign,
    /// Its rounds, for the noise of what no table is ranked by.
    pub rounds: Vec<&'a RoundResult>,
    /// Recordings that were replayed, by their workload, as far as they were kept.
    pub tapes: BTreeMap<String, Arc<Tape>>,
}

impl<'a> Side<'a> {
    /// A campaign that was read.
    #[must_use]
    pub fn of(archive: &'a Archive) -> Self {
        let names = archive.campaign.workloads.iter().map(|workload| &workload.name);
        Self {
            name: archive.name(),
            campaign: &archive.campaign,
            rounds: archive.rounds.iter().map(|round| &round.result).collect(),
            tapes: names.filter_map(|name| Some((name.clone(), archive.tape(name)?))).collect(),
        }
    }

    fn head(&self) -> Head {
        Head {
            name: self.name.clone(),
            commit: self.campaign.commit.clone(),
            dirty: self.campaign.dirty,
            started: self.campaign.started.clone(),
            status: self.campaign.status,
            command: self.campaign.command.clone(),
        }
    }
}

/// What of both campaigns is compared; empty: all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Names of clients.
    pub clients: Vec<String>,
    /// Names of workloads.
    pub workloads: Vec<String>,
}

impl Filter {
    fn has(&self, workload: &str, client: &str) -> bool {
        let of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
        of(&self.workloads, workload) && of(&self.clients, client)
    }
}

/// Two campaigns compared: the object of `diff --format json`.
#[derive(Debug, Clone, Serialize)]
pub struct Diff {
    /// The version of this object.
    pub schema: u32,
    /// What both campaigns are about.
    pub kind: Kind,
    /// The campaign that is compared with.
    pub a: Head,
    /// The campaign that is judged.
    pub b: Head,
    /// What sets the two apart besides their numbers; read it before them.
    pub notes: Vec<String>,
    /// The headlines by their word: one for each workload and client.
    pub headlines: Tally,
    /// All other changes by their word.
    pub others: Tally,
    /// What was compared: what changed first, surest first; then what is the same;
    /// then what cannot be told.
    pub changes: Vec<Change>,
    /// What only one of the campaigns has.
    pub missing: Vec<Missing>,
    /// The conditions of `--fail-on`, and how each came out.
    pub gate: Vec<Outcome>,
}

/// Which campaign it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The name of its folder.
    pub name: String,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// Whether its files differed from that commit.
    pub dirty: Option<bool>,
    /// When it began, UTC.
    pub started: String,
    /// How far it came.
    pub status: Status,
    /// The command that repeats it.
    pub command: String,
}

/// How often each word was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// B is worse.
    pub slower: usize,
    /// B is better.
    pub faster: usize,
    /// No difference worth the name.
    pub same: usize,
    /// Neither.
    pub cannot_tell: usize,
}

impl Tally {
    fn of<'a>(changes: impl Iterator<Item = &'a Change>) -> Self {
        let mut tally = Self::default();
        for change in changes {
            *match change.word {
                Word::Slower => &mut tally.slower,
                Word::Faster => &mut tally.faster,
                Word::Same => &mut tally.same,
                Word::CannotTell => &mut tally.cannot_tell,
            } += 1;
        }
        tally
    }

    /// All of them.
    #[must_use]
    pub fn total(self) -> usize {
        self.slower + self.faster + self.same + self.cannot_tell
    }
}

/// What is said of one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// B is worse: it processes less, takes longer, or has a worse verdict.
    Slower,
    /// B is better.
    Faster,
    /// The whole interval of the ratio lies within the margin.
    Same,
    /// Neither a difference nor its absence is shown.
    CannotTell,
}

impl Word {
    /// As people read it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Same => "same",
            Self::CannotTell => "cannot tell",
        }
    }

    /// Whether it is a change.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Slower | Self::Faster)
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// How the rows came out: only where they came out differently, or without numbers.
    Verdict,
    /// The highest rate sustained.
    #[serde(rename = "capacity_per_s")]
    Capacity,
    /// A number of each round.
    #[serde(untagged)]
    Metric(Metric),
}

impl Subject {
    /// Whether the greater value is the better one.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        match self {
            Self::Verdict => false,
            Self::Capacity => true,
            Self::Metric(metric) => metric.more_is_better(),
        }
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Value {
    /// How its row came out; `None` of a capacity.
    pub verdict: Option<Verdict>,
    /// Median over rounds, as the ratio is made of; of a capacity the rate. In the
    /// unit of the subject's name. `None`: it has no number.
    pub value: Option<f64>,
    /// Whether that is only a lower bound, in one round or more.
    pub at_least: bool,
    /// Rounds behind it; of a capacity, probes.
    pub rounds: usize,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// What is compared.
    pub subject: Subject,
    /// Whether it is what its workload is about (or a change of verdict): each
    /// workload and client has one headline.
    pub headline: bool,
    /// What is said.
    pub word: Word,
    /// Why it cannot be told, or what changed the verdict.
    pub reason: Option<String>,
    /// Before.
    pub a: Value,
    /// After.
    pub b: Value,
    /// B by A: a lower bound where B is one, an upper bound where A is one. `None`
    /// where one of them is zero or negative, or both are bounds.
    pub ratio: Option<f64>,
    /// Its 95 % bootstrap interval; of a capacity, what its search leaves open. Where B
    /// is a bound only the lower end counts, where A is one the upper.
    pub interval: Option<Interval>,
    /// Mann–Whitney, two-sided; `None`: there was nothing to test.
    pub p: Option<f64>,
    /// The same after Holm's adjustment for all comparisons of this diff.
    pub p_holm: Option<f64>,
    /// The noise floor that it was held against: 0.1 is 10 %.
    pub noise_floor: Option<f64>,
    /// Within what the interval has to lie to be called the same: 0.05 is 5 %.
    pub margin: Option<f64>,
    /// Whether its rounds could have shown a difference, had there been one.
    pub decidable: bool,
}

impl Change {
    /// By how much B is worse: 0.05 is 5 % less processed, or 5 % longer. `None`
    /// where there is no ratio: then it cannot be called small.
    #[must_use]
    pub fn worse_by(&self) -> Option<f64> {
        let ratio = self.ratio?;
        Some(if self.subject.more_is_better() { 1.0 - ratio } else { ratio - 1.0 })
    }

    /// Surest first.
    fn by_certainty(&self, other: &Self) -> Ordering {
        let class = |change: &Self| match (change.word, change.subject) {
            (word, Subject::Verdict) if word.is_change() => 0,
            (word, _) if word.is_change() => 1,
            (Word::Same, _) => 2,
            _ => 3,
        };
        let size = |change: &Self| change.ratio.map_or(f64::MAX, |ratio| ratio.ln().abs());
        let p = |change: &Self| change.p_holm.unwrap_or(0.0);
        class(self).cmp(&class(other)).then_with(|| match class(self) {
            0 | 1 => p(self).total_cmp(&p(other)).then_with(|| size(other).total_cmp(&size(self))),
            // As the campaign has them.
            _ => Ordering::Equal,
        })
    }
}

/// What only one campaign has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// `a` or `b`: the campaign that has it.
    pub only_in: &'static str,
    /// The workload.
    pub workload: String,
    /// Its clients.
    pub clients: Vec<String>,
}

/// Compares B with A.
///
/// # Errors
/// Why they cannot be compared, and how to mend it.
pub fn compare(a: &Side<'_>, b: &Side<'_>, filter: &Filter) -> Result<Diff> {
    terms::agree(&terms::Terms::of(a), &terms::Terms::of(b), filter)?;
    let (in_a, in_b) = (cast(a.campaign), cast(b.campaign));
    known(&in_a, &in_b, filter)?;
    let common: Vec<(String, String)> = in_a
        .iter()
        .filter(|key| in_b.contains(key) && filter.has(&key.0, &key.1))
        .cloned()
        .collect();
    if common.is_empty() {
        bail!(
            "{} and {} have no workload and client in common{}: there is nothing to compare",
            a.name,
            b.name,
            if filter.clients.is_empty() && filter.workloads.is_empty() {
                ""
            } else {
                " among those asked for"
            }
        );
    }
    let mut changes = match a.campaign.kind {
        Kind::Capacity => capacities::changes(a, b, &common),
        Kind::Compare | Kind::Sweep => pairs::changes(a, b, &common),
    };
    let mut notes = terms::notes(a, b, filter);
    notes.extend(power::notes(&changes));
    changes.sort_by(Change::by_certainty);
    let only = |has: &[(String, String)], lacks: &[(String, String)], only_in| {
        let mut of: Vec<Missing> = Vec::new();
        for (workload, client) in
            has.iter().filter(|key| !lacks.contains(key) && filter.has(&key.0, &key.1))
        {
            match of.iter_mut().find(|missing| missing.workload == *workload) {
                Some(missing) => missing.clients.push(client.clone()),
                None => of.push(Missing {
                    only_in,
                    workload: workload.clone(),
                    clients: vec![client.clone()],
                }),
            }
        }
        of
    };
    Ok(Diff {
        schema: SCHEMA,
        kind: a.campaign.kind,
        a: a.head(),
        b: b.head(),
        notes,
        headlines: Tally::of(changes.iter().filter(|change| change.headline)),
        others: Tally::of(changes.iter().filter(|change| !change.headline)),
        missing: [only(&in_a, &in_b, "a"), only(&in_b, &in_a, "b")].concat(),
        changes,
        gate: Vec::new(),
    })
}

/// Every workload and client of a campaign, in its order.
fn cast(campaign: &Campaign) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = match campaign.kind {
        Kind::Capacity => {
            let workload = campaign.workloads.first().map_or("", |workload| &workload.name);
            let of = |c: &crate::capacity::Capacity| (workload.to_owned(), c.client.clone());
            campaign.capacities.iter().map(of).collect()
        }
        Kind::Compare | Kind::Sweep => {
            campaign.rows.iter().map(|row| (row.workload.clone(), row.client.clone())).collect()
        }
    };
    let place = |name: &str| campaign.workloads.iter().position(|workload| workload.name == name);
    all.sort_by(|x, y| place(&x.0).cmp(&place(&y.0)).then_with(|| x.1.cmp(&y.1)));
    all
}

/// Whether what is asked for exists.
fn known(a: &[(String, String)], b: &[(String, String)], filter: &Filter) -> Result<()> {
    let of = |pick: fn(&(String, String)) -> &String| -> BTreeSet<&str> {
        a.iter().chain(b).map(|key| pick(key).as_str()).collect()
    };
    for (option, asked, has) in [
        ("--only", &filter.clients, of(|key| &key.1)),
        ("--workload", &filter.workloads, of(|key| &key.0)),
    ] {
        if let Some(name) = asked.iter().find(|name| !has.contains(name.as_str())) {
            let has: Vec<&str> = has.into_iter().collect();
            bail!("{option} {name}: neither campaign has it; they have {}", has.join(", "));
        }
    }
    Ok(())
}
