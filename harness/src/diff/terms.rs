//! Whether two campaigns may be compared at all, and what has to be said loudly
//! before their numbers.

use super::{Filter, Side};
use crate::saved::{Campaign, Kind, Status};
use crate::servers::ServedBy;
use crate::workload::Workload;
use anyhow::{Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tick::Tape;

/// What two campaigns have to have in common; known before anything is measured.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// What to call it.
    pub name: &'a str,
    /// What it is about.
    pub kind: Kind,
    /// The server that it ran against.
    pub server: &'a ServedBy,
    /// The version of the contract.
    pub contract: u32,
    /// Its loads, and their recordings as far as they were kept.
    pub workloads: Vec<(&'a Workload, Option<Arc<Tape>>)>,
    /// The command, for the objective of a search.
    pub command: &'a str,
}

impl<'a> Terms<'a> {
    /// Those of a campaign.
    #[must_use]
    pub fn of(side: &'a Side<'_>) -> Self {
        let with_tape = |w: &'a Workload| (w, side.tapes.get(&w.name).cloned());
        Self {
            name: &side.name,
            kind: side.campaign.kind,
            server: &side.campaign.server,
            contract: side.campaign.contract,
            workloads: side.campaign.workloads.iter().map(with_tape).collect(),
            command: &side.campaign.command,
        }
    }
}

/// Whether they can be compared.
///
/// # Errors
/// Why not, and how to mend it.
pub fn agree(a: &Terms<'_>, b: &Terms<'_>, filter: &Filter) -> Result<()> {
    if a.kind != b.kind {
        bail!(
            "{} was made by `harness {}` and {} by `harness {}`: compare two of a kind",
            a.name,
            a.kind.word(),
            b.name,
            b.kind.word()
        );
    }
    if a.contract != b.contract {
        bail!(
            "{} speaks contract {} and {} contract {}, which measure differently: measure one of them anew",
            a.name,
            a.contract,
            b.name,
            b.contract
        );
    }
    if a.server.paces != b.server.paces {
        bail!(
            "{} was served by {} and {} by {}: one keeps due times and the other does not, so their response times are not the same thing: measure one of them anew",
            a.name,
            a.server,
            b.name,
            b.server
        );
    }
    let wanted = |name: &String| filter.workloads.is_empty() || filter.workloads.contains(name);
    for (of_a, tape_a) in a.workloads.iter().filter(|(workload, _)| wanted(&workload.name)) {
        let Some((of_b, tape_b)) = b.workloads.iter().find(|(w, _)| w.name == of_a.name) else {
            continue;
        };
        let mut keys = differing_keys(of_a, of_b);
        if tape_a.is_some() && tape_b.is_some() && tape_a != tape_b {
            keys.push("the recording".to_owned());
        }
        if !keys.is_empty() {
            bail!(
                "workload {} is not the same in {} and {}: {}; leave it out by --workload, or measure it anew",
                of_a.name,
                a.name,
                b.name,
                keys.join(", ")
            );
        }
    }
    let objective = |terms: &Terms<'_>| option(terms.command, "--p99").map(str::to_owned);
    if a.kind == Kind::Capacity && objective(a) != objective(b) {
        let words = |terms| objective(terms).unwrap_or_else(|| "none".to_owned());
        bail!(
            "the capacities of {} were searched under --p99 {} and those of {} under --p99 {}: search one of them anew",
            a.name,
            words(a),
            b.name,
            words(b)
        );
    }
    Ok(())
}

/// The keys in which two definitions differ, with both values; texts do not count.
#[must_use]
pub fn differing_keys(a: &Workload, b: &Workload) -> Vec<String> {
    let object = |workload: &Workload| match serde_json::to_value(workload) {
        Ok(Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (a, b) = (object(a), object(b));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differs = |key: &&String| a.get(*key) != b.get(*key);
    let is_text = |key: &str| key == "why" || key == "read";
    let show = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    keys.into_iter()
        .filter(|key| !is_text(key))
        .filter(differs)
        .map(|key| format!("{key} {} and {}", show(a.get(key)), show(b.get(key))))
        .collect()
}

/// The word behind an option of a command.
fn option<'a>(command: &'a str, name: &str) -> Option<&'a str> {
    command.split_whitespace().skip_while(|word| *word != name).nth(1)
}

/// What sets two campaigns apart besides their numbers.
#[must_use]
pub fn notes(a: &Side<'_>, b: &Side<'_>, filter: &Filter) -> Vec<String> {
    let (of_a, of_b) = (a.campaign, b.campaign);
    let mut notes = Vec::new();
    if a.name == b.name && of_a.started == of_b.started && of_a.seed == of_b.seed {
        notes.push("A and B are the same campaign".to_owned());
    }
    let machine = machine(of_a, of_b);
    if !machine.is_empty() {
        notes.push(format!(
            "different machines: the numbers compare machines as much as programs: {}",
            machine.join("; ")
        ));
    }
    for (side, campaign) in [("A", of_a), ("B", of_b)] {
        if campaign.dirty == Some(true) {
            notes.push(format!("{side} had changes that its commit does not hold"));
        }
        if campaign.status != Status::Complete {
            notes.push(format!(
                "{side} is incomplete ({}): rounds are missing",
                campaign.status.word()
            ));
        }
    }
    notes.extend(programs(of_a, of_b));
    notes.extend(settings(of_a, of_b));
    if !filter.clients.is_empty() || !filter.workloads.is_empty() {
        let asked = [filter.clients.as_slice(), &filter.workloads].concat();
        notes.push(format!(
            "only {}: what was chosen after a look at the numbers proves less",
            asked.join(", ")
        ));
    }
    notes
}

/// In what two machines, and the places on them, differ.
fn machine(a: &Campaign, b: &Campaign) -> Vec<String> {
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "not told".to_owned());
    let facts = |campaign: &Campaign| {
        let m = &campaign.machine;
        [
            ("host", m.host.clone()),
            ("CPU", told(&m.cpu_model)),
            ("architecture", m.architecture.clone()),
            ("CPUs", format!("{} ({} online)", m.cpus_allowed, m.cpus_online)),
            ("kernel", m.kernel.clone()),
            ("congestion control", told(&m.congestion_control)),
            ("governor", told(&m.governor)),
            ("clock", told(&m.clocksource)),
            ("receive buffers", told(&m.tcp_rmem_bytes)),
            ("send buffers", told(&m.tcp_wmem_bytes)),
            ("placement", campaign.placement.clone()),
        ]
    };
    let both = facts(a).into_iter().zip(facts(b));
    both.filter(|(a, b)| a.1 != b.1)
        .map(|((what, a), (_, b))| format!("{what} {a} and {b}"))
        .collect()
}

