//! The comparison of two campaigns.

use super::change::{Change, Missing, Word};
use super::gate::outcome::Outcome;
use super::note::Note;
use super::side::{Filter, Head, Side, Which};
use super::{capacities, pairs, power, terms};
use anyhow::{Result, bail};
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::capacity::result::Capacity;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// The version of the object of `diff --format json`.
pub const SCHEMA: u32 = 2;

/// Two campaigns compared: the object of `diff --format json`.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Diff {
    /// The version of this object.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The kind of both campaigns.
    pub kind: Kind,
    /// The campaign that is compared with.
    pub a: Head,
    /// The campaign that is judged.
    pub b: Head,
    /// Differences besides the numbers, to be read before them.
    pub notes: Vec<Note>,
    /// The headlines by their result: one for each workload and client.
    pub headlines: Tally,
    /// All other comparisons by their result.
    pub others: Tally,
    /// All comparisons: first the changes, the most certain at the top, then those with result
    /// `same`, then `cannot_tell`.
    pub changes: Vec<Change>,
    /// What only one of the campaigns has.
    pub missing: Vec<Missing>,
    /// The outcomes of the conditions of `--fail-on`.
    pub gate: Vec<Outcome>,
}

/// The number of comparisons with each result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Tally {
    /// B is worse.
    pub slower: usize,
    /// B is better.
    pub faster: usize,
    /// Any difference is within the margin.
    pub same: usize,
    /// Neither a difference nor its absence is shown.
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

    /// The number of all comparisons.
    #[must_use]
    pub fn total(self) -> usize {
        self.slower + self.faster + self.same + self.cannot_tell
    }
}

/// Compares B with A.
///
/// # Errors
/// Why they cannot be compared, and how to fix it.
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
                " among those selected"
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
        missing: [only(&in_a, &in_b, Which::A), only(&in_b, &in_a, Which::B)].concat(),
        changes,
        gate: Vec::new(),
    })
}

/// Every workload and client of a campaign, in its order.
fn cast(campaign: &Campaign) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = match campaign.kind {
        Kind::Capacity => {
            let workload = campaign.workloads.first().map_or("", |workload| &workload.name);
            let of = |c: &Capacity| (workload.to_owned(), c.client.clone());
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

/// Checks that all names of a filter exist.
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
