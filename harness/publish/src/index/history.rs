//! Each client over the campaigns of one machine: what it processed under a flood and its typical
//! p99, and which changes the intervals support. Pure.

use super::entries::{Entry, apart};
use crate::report::answer;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::inference::Interval;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use bench_core::record::machine::Machine;
use bench_core::text::digits::{nanos, short};
use std::collections::BTreeSet;
use std::fmt;

/// A quantity over campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Ticks per second processed under a flood.
    Processed,
    /// The typical p99 of the response time.
    TypicalP99,
}

impl Quantity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processed => "processed under a flood, ticks/s",
            Self::TypicalP99 => "typical p99 of the response time",
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Processed => short(value),
            Self::TypicalP99 => nanos(value as u64),
        }
    }

    /// The workload that has it.
    fn load(self, campaign: &Campaign) -> Option<&Workload> {
        match self {
            Self::Processed => campaign
                .workloads
                .iter()
                .find(|load| load.is_flood() && load.rank_by == RankBy::Processed),
            Self::TypicalP99 => answer::timed(campaign),
        }
    }

    fn read(self, row: &Row) -> Option<(f64, Option<Interval>)> {
        match self {
            Self::Processed => Some((row.rates.processed_per_s?, row.intervals.processed_per_s)),
            Self::TypicalP99 => {
                let p99 = row.typical_ns?.p99;
                (!p99.is_censored())
                    .then_some((p99.bound_ns() as f64, row.intervals.typical_p99_ns))
            }
        }
    }
}

/// A client's value in one campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The value with its unit.
    pub text: String,
    /// The relative change from the campaign before, where the intervals do not overlap.
    pub change: Option<f64>,
    /// Versions that are new since then.
    pub new_versions: Vec<String>,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(change) = self.change {
            write!(f, " ({:+.0} %)", change * 100.0)?;
        }
        if !self.new_versions.is_empty() {
            write!(f, " [{}]", self.new_versions.join(", "))?;
        }
        Ok(())
    }
}

/// How a history is to be read.
pub(super) const LEGEND: &str = "campaigns of one machine and kernel with the same loads, the oldest first. In parentheses: the change from the campaign before, where the 95 % intervals do not overlap; in brackets: versions that are new since then.";

/// One quantity of each client over the campaigns of one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// What is shown.
    pub quantity: Quantity,
    /// The machine, in one line.
    pub machine: String,
    /// The names of the campaigns, the oldest first.
    pub campaigns: Vec<String>,
    /// Each client with a value for each campaign.
    pub clients: Vec<(String, Vec<Option<Value>>)>,
}

/// The histories of all entries that can be read.
pub(super) fn of_entries(entries: &[Entry]) -> Vec<History> {
    let mut all: Vec<(&str, &Campaign)> = entries
        .iter()
        .filter_map(|entry| Some((entry.name.as_str(), entry.campaign.as_ref().ok()?)))
        .collect();
    all.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.cmp(a.0)));
    of(&all)
}

/// The histories of comparisons, given newest first with their names. Campaigns that cannot be
/// compared, or of another machine or kernel, are not in one history; a history has two at least.
fn of(campaigns: &[(&str, &Campaign)]) -> Vec<History> {
    let mut series: Vec<Vec<(&str, &Campaign)>> = Vec::new();
    for (name, campaign) in campaigns.iter().rev().filter(|(_, one)| one.kind == Kind::Compare) {
        let fits = |with: &Vec<(&str, &Campaign)>| with.iter().all(|(_, one)| alike(one, campaign));
        match series.iter_mut().find(|with| fits(with)) {
            Some(with) => with.push((name, campaign)),
            None => series.push(vec![(name, campaign)]),
        }
    }
    series.retain(|with| with.len() > 1);
    let both = |with: &Vec<(&str, &Campaign)>| {
        [Quantity::Processed, Quantity::TypicalP99].map(|quantity| history(quantity, with))
    };
    series.iter().flat_map(both).flatten().collect()
}

/// Whether two campaigns ran under the same conditions: machine, kernel, loads, server.
fn alike(a: &Campaign, b: &Campaign) -> bool {
    let machine =
        |m: &Machine| (m.host.clone(), m.cpu_model.clone(), m.kernel.clone(), m.cpus_online);
    let names =
        |c: &Campaign| c.workloads.iter().map(|load| load.name.clone()).collect::<BTreeSet<_>>();
    machine(&a.machine) == machine(&b.machine) && apart(a, b).is_none() && names(a) == names(b)
}