/// Programs of other versions.
fn programs(a: &Campaign, b: &Campaign) -> Vec<String> {
    let mut notes = Vec::new();
    if a.server != b.server {
        notes.push(format!(
            "different servers: the numbers compare {} and {} as much as clients",
            a.server, b.server
        ));
    }
    if a.server_versions != b.server_versions {
        notes.push(format!(
            "different servers: {} and {}",
            a.server_versions.join(", "),
            b.server_versions.join(", ")
        ));
    }
    for (client, of_a) in &a.clients {
        let Some(of_b) = b.clients.get(client) else { continue };
        if of_a.versions != of_b.versions {
            notes.push(format!(
                "{client} is made of {} in A and of {} in B",
                of_a.versions.join(", "),
                of_b.versions.join(", ")
            ));
        }
        if (&of_a.runtime, &of_a.transport, of_a.queue)
            != (&of_b.runtime, &of_b.transport, of_b.queue)
        {
            notes.push(format!("{client} has another runtime, transport or queue in B"));
        }
    }
    notes
}

/// Measured in another way.
fn settings(a: &Campaign, b: &Campaign) -> Vec<String> {
    let mut notes = Vec::new();
    if a.schema != b.schema {
        notes.push(format!("files of schema {} and {}", a.schema, b.schema));
    }
    if a.seed != b.seed {
        notes.push(format!("different seeds, so different markets: {} and {}", a.seed, b.seed));
    }
    if a.rounds != b.rounds {
        notes.push(format!("unequal rounds: {} and {}", a.rounds, b.rounds));
    }
    if (a.warmup_s, a.measure_s, a.grid_ms) != (b.warmup_s, b.measure_s, b.grid_ms) {
        let words = |c: &Campaign| {
            format!(
                "{} s warm-up, {} s measured, looks every {} ms",
                c.warmup_s, c.measure_s, c.grid_ms
            )
        };
        let ratio = a.measure_s / b.measure_s;
        let tails = match ratio.max(1.0 / ratio) > 2.0 {
            true => {
                ": a longer window meets more rare events, so high quantiles and maxima cannot be compared"
            }
            false => "",
        };
        notes.push(format!("different times: {} and {}{tails}", words(a), words(b)));
    }
    if a.kind == Kind::Capacity {
        for name in ["--lowest", "--highest", "--budget", "--confirmations"] {
            let [of_a, of_b] = [a, b].map(|c| option(&c.command, name).unwrap_or("?"));
            if of_a != of_b {
                notes.push(format!("different searches: {name} {of_a} and {of_b}"));
            }
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::Paces;
    use std::sync::LazyLock;

    fn workload(lines: &str) -> Workload {
        let head = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\n";
        toml::from_str(&format!("{head}{lines}")).unwrap()
    }

    fn terms<'a>(kind: Kind, workload: &'a Workload, command: &'a str) -> Terms<'a> {
        static SERVER: LazyLock<ServedBy> = LazyLock::new(ServedBy::default);
        let workloads = vec![(workload, None)];
        Terms { name: "x", kind, server: &SERVER, contract: 2, workloads, command }
    }

    fn refused(a: &Terms<'_>, b: &Terms<'_>) -> String {
        agree(a, b, &Filter::default()).unwrap_err().to_string()
    }

    #[test]
    fn definitions_are_compared_key_by_key_without_their_texts() {
        let (a, b) = (workload("rate_per_s=5"), workload("rate_per_s=6\nwork_ns=7"));
        let error = refused(&terms(Kind::Compare, &a, ""), &terms(Kind::Compare, &b, ""));
        assert!(error.contains("rate_per_s 5 and 6, work_ns 0 and 7"), "{error}");
        let reworded = Workload { why: "another".into(), read: "so".into(), ..a.clone() };
        agree(
            &terms(Kind::Compare, &a, ""),
            &terms(Kind::Compare, &reworded, ""),
            &Filter::default(),
        )
        .unwrap();
        let chosen = Filter { workloads: vec!["other".into()], ..Filter::default() };
        agree(&terms(Kind::Compare, &a, ""), &terms(Kind::Compare, &b, ""), &chosen).unwrap();
    }

    #[test]
    fn recordings_of_one_name_have_to_be_the_same() {
        let replay = workload("replay='gaps.csv'");
        let tape = |text: &str| Some(Arc::new(Tape::parse(text).unwrap()));
        let with =
            |tape| Terms { workloads: vec![(&replay, tape)], ..terms(Kind::Compare, &replay, "") };
        let error = refused(&with(tape("gap_ns\n5\n")), &with(tape("gap_ns\n6\n")));
        assert!(error.contains("the recording"), "{error}");
        let default = Filter::default();
        agree(&with(tape("gap_ns\n5\n")), &with(None), &default).unwrap();
    }

    #[test]
    fn kinds_contracts_and_objectives_have_to_agree() {
        let w = workload("rate_per_s=5");
        let compare = terms(Kind::Compare, &w, "");
        let error = refused(&compare, &terms(Kind::Sweep, &w, ""));
        assert!(error.contains("`harness sweep`"), "{error}");
        let error = refused(&compare, &Terms { contract: 3, ..compare.clone() });
        assert!(error.contains("contract 3"), "{error}");
        let own = ServedBy { paces: Paces::Classic, ..ServedBy::default() };
        let error = refused(&compare, &Terms { server: &own, ..compare.clone() });
        assert!(error.contains("one keeps due times and the other does not"), "{error}");
        let other = ServedBy { name: "other".into(), ..ServedBy::default() };
        let other = Terms { server: &other, ..compare.clone() };
        agree(&compare, &other, &Filter::default()).unwrap();
        let search = |command| terms(Kind::Capacity, &w, command);
        let error = refused(&search("x --p99 10ms --lowest 5"), &search("x --p99 5ms"));
        assert!(error.contains("--p99 10ms") && error.contains("--p99 5ms"), "{error}");
        agree(&search("a --p99 5ms"), &search("b --p99 5ms -x"), &Filter::default()).unwrap();
    }
}
