//! What a search for capacities and a sweep answer.

use super::phrase::{named, nothing};
use crate::report::headline::competes;
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::short;
use std::cmp::Reverse;

/// Who sustains most: a search does not tell clients apart of which one was refuted above what
/// the other sustained; and who sustains least.
pub(super) fn of_capacities(all: &[Capacity]) -> String {
    let any_competes = all.iter().any(|one| competes(one.class));
    let field: Vec<&Capacity> =
        all.iter().filter(|one| competes(one.class) || !any_competes).collect();
    let mut known: Vec<(u64, &Capacity)> =
        field.iter().filter_map(|one| Some((one.capacity_per_s?, *one))).collect();
    known.sort_by_key(|(rate, one)| (Reverse(*rate), one.client.clone()));
    let unknown: Vec<String> = field
        .iter()
        .filter(|one| one.capacity_per_s.is_none())
        .map(|one| one.client.clone())
        .collect();
    let rate = |per_s: u64| format!("{} ticks/s", short(per_s as f64));
    let Some((most, first)) = known.first() else {
        return match unknown.is_empty() {
            true => nothing(),
            false => format!("No capacity was found of {}.", named(&unknown)),
        };
    };
    let refuted = |one: &Capacity| one.interval_per_s.and_then(|(_, above)| above);
    let alike: Vec<String> = known
        .iter()
        .filter(|(_, one)| refuted(one).is_none_or(|above| above >= *most))
        .map(|(_, one)| one.client.clone())
        .collect();
    let mut parts = vec![match alike.as_slice() {
        [_] | [] => format!("{} sustains most, {}", first.client, rate(*most)),
        many => format!("{} sustain most, up to {}", named(many), rate(*most)),
    }];
    let last = known.last().filter(|(_, one)| !alike.contains(&one.client));
    parts.extend(last.map(|(least, one)| format!("{} least, {}", one.client, rate(*least))));
    if !unknown.is_empty() {
        parts.push(format!("not found: {}", named(&unknown)));
    }
    format!("{}.", parts.join("; "))
}

/// Which clients keep up at every rate, and from which rate on the others fall behind.
pub(super) fn of_sweep(rows: &[Row]) -> String {
    let Some(highest) = rows.iter().filter_map(|row| row.rate_per_s).max() else {
        return nothing();
    };
    let all = row::clients(rows);
    let mut every = 0;
    let (mut limited, mut unknown) = (Vec::new(), Vec::new());
    for client in &all {
        let own = || rows.iter().filter(|row| row.client == *client);
        let behind = own().filter(|row| row.verdict == Verdict::Overloaded);
        match behind.filter_map(|row| row.rate_per_s).min() {
            Some(rate) => limited.push((rate, *client)),
            None if own().all(|row| row.verdict == Verdict::Ok) => every += 1,
            None => unknown.push((*client).to_owned()),
        }
    }
    limited.sort_unstable();
    let (count, top) = (all.len(), short(highest as f64));
    let mut parts = vec![match every {
        0 => format!("No client is known to keep up at every rate, up to {top} ticks/s"),
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
        parts.push(format!("not measured well enough at some rate: {}", named(&unknown)));
    }
    format!("{}.", parts.join("; "))
}
