//! The comparison of two campaigns.

use super::basis::Basis;
use super::change::{Change, Missing, Word};
use super::gate::outcome::Outcome;
use super::machines::Property;
use super::note::Note;
use super::side::{Filter, Head, Side, Which};
use super::{basis, capacities, machines, pairs, power, terms};
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
    /// The client that values are divided by, in the same campaign, workload and block; absent
    /// where they are compared as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratios_to: Option<String>,
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
    let is_reference = |client: &String| filter.reference.as_ref() == Some(client);
    let in_both = |key: &&(String, String)| in_b.contains(key) && filter.has(&key.0, &key.1);
    let common: Vec<(String, String)> =
        in_a.iter().filter(in_both).filter(|key| !is_reference(&key.1)).cloned().collect();
    if common.is_empty() {
        bail!(
            "{} and {} have no workload and client in common{}: there is nothing to compare",
            a.name,
            b.name,
            match (&filter.reference, filter.clients.is_empty() && filter.workloads.is_empty()) {
                (Some(client), _) => format!(" besides {client}"),
                (None, true) => String::new(),
                (None, false) => " among those selected".to_owned(),
            }
        );
    }
    if let Some(client) = &filter.reference {
        divisible([a, b], &common, client)?;
    }
    let differing = machines::differing(&a.campaign.machine, &b.campaign.machine);
    let differing: Vec<Property> = differing.into_iter().map(|one| one.what).collect();
    let basis = Basis { differing: &differing, reference: filter.reference.as_deref() };
    let mut changes = match a.campaign.kind {
        Kind::Capacity => capacities::changes(a, b, &common, &basis),
        Kind::Compare | Kind::Sweep => pairs::changes(a, b, &common, &basis),
    };
    let mut notes = terms::notes(a, b, filter);
    if !basis.forbids_figures() {
        notes.extend(power::notes(&changes));
    }
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
        ratios_to: filter.reference.clone(),
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

/// Checks that both campaigns have numbers of the client that values are divided by.
fn divisible(sides: [&Side<'_>; 2], common: &[(String, String)], client: &str) -> Result<()> {
    let workloads: BTreeSet<&String> = common.iter().map(|(workload, _)| workload).collect();
    let has_numbers = |side: &Side<'_>, client: &str| match side.campaign.kind {
        Kind::Capacity => {
            let mut all = side.campaign.capacities.iter();
            all.any(|found| found.client == client && found.capacity_per_s.is_some())
        }
        Kind::Compare | Kind::Sweep => workloads.iter().any(|workload| {
            let row = basis::find(side, workload, client);
            row.is_some_and(|row| row.rounds > 0 && row.verdict.is_ranked())
        }),
    };
    for side in sides {
        if !has_numbers(side, client) {
            let others: BTreeSet<&str> = common.iter().map(|(_, name)| name.as_str()).collect();
            let usable =
                others.into_iter().filter(|c| sides.iter().all(|side| has_numbers(side, c)));
            bail!(
                "--across-machines {client}: {} has no numbers of it under these workloads; both have numbers of {}",
                side.name,
                usable.collect::<Vec<_>>().join(", ")
            );
        }
    }
    Ok(())
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
