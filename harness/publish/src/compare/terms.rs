//! Whether two campaigns can be compared, and what has to be known before their numbers are read.

use super::machines;
use super::note::{Difference, Note, Setting, Times};
use super::side::{Filter, Side, Which};
use anyhow::{Result, bail};
use bench_archive::campaign::{Campaign, Kind, Request, Status};
use bench_core::load::congestion::differing_loads;
use bench_core::load::server::ServedBy;
use bench_core::load::workload::Workload;
use bench_core::record::machine::Machine;
use bench_core::text::digits::nanos;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tick::Tape;

/// What two campaigns have to have in common; known before anything is measured.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// Its name in messages.
    pub name: &'a str,
    /// The kind of the campaign.
    pub kind: Kind,
    /// The server that it ran against.
    pub server: &'a ServedBy,
    /// The version of the contract.
    pub contract: u32,
    /// Its workloads, and their recordings as far as they are saved.
    pub workloads: Vec<(&'a Workload, Option<Arc<Tape>>)>,
    /// The congestion control in force, by the name of the workload, as far as it is known.
    pub congestion: BTreeMap<String, String>,
    /// Its options, as far as they are recorded.
    pub request: Option<&'a Request>,
}

impl<'a> Terms<'a> {
    /// The terms of a campaign.
    #[must_use]
    pub fn of(side: &'a Side<'_>) -> Self {
        let with_tape = |w: &'a Workload| (w, side.tapes.get(&w.name).cloned());
        Self {
            name: &side.name,
            kind: side.campaign.kind,
            server: &side.campaign.server,
            contract: side.campaign.contract,
            workloads: side.campaign.workloads.iter().map(with_tape).collect(),
            congestion: side.congestion.clone(),
            request: side.campaign.request.as_ref(),
        }
    }
}

