//! The answer of a campaign in one sentence, and the titles of its pictures, which state what
//! they show. Made from the rows by rules; where nothing can be told apart, that is the answer.
//! Pure.

use super::chart::{cost, lateness};
use super::headline::{self, competes, list};
use crate::text::labels;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::round::backlog::Layer;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Rate, Workload};
use bench_core::text::digits::{count, short};

/// Names in a sentence, at most; further ones are counted.
const NAMED: usize = 4;

/// The offered rate of a workload over all of its connections and processes, in ticks per second;
/// `None` under a flood, or without a fixed rate.
#[must_use]
pub fn offered_per_s(workload: &Workload) -> Option<u64> {
    match workload.rate_per_s {
        Some(Rate::PerSecond(rate)) => {
            let receivers = workload.connections.max(1) * workload.clients.max(1);
            Some(rate * receivers as u64)
        }
        _ => None,
    }
}

/// The workload whose question is who keeps up: the highest offered load.
#[must_use]
pub fn highest(campaign: &Campaign) -> Option<&Workload> {
    let offered = campaign.workloads.iter().filter(|load| !load.is_flood());
    offered.max_by_key(|load| offered_per_s(load))
}

/// The workload whose response times are shown first: the highest offered load that is ranked by
/// them, else the lowest offered load.
#[must_use]
pub fn timed(campaign: &Campaign) -> Option<&Workload> {
    let offered = || campaign.workloads.iter().filter(|load| !load.is_flood());
    let by_time =
        |load: &&Workload| matches!(load.rank_by, RankBy::TypicalP99 | RankBy::ResponseP99);
    offered()
        .filter(by_time)
        .max_by_key(|load| offered_per_s(load))
        .or_else(|| offered().min_by_key(|load| offered_per_s(load)))
}

/// The answer of a campaign.
#[must_use]
pub fn of_campaign(campaign: &Campaign) -> String {
    match campaign.kind {
        Kind::Capacity => of_capacities(&campaign.capacities),
        Kind::Sweep => of_sweep(&campaign.rows),
        Kind::Compare => match highest(campaign) {
            // The same load under several policies: the first is the one that only queues.
            Some(load) if load.slow_consumer.is_some() => {
                let load = &campaign.workloads[0];
                let rows = campaign.of_workload(&load.name).0;
                format!("{}: {}", load.name, keeping_up(load, &rows))
            }
            Some(load) => keeping_up(load, &campaign.of_workload(&load.name).0),
            None => campaign
                .workloads
                .first()
                .map_or_else(nothing, |load| throughput(&campaign.of_workload(&load.name).0)),
        },
    }
}

/// The answer of one workload.
#[must_use]
pub fn of_workload(load: &Workload, rows: &[Row]) -> String {
    match load.rank_by {
        RankBy::Processed => throughput(rows),
        RankBy::KeepingUp | RankBy::BacklogGrowth => keeping_up(load, rows),
        RankBy::TypicalP99 | RankBy::ResponseP99 => lateness(rows),
        RankBy::Staleness => headline::answer(load, rows),
    }
}

/// The answer where no client was measured well enough.
fn unmeasured(rows: &[Row]) -> String {
    let each: Vec<String> =
        rows.iter().map(|row| format!("{} ({})", row.client, row.verdict)).collect();
    match each.is_empty() {
        true => nothing(),
        false => format!("No client was measured well enough: {}.", named(&each)),
    }
}

fn nothing() -> String {
    "Nothing has been measured yet.".into()
}

/// `a`, `a and b`, or `a, b, c, d and 3 more`.
fn named(names: &[String]) -> String {
    match names.len() > NAMED + 1 {
        true => {
            let (first, more) = names.split_at(NAMED);
            format!("{} and {} more", first.join(", "), more.len())
        }
        false => list(names),
    }
}

fn clients<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<String> {
    rows.map(|row| row.client.clone()).collect()
}

/// How many times a number is another: with a decimal where it is small.
fn times(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.1}") } else { count(ratio) }
}