fn history(quantity: Quantity, campaigns: &[(&str, &Campaign)]) -> Option<History> {
    let rows: Vec<Vec<Row>> = campaigns
        .iter()
        .map(|(_, one)| quantity.load(one).map_or(Vec::new(), |load| one.of_workload(&load.name).0))
        .collect();
    let names: BTreeSet<&str> = rows.iter().flatten().map(|row| row.client.as_str()).collect();
    let clients: Vec<(String, Vec<Option<Value>>)> = names
        .into_iter()
        .map(|client| (client.to_owned(), values(quantity, client, campaigns, &rows)))
        .filter(|(_, values)| values.iter().flatten().count() > 0)
        .collect();
    let machine = campaigns.first().map_or(String::new(), |(_, one)| one.machine_line());
    let campaigns = campaigns.iter().map(|(name, _)| (*name).to_owned()).collect();
    (!clients.is_empty()).then_some(History { quantity, machine, campaigns, clients })
}

fn values(
    quantity: Quantity,
    client: &str,
    campaigns: &[(&str, &Campaign)],
    rows: &[Vec<Row>],
) -> Vec<Option<Value>> {
    let mut before: Option<(f64, Option<Interval>, Vec<String>)> = None;
    let mut all = Vec::new();
    for ((_, campaign), rows) in campaigns.iter().zip(rows) {
        let counts = |row: &&Row| match quantity {
            Quantity::Processed => row.verdict.is_ranked(),
            // Response times of an overloaded client depend on the length of the round.
            Quantity::TypicalP99 => row.verdict == Verdict::Ok,
        };
        let row = rows.iter().filter(counts).find(|row| row.client == client);
        let Some((value, interval)) = row.and_then(|row| quantity.read(row)) else {
            all.push(None);
            continue;
        };
        let versions =
            campaign.clients.get(client).map_or(Vec::new(), |hello| hello.versions.clone());
        let (mut change, mut new_versions) = (None, Vec::new());
        if let Some((old, old_interval, old_versions)) = &before {
            change = apart_by(*old_interval, interval).then(|| value / old - 1.0);
            new_versions =
                versions.iter().filter(|one| !old_versions.contains(one)).cloned().collect();
        }
        all.push(Some(Value { text: quantity.text(value), change, new_versions }));
        before = Some((value, interval, versions));
    }
    all
}

/// Whether two intervals do not overlap; with one round an interval is one value, and tells
/// nothing.
fn apart_by(a: Option<Interval>, b: Option<Interval>) -> bool {
    let real = |interval: &Interval| interval.high > interval.low;
    match (a.filter(real), b.filter(real)) {
        (Some(a), Some(b)) => a.high < b.low || b.high < a.low,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::campaigns::{Synthetic, kept_up, rounds, workload};

    /// A flood of one client in three rounds around a rate.
    fn flood(rate_per_s: f64, version: &str) -> Campaign {
        let load = workload("flood", "rate_per_s = \"flood\"\nrank_by = \"processed\"");
        let of_round = |share: f64| {
            let mut m = kept_up(1000);
            m.rates.processed_per_s = rate_per_s * share;
            m
        };
        let all = [0.99, 1.0, 1.01].map(of_round).to_vec();
        let mut campaign =
            Synthetic::new("flood", &[load], rounds("flood", "a", Verdict::Ok, all)).campaign;
        let hello = serde_json::json!({
            "contract": contract::VERSION, "name": "a", "versions": [version], "runtime": "r",
            "transport": "t", "class": "library", "queue": { "kind": "none" }
        });
        campaign.clients.insert("a".into(), serde_json::from_value(hello).unwrap());
        campaign
    }

    #[test]
    fn a_change_is_named_where_intervals_do_not_overlap() {
        let (old, same, new) = (flood(1e6, "lib 1"), flood(1.005e6, "lib 1"), flood(8e5, "lib 2"));
        let all = of(&[("c", &new), ("b", &same), ("a", &old)]);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].campaigns, ["a", "b", "c"]);
        let values: Vec<&Value> = all[0].clients[0].1.iter().flatten().collect();
        assert_eq!(values[1].change, None);
        assert!((values[2].change.unwrap() + 0.204).abs() < 0.001, "{values:?}");
        assert_eq!(values[2].new_versions, ["lib 2"]);
    }

    #[test]
    fn another_machine_has_a_history_of_its_own() {
        let (old, mut new) = (flood(1e6, "lib 1"), flood(8e5, "lib 1"));
        new.machine.kernel = "7.0".into();
        assert!(of(&[("b", &new), ("a", &old)]).is_empty());
        assert!(of(&[("a", &old)]).is_empty());
    }
}
