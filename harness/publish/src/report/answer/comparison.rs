//! What the rows of one workload answer.

use super::phrase::{clients, named, times, unmeasured, with_verdicts};
use crate::report::chart::{cost as costs, lateness as times_of};
use crate::report::headline::{self, competes, list};
use crate::text::labels;
use bench_core::analysis::round::backlog::Layer;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use bench_core::text::digits::{count, short};

/// A blocking server holds back at least this share of the ticks of a slow client, which then has
/// hardly a backlog.
const HELD_BACK: f64 = 0.01;

/// The answer of one workload.
#[must_use]
pub fn of_workload(load: &Workload, rows: &[Row]) -> String {
    match load.rank_by {
        RankBy::Processed => throughput(rows),
        RankBy::KeepingUp | RankBy::BacklogGrowth => keeping_up(load, rows),
        RankBy::TypicalP99 | RankBy::ResponseP99 => lateness(load, rows),
        RankBy::Staleness => headline::answer(load, rows),
    }
}

/// Who keeps up with an offered load, and where the backlog of the others is.
#[must_use]
pub fn keeping_up(load: &Workload, rows: &[Row]) -> String {
    let with = |verdict| rows.iter().filter(move |row| row.verdict == verdict);
    let (ok, behind) = (with(Verdict::Ok).count(), with(Verdict::Overloaded).count());
    if ok + behind == 0 {
        return unmeasured(rows);
    }
    let offered = labels::amount(load);
    let keep = match (ok, rows.len()) {
        (1, 1) => format!("{} takes {offered}", rows[0].client),
        (ok, all) if ok == all => format!("All {all} clients take {offered}"),
        (0, 1) => format!("{} does not take {offered}", rows[0].client),
        (0, all) if behind == all => format!("No client takes {offered}"),
        (0, _) if behind == 1 => "The only client that was measured does not keep up".to_owned(),
        (0, _) => format!("None of the {behind} clients that were measured takes {offered}"),
        (1, all) => format!("1 of {all} clients takes {offered}"),
        (ok, all) => format!("{ok} of {all} clients take {offered}"),
    };
    let mut parts = vec![keep];
    parts.extend(falling_behind(rows));
    parts.extend(with_verdicts(rows).map(|each| format!("not measured well enough: {each}")));
    format!("{}.", parts.join("; "))
}

/// Who falls behind, with the place of each backlog; clients with the same place together.
fn falling_behind(rows: &[Row]) -> Option<String> {
    let mut places: Vec<(Option<Layer>, Vec<String>)> = Vec::new();
    for row in rows.iter().filter(|row| row.verdict == Verdict::Overloaded) {
        let has_backlog = row.held_back.is_none_or(|share| share <= HELD_BACK);
        let backlog = row.backlog_end.filter(|_| has_backlog);
        let place = backlog.and_then(|backlog| backlog.largest());
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

/// Who processes most of those that compete, and who processes more without competing.
#[must_use]
pub fn throughput(rows: &[Row]) -> String {
    let rate = |row: &&Row| row.rates.processed_per_s.unwrap_or(0.0);
    let (first, others) = first_group(rows);
    let next = others.iter().max_by(|a, b| rate(a).total_cmp(&rate(b)));
    let fastest = first.iter().map(rate).fold(0.0, f64::max);
    let slowest = first.iter().map(rate).fold(f64::MAX, f64::min);
    let most = match first.as_slice() {
        [] => return unmeasured(rows),
        [one] => match next.filter(|row| rate(row) > 0.0) {
            Some(next) => format!(
                "Under a flood, {} processes most: {} ticks/s, {} times as many as {}",
                one.client,
                short(fastest),
                times(fastest / rate(next)),
                next.client
            ),
            None => format!("Under a flood, {} processes {} ticks/s", one.client, short(fastest)),
        },
        many => format!(
            "Under a flood, {} process most, {} to {} ticks/s, and cannot be told apart",
            named(&clients(many.iter().copied())),
            short(slowest),
            short(fastest)
        ),
    };
    let beside = rows.iter().filter(|row| rate(row) > fastest);
    let beside: Vec<String> = beside
        .map(|row| {
            let why = match competes(row.class) {
                true => labels::verdict(row.verdict),
                false => labels::class(row.class),
            };
            format!("{}{why} {}", row.client, short(rate(&row)))
        })
        .collect();
    match beside.is_empty() {
        true => format!("{most}."),
        false => format!("{most}; without competing: {}.", named(&beside)),
    }
}

/// Who is soonest, who cannot be told apart, and who is slowest, of the clients that keep up.
#[must_use]
pub fn lateness(load: &Workload, rows: &[Row]) -> String {
    let shown = times_of::shown(rows);
    let typical = match shown.iter().any(|(row, _)| row.typical_ns.is_some()) {
        true => "typical p99",
        false => "p99",
    };
    let (first, others) = first_group(rows);
    let Some(rank) = first.first().map(|row| row.rank) else {
        let is_behind = rows.iter().any(|row| row.verdict == Verdict::Overloaded);
        return match is_behind {
            true => "No client keeps up, so no response times are compared.".into(),
            false => unmeasured(rows),
        };
    };
    // Clients that do not compete are in the picture, too.
    let alike: Vec<_> = shown.iter().filter(|(row, _)| row.rank == rank).collect();
    let p99s = || alike.iter().map(|(_, late)| late.p99);
    let (Some(low), Some(high)) =
        (p99s().min_by_key(|time| time.bound_ns()), p99s().max_by_key(|time| time.bound_ns()))
    else {
        return "No response times were measured.".into();
    };
    let slowest = others
        .iter()
        .filter_map(|row| Some((times_of::of_row(row)?.p99, *row)))
        .max_by_key(|(time, _)| time.bound_ns());
    let slowest =
        slowest.map_or(String::new(), |(time, row)| format!("; slowest: {}, {time}", row.client));
    let at = labels::amount(load);
    match (alike.as_slice(), shown.len()) {
        ([(one, _)], 1) => format!("At {at}, {}: {typical} {low}.", one.client),
        ([(one, _)], _) => format!("At {at}, {} is soonest: {typical} {low}{slowest}.", one.client),
        (many, all) => {
            let which = match many.len() == all {
                true => format!("At {at}, all {all} clients that keep up"),
                false => format!("At {at}, {} of the {all} clients that keep up", many.len()),
            };
            format!("{which} cannot be told apart: {typical} {low} to {high}{slowest}.")
        }
    }
}

/// Who needs least CPU time, and who needs most, by medians.
#[must_use]
pub fn cost(rows: &[Row]) -> Option<String> {
    let all = costs::shown(rows);
    let mut field: Vec<_> = all.iter().filter(|one| competes(one.row.class)).collect();
    field.sort_by(|a, b| a.cpu_ns_per_tick.total_cmp(&b.cpu_ns_per_tick));
    let (least, most) = (field.first()?, field.last()?);
    (field.len() > 1).then(|| {
        format!(
            "CPU time per tick, medians: from {} ns ({}) to {} times that ({}).",
            count(least.cpu_ns_per_tick),
            least.row.client,
            times(most.cpu_ns_per_tick / least.cpu_ns_per_tick),
            most.row.client
        )
    })
}