/// Who keeps up with an offered load, and where the backlog of the others is.
#[must_use]
pub fn keeping_up(load: &Workload, rows: &[Row]) -> String {
    let with = |verdict| rows.iter().filter(move |row| row.verdict == verdict);
    let (ok, behind) = (with(Verdict::Ok).count(), with(Verdict::Overloaded).count());
    let other: Vec<&Row> = rows.iter().filter(|row| !row.verdict.is_ranked()).collect();
    if ok + behind == 0 {
        return unmeasured(rows);
    }
    let offered = labels::load(load).replace(" offered", "");
    let keep = match (ok, rows.len()) {
        (1, 1) => format!("{} takes {offered}", rows[0].client),
        (ok, all) if ok == all => format!("All {all} clients take {offered}"),
        (0, 1) => format!("{} does not take {offered}", rows[0].client),
        (0, _) => format!("No client takes {offered}"),
        (1, all) => format!("1 of {all} clients takes {offered}"),
        (ok, all) => format!("{ok} of {all} clients take {offered}"),
    };
    let mut parts = vec![keep];
    parts.extend(falling_behind(rows));
    if !other.is_empty() {
        let each = other.iter().map(|row| format!("{} ({})", row.client, row.verdict));
        parts.push(format!("not measured well enough: {}", named(&each.collect::<Vec<_>>())));
    }
    format!("{}.", parts.join("; "))
}

/// Who falls behind, with the place of each backlog; clients with the same place together.
fn falling_behind(rows: &[Row]) -> Option<String> {
    let mut places: Vec<(Option<Layer>, Vec<String>)> = Vec::new();
    for row in rows.iter().filter(|row| row.verdict == Verdict::Overloaded) {
        let place = row.backlog_end.and_then(|backlog| backlog.largest());
        match places.iter_mut().find(|(one, _)| *one == place) {
            Some((_, names)) => names.push(row.client.clone()),
            None => places.push((place, vec![row.client.clone()])),
        }
    }
    let verb = match places.as_slice() {
        [] => return None,
        [(_, names)] if names.len() == 1 => "falls behind",
        _ => "fall behind",
    };
    let each = places.iter().map(|(layer, names)| match layer {
        Some(layer) => format!("{} (backlog {})", named(names), place(*layer, names.len())),
        None => named(names),
    });
    Some(format!("{} {verb}", list(&each.collect::<Vec<_>>())))
}

fn place(layer: Layer, clients: usize) -> &'static str {
    match layer {
        Layer::Server => "in the server",
        Layer::KernelSend => "in the kernel's send queue",
        Layer::KernelReceive => "in the kernel's receive queue",
        Layer::Library => "in the WebSocket library",
        Layer::Client if clients == 1 => "in its own queue",
        Layer::Client => "in their own queues",
    }
}

/// The rows that compete and are `ok`; all that are `ok` if none competes.
fn field(rows: &[Row]) -> Vec<&Row> {
    let ok: Vec<&Row> = rows.iter().filter(|row| row.verdict == Verdict::Ok).collect();
    let competitors: Vec<&Row> = ok.iter().copied().filter(|row| competes(row.class)).collect();
    if competitors.is_empty() { ok } else { competitors }
}

/// The rows of the best rank of a field, and the others.
fn first_group(rows: &[Row]) -> (Vec<&Row>, Vec<&Row>) {
    let field = field(rows);
    let best = field.iter().filter_map(|row| row.rank).min();
    field.into_iter().partition(|row| row.rank == best)
}

/// Who processes most.
#[must_use]
pub fn throughput(rows: &[Row]) -> String {
    let rate = |row: &&Row| row.rates.processed_per_s.unwrap_or(0.0);
    let (first, others) = first_group(rows);
    let next = others.iter().max_by(|a, b| rate(a).total_cmp(&rate(b)));
    let fastest = first.iter().map(rate).fold(0.0, f64::max);
    let slowest = first.iter().map(rate).fold(f64::MAX, f64::min);
    match first.as_slice() {
        [] => unmeasured(rows),
        [one] => match next.filter(|row| rate(row) > 0.0) {
            Some(next) => format!(
                "{} processes most: {} ticks/s, {} times as many as {}.",
                one.client,
                short(fastest),
                times(fastest / rate(next)),
                next.client
            ),
            None => format!("{} processes {} ticks/s.", one.client, short(fastest)),
        },
        many => format!(
            "{} process most, {} to {} ticks/s, and cannot be told apart.",
            named(&clients(many.iter().copied())),
            short(slowest),
            short(fastest)
        ),
    }
}