/// Whether they can be compared.
///
/// # Errors
/// Why not, and how to fix it.
pub fn agree(a: &Terms<'_>, b: &Terms<'_>, filter: &Filter) -> Result<()> {
    if a.kind != b.kind {
        bail!(
            "{} was run by `harness {}` and {} by `harness {}`: compare two of a kind",
            a.name,
            a.kind,
            b.name,
            b.kind
        );
    }
    if a.contract != b.contract {
        bail!(
            "{} speaks contract {} and {} contract {}, which measure differently: measure one of them again",
            a.name,
            a.contract,
            b.name,
            b.contract
        );
    }
    if a.server.paces != b.server.paces {
        bail!(
            "{} was served by {} and {} by {}: one keeps due times and the other does not, so their response times have different meanings: measure one of them again",
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
        let in_force = |terms: &'_ Terms<'_>| terms.congestion.get(&of_a.name).cloned();
        let (in_a, in_b) = (in_force(a), in_force(b));
        let mut keys = differing_loads((of_a, in_a.as_deref()), (of_b, in_b.as_deref()));
        if tape_a.is_some() && tape_b.is_some() && tape_a != tape_b {
            keys.push("the recording".to_owned());
        }
        if !keys.is_empty() {
            bail!(
                "workload {} is not the same in {} and {}: {}; leave it out with --workload, or measure it again",
                of_a.name,
                a.name,
                b.name,
                keys.join(", ")
            );
        }
    }
    if let (Some(of_a), Some(of_b)) = (objective_ns(a.request), objective_ns(b.request))
        && of_a != of_b
    {
        bail!(
            "the capacities of {} were searched under --p99 {} and those of {} under --p99 {}: search one of them again",
            a.name,
            nanos(of_a),
            b.name,
            nanos(of_b)
        );
    }
    Ok(())
}

/// The latency objective of a search, in ns, if it is recorded.
fn objective_ns(request: Option<&Request>) -> Option<u64> {
    match request? {
        Request::Capacity { objective_p99_ns, .. } => Some(*objective_p99_ns),
        Request::Compare { .. } | Request::Sweep { .. } => None,
    }
}

/// The differences of two campaigns besides their numbers.
#[must_use]
pub fn notes(a: &Side<'_>, b: &Side<'_>, filter: &Filter) -> Vec<Note> {
    let (of_a, of_b) = (a.campaign, b.campaign);
    let mut notes = Vec::new();
    if a.name == b.name && of_a.started == of_b.started && of_a.seed == of_b.seed {
        notes.push(Note::SameCampaign);
    }
    let differing = machines::differing(&of_a.machine, &of_b.machine);
    let differences = machine(of_a, of_b);
    match &filter.reference {
        _ if differing.is_empty() => {}
        None => notes.push(Note::OtherMachine { differing }),
        Some(client) => notes.push(Note::RatiosAcross { client: client.clone(), differing }),
    }
    if !differences.is_empty() {
        notes.push(Note::Machines { differences });
    }
    let differences = builds(of_a, of_b);
    if !differences.is_empty() {
        notes.push(Note::Builds { differences });
    }
    for (side, campaign) in [(Which::A, of_a), (Which::B, of_b)] {
        if campaign.dirty == Some(true) {
            notes.push(Note::Dirty { side });
        }
        if campaign.status != Status::Complete {
            notes.push(Note::Incomplete { side, status: campaign.status });
        }
    }
    notes.extend(programs(of_a, of_b));
    notes.extend(settings(of_a, of_b));
    notes.extend(searches(of_a, of_b));
    if !filter.clients.is_empty() || !filter.workloads.is_empty() {
        notes.push(Note::Chosen { names: [filter.clients.as_slice(), &filter.workloads].concat() });
    }
    notes
}

/// How the programs were built and started differently, if both campaigns say how.
fn builds(a: &Campaign, b: &Campaign) -> Vec<Difference> {
    let facts = |campaign: &Campaign| {
        let (built, started) = (campaign.toolchain.as_ref()?, campaign.environment.as_ref()?);
        let mut facts = built.set_outside.clone();
        let settings = built.profile_settings.iter();
        facts.extend(settings.map(|(key, value)| (format!("profile {key}"), value.clone())));
        facts.insert("profile".to_owned(), built.profile.clone());
        facts.insert("compiler".to_owned(), built.rustc.clone()?);
        facts.extend(started.asked_for.iter().map(|name| (name.clone(), "passed on".to_owned())));
        Some(facts)
    };
    let (Some(of_a), Some(of_b)) = (facts(a), facts(b)) else { return Vec::new() };
    let names: BTreeSet<&String> = of_a.keys().chain(of_b.keys()).collect();
    let shown = |value: Option<&String>| value.map_or("absent", String::as_str).to_owned();
    let all = names.into_iter().map(|name| (name, of_a.get(name), of_b.get(name)));
    all.filter(|(_, a, b)| a != b)
        .map(|(what, a, b)| Difference { what: what.clone(), a: shown(a), b: shown(b) })
        .collect()
}

/// Settings of the kernel that have names of their own in [`machine`].
const FACTS: [&str; 5] = [
    "cpu.frequency_governor",
    "kernel.version",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

/// How two machines, and the placement on them, differ besides [`machines::differing`].
fn machine(a: &Campaign, b: &Campaign) -> Vec<Difference> {
    let facts = |campaign: &Campaign| {
        let m = &campaign.machine;
        let hardware = [
            ("host", m.host.clone()),
            ("CPUs", format!("{} ({} online)", m.cpus_allowed, m.cpus_online)),
        ];
        let placement = [("placement", campaign.placement.to_string())];
        hardware.into_iter().chain(m.settings()).chain(placement)
    };
    let both = facts(a).zip(facts(b)).filter(|(a, b)| a.1 != b.1);
    let both = both.map(|((what, a), (_, b))| Difference { what: what.to_owned(), a, b });
    both.chain(kernel_settings(&a.machine, &b.machine)).collect()
}

/// Further settings of the kernel that differ, of those that both have recorded and that are
/// not among the facts already.
fn kernel_settings(a: &Machine, b: &Machine) -> impl Iterator<Item = Difference> {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    a.kernel_settings.iter().filter_map(move |(name, of_a)| {
        let of_b = b.kernel_settings.get(name)?;
        (of_a != of_b && !FACTS.contains(&name.as_str())).then(|| Difference {
            what: name.clone(),
            a: shown(of_a),
            b: shown(of_b),
        })
    })
}

/// Notes on different servers, clients and versions.
fn programs(a: &Campaign, b: &Campaign) -> Vec<Note> {
    let mut notes = Vec::new();
    if a.server != b.server {
        notes.push(Note::Servers { a: a.server.to_string(), b: b.server.to_string() });
    }
    if a.server_versions != b.server_versions {
        let (a, b) = (a.server_versions.clone(), b.server_versions.clone());
        notes.push(Note::ServerVersions { a, b });
    }
    for (client, of_a) in &a.clients {
        let Some(of_b) = b.clients.get(client) else { continue };
        if of_a.versions != of_b.versions {
            let (client, a, b) = (client.clone(), of_a.versions.clone(), of_b.versions.clone());
            notes.push(Note::ClientVersions { client, a, b });
        }
        if (&of_a.runtime, &of_a.transport, of_a.queue)
            != (&of_b.runtime, &of_b.transport, of_b.queue)
        {
            notes.push(Note::ClientSetup { client: client.clone() });
        }
    }
    notes
}

/// Notes on different rounds, times and seeds.
fn settings(a: &Campaign, b: &Campaign) -> Vec<Note> {
    let times =
        |c: &Campaign| Times { warmup_s: c.warmup_s, measure_s: c.measure_s, grid_ms: c.grid_ms };
    let ratio = a.measure_s / b.measure_s;
    let tails_differ = ratio.max(1.0 / ratio) > 2.0;
    [
        (a.schema != b.schema).then_some(Note::Schemas { a: a.schema, b: b.schema }),
        (a.seed != b.seed).then_some(Note::Seeds { a: a.seed, b: b.seed }),
        (a.rounds != b.rounds).then_some(Note::Rounds { a: a.rounds, b: b.rounds }),
        (times(a) != times(b)).then(|| Note::Times { a: times(a), b: times(b), tails_differ }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Notes on different options of a search.
fn searches(a: &Campaign, b: &Campaign) -> Vec<Note> {
    if a.kind != Kind::Capacity {
        return Vec::new();
    }
    let known = |campaign: &Campaign| match campaign.request {
        Some(Request::Capacity {
            budget_ns, lowest_per_s, highest_per_s, confirmations, ..
        }) => Some([
            (Setting::Lowest, lowest_per_s),
            (Setting::Highest, highest_per_s),
            (Setting::Budget, budget_ns),
            (Setting::Confirmations, u64::from(confirmations)),
        ]),
        _ => None,
    };
    match (known(a), known(b)) {
        (Some(of_a), Some(of_b)) => {
            let both = of_a.into_iter().zip(of_b).filter(|(a, b)| a != b);
            both.map(|((setting, a), (_, b))| Note::Search { setting, a, b }).collect()
        }
        (of_a, of_b) => [(of_a, Which::A), (of_b, Which::B)]
            .into_iter()
            .filter(|(known, _)| known.is_none())
            .map(|(_, side)| Note::SearchUnknown { side })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_core::load::server::Paces;
    use std::sync::LazyLock;

    fn workload(lines: &str) -> Workload {
        let head = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\n";
        toml::from_str(&format!("{head}{lines}")).unwrap()
    }

    fn terms<'a>(kind: Kind, workload: &'a Workload, request: Option<&'a Request>) -> Terms<'a> {
        static SERVER: LazyLock<ServedBy> = LazyLock::new(ServedBy::default);
        let workloads = vec![(workload, None)];
        let congestion = BTreeMap::new();
        Terms { name: "x", kind, server: &SERVER, contract: 2, workloads, congestion, request }
    }

    fn refused(a: &Terms<'_>, b: &Terms<'_>) -> String {
        agree(a, b, &Filter::default()).unwrap_err().to_string()
    }

    #[test]
    fn definitions_are_compared_key_by_key_without_their_texts() {
        let (a, b) = (workload("rate_per_s=5"), workload("rate_per_s=6\nwork_ns=7"));
        let error = refused(&terms(Kind::Compare, &a, None), &terms(Kind::Compare, &b, None));
        assert!(error.contains("rate_per_s 5 and 6, work_ns 0 and 7"), "{error}");
        let reworded = Workload { why: "another".into(), read: "so".into(), ..a.clone() };
        agree(
            &terms(Kind::Compare, &a, None),
            &terms(Kind::Compare, &reworded, None),
            &Filter::default(),
        )
        .unwrap();
        let chosen = Filter { workloads: vec!["other".into()], ..Filter::default() };
        agree(&terms(Kind::Compare, &a, None), &terms(Kind::Compare, &b, None), &chosen).unwrap();
    }

    #[test]
    fn recordings_of_one_name_have_to_be_the_same() {
        let replay = workload("replay='gaps.csv'");
        let tape = |text: &str| Some(Arc::new(Tape::parse(text).unwrap()));
        let with = |tape| Terms {
            workloads: vec![(&replay, tape)],
            ..terms(Kind::Compare, &replay, None)
        };
        let error = refused(&with(tape("gap_ns\n5\n")), &with(tape("gap_ns\n6\n")));
        assert!(error.contains("the recording"), "{error}");
        let default = Filter::default();
        agree(&with(tape("gap_ns\n5\n")), &with(None), &default).unwrap();
    }

    #[test]
    fn different_congestion_control_cannot_be_compared() {
        let w = workload("rate_per_s=5");
        let of = |name: &str| Terms {
            congestion: BTreeMap::from([("w".to_owned(), name.to_owned())]),
            ..terms(Kind::Compare, &w, None)
        };
        let error = refused(&of("bbr"), &of("cubic"));
        assert!(error.contains("congestion bbr and cubic; leave it out"), "{error}");
        agree(&of("bbr"), &of("bbr"), &Filter::default()).unwrap();
        // One that asked for what the other had by default.
        let asked = Workload { congestion: Some("bbr".into()), ..w.clone() };
        let asked = Terms { workloads: vec![(&asked, None)], ..of("bbr") };
        agree(&of("bbr"), &asked, &Filter::default()).unwrap();
        refused(&of("cubic"), &asked);
    }

    #[test]
    fn kinds_contracts_and_objectives_have_to_agree() {
        let w = workload("rate_per_s=5");
        let compare = terms(Kind::Compare, &w, None);
        let error = refused(&compare, &terms(Kind::Sweep, &w, None));
        assert!(error.contains("`harness sweep`"), "{error}");
        let error = refused(&compare, &Terms { contract: 3, ..compare.clone() });
        assert!(error.contains("contract 3"), "{error}");
        let own = ServedBy { paces: Paces::Classic, ..ServedBy::default() };
        let error = refused(&compare, &Terms { server: &own, ..compare.clone() });
        assert!(error.contains("one keeps due times and the other does not"), "{error}");
        let other = ServedBy { name: "other".into(), ..ServedBy::default() };
        let other = Terms { server: &other, ..compare.clone() };
        agree(&compare, &other, &Filter::default()).unwrap();
        let request = |objective_p99_ns| Request::Capacity {
            workload: "w".into(),
            objective_p99_ns,
            budget_ns: 1,
            lowest_per_s: 5,
            highest_per_s: 9,
            confirmations: 3,
        };
        let (ten, five) = (request(10_000_000), request(5_000_000));
        let search = |request| terms(Kind::Capacity, &w, request);
        let error = refused(&search(Some(&ten)), &search(Some(&five)));
        assert!(error.contains("--p99 10 ms") && error.contains("--p99 5.0 ms"), "{error}");
        agree(&search(Some(&five)), &search(Some(&five)), &Filter::default()).unwrap();
        // The options of older campaigns are not recorded: a note says so.
        agree(&search(Some(&five)), &search(None), &Filter::default()).unwrap();
    }
}