/// Who is soonest, who cannot be told apart, and who is latest.
#[must_use]
pub fn lateness(rows: &[Row]) -> String {
    let shown = lateness::shown(rows);
    let p99 = |row: &Row| lateness::of_row(row).map(|late| late.p99);
    let (first, others) = first_group(rows);
    let times: Vec<_> = first.iter().filter_map(|row| p99(row)).collect();
    let typical = match shown.iter().any(|(row, _)| row.typical_ns.is_some()) {
        true => "typical p99",
        false => "p99",
    };
    let (Some(low), Some(high)) = (times.iter().min(), times.iter().max()) else {
        return unmeasured(rows);
    };
    let latest = others.iter().filter_map(|row| Some((p99(row)?, *row))).max_by_key(|(t, _)| *t);
    let latest =
        latest.map_or(String::new(), |(time, row)| format!("; latest: {}, {time}", row.client));
    match first.as_slice() {
        [one] if others.is_empty() => format!("{}: {typical} {low}.", one.client),
        [one] => format!("{} is soonest: {typical} {low}{latest}.", one.client),
        many => {
            // Clients that do not compete are in the picture, too.
            let alike = shown.iter().filter(|(row, _)| row.rank == many[0].rank).count();
            let all = shown.len();
            let which =
                if alike == all { format!("All {all}") } else { format!("{alike} of {all}") };
            format!("{which} clients cannot be told apart: {typical} {low} to {high}{latest}.")
        }
    }
}

/// Who needs least CPU time, and who needs most.
#[must_use]
pub fn cost(rows: &[Row]) -> Option<String> {
    let all = cost::shown(rows);
    let mut field: Vec<_> = all.iter().filter(|one| competes(one.row.class)).collect();
    field.sort_by(|a, b| a.cpu_ns_per_tick.total_cmp(&b.cpu_ns_per_tick));
    let (least, most) = (field.first()?, field.last()?);
    (field.len() > 1).then(|| {
        format!(
            "{} needs least CPU time, {} ns per tick; {} needs {} times that.",
            least.row.client,
            count(least.cpu_ns_per_tick),
            most.row.client,
            times(most.cpu_ns_per_tick / least.cpu_ns_per_tick)
        )
    })
}

fn of_capacities(all: &[Capacity]) -> String {
    let mut known: Vec<(u64, &Capacity)> = all
        .iter()
        .filter(|one| competes(one.class) || all.iter().all(|one| !competes(one.class)))
        .filter_map(|one| Some((one.capacity_per_s?, one)))
        .collect();
    known.sort_by_key(|(rate, _)| std::cmp::Reverse(*rate));
    let rate = |per_s: u64| short(per_s as f64);
    match known.as_slice() {
        [] => nothing(),
        [(most, one)] => format!("{} sustains {} ticks/s.", one.client, rate(*most)),
        [(most, first), .., (least, last)] => format!(
            "Of {} clients, {} sustains most, {} ticks/s, and {} least, {} ticks/s.",
            known.len(),
            first.client,
            rate(*most),
            last.client,
            rate(*least)
        ),
    }
}

/// Which clients keep up at every rate, and from which rate on the others fall behind.
fn of_sweep(rows: &[Row]) -> String {
    let Some(highest) = rows.iter().filter_map(|row| row.rate_per_s).max() else {
        return nothing();
    };
    let all = row::clients(rows);
    let with = |client: &str, verdict: Verdict| {
        let of = rows.iter().filter(|row| row.client == client && row.verdict == verdict);
        of.filter_map(|row| row.rate_per_s).collect::<Vec<u64>>()
    };
    let mut every = 0;
    let (mut limited, mut unknown) = (Vec::new(), Vec::new());
    for client in &all {
        let lowest = with(client, Verdict::Overloaded).into_iter().min();
        match (lowest, with(client, Verdict::Ok).contains(&highest)) {
            (Some(rate), _) => limited.push((rate, *client)),
            (None, true) => every += 1,
            (None, false) => unknown.push((*client).to_owned()),
        }
    }
    limited.sort_unstable();
    let (count, top) = (all.len(), short(highest as f64));
    let mut parts = vec![match every {
        0 => format!("No client keeps up at {top} ticks/s"),
        1 => format!("1 of {count} clients keeps up at every rate, up to {top} ticks/s"),
        _ => format!("{every} of {count} clients keep up at every rate, up to {top} ticks/s"),
    }];
    let falls = |(rate, client): &(u64, &str)| format!("{client} ({})", short(*rate as f64));
    if !limited.is_empty() {
        let each: Vec<String> = limited.iter().map(falls).collect();
        let verb = if each.len() == 1 { "falls" } else { "fall" };
        parts.push(format!("{} {verb} behind at the rate in parentheses", named(&each)));
    }
    if !unknown.is_empty() {
        parts.push(format!("not measured well enough at the highest: {}", named(&unknown)));
    }
    format!("{}.", parts.join("; "))
}
