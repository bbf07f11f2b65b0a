//! The answer to the question of a workload, with every client. Pure.

use crate::text::labels;
use bench_core::analysis::round::backlog::Layer;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use bench_core::text::digits::{nanos, short};
use contract::Class;

/// Whether a client of this class competes: baseline clients and simulations are only shown.
#[must_use]
pub fn competes(class: Class) -> bool {
    !matches!(class, Class::Reference | Class::Simulated)
}

/// The answer to the question of a workload.
#[must_use]
pub fn answer(workload: &Workload, rows: &[Row]) -> String {
    let ranked = |verdict: Verdict| rows.iter().filter(move |row| row.verdict == verdict);
    let kept_up: Vec<&Row> = ranked(Verdict::Ok).collect();
    let competitors: Vec<&Row> = kept_up.iter().copied().filter(|r| competes(r.class)).collect();
    let mut parts = Vec::new();
    let field = if competitors.is_empty() { &kept_up } else { &competitors };
    if let Some(first) = field.first() {
        let (lead, others): (Vec<&Row>, Vec<&Row>) =
            field.iter().copied().partition(|row| row.rank == first.rank);
        parts.push(leaders(workload, &lead));
        if !others.is_empty() && !workload.rank_by.is_keeping_up() {
            let each: Vec<String> = others
                .iter()
                .map(|row| {
                    format!("{} ({}{})", row.client, quantile(workload), figure(workload, row))
                })
                .collect();
            parts.push(format!("then {}", list(&each)));
        }
        let beside = kept_up.iter().filter(|row| !competes(row.class) && !competitors.is_empty());
        parts.extend(beside.map(|row| {
            let name = named(&row.client, row.class);
            format!("{name}: {}{}", quantile(workload), figure(workload, row))
        }));
    }
    parts.extend(ranked(Verdict::Overloaded).map(behind));
    parts.extend(unranked(rows));
    match parts.is_empty() {
        true => "nothing has been measured yet".into(),
        false => format!("{}.", parts.join("; ")),
    }
}

/// A client's name, with its class if it does not compete.
fn named(client: &str, class: Class) -> String {
    match competes(class) {
        true => client.to_owned(),
        false => format!("{client}{}", labels::class(class)),
    }
}

/// The label before a figure: empty before a rate.
fn quantile(workload: &Workload) -> &'static str {
    match workload.rank_by {
        RankBy::Processed => "",
        RankBy::TypicalP99 | RankBy::KeepingUp => "typical p99 ",
        RankBy::ResponseP99 | RankBy::BacklogGrowth | RankBy::Staleness => "p99 ",
    }
}

/// The number that a workload is about: a rate, or a p99.
fn figure(workload: &Workload, row: &Row) -> String {
    match workload.rank_by {
        RankBy::Processed => {
            row.rates.processed_per_s.map_or(String::new(), |rate| format!("{}/s", short(rate)))
        }
        RankBy::Staleness => row.staleness_ns.map_or(String::new(), |age| nanos(age.p99)),
        RankBy::TypicalP99 | RankBy::KeepingUp => {
            row.typical_ns.map_or(String::new(), |typical| typical.p99.to_string())
        }
        RankBy::ResponseP99 | RankBy::BacklogGrowth => {
            row.response_ns.map_or(String::new(), |q| q.p99.to_string())
        }
    }
}

fn leaders(workload: &Workload, lead: &[&Row]) -> String {
    let names: Vec<String> = lead.iter().map(|row| row.client.clone()).collect();
    let figures: Vec<String> = lead.iter().map(|row| figure(workload, row)).collect();
    let verb = match (workload.rank_by.is_keeping_up(), names.len()) {
        (true, 1) => "keeps up",
        (true, _) => "keep up",
        (_, 1) => "leads",
        (_, 2..) if lead.iter().all(|row| row.rounds < 2) => "cannot be distinguished by one round",
        _ => "tie",
    };
    let span = match (figures.first(), figures.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(first), _) => first.clone(),
        _ => String::new(),
    };
    format!("{} {verb} ({}{span})", list(&names), quantile(workload))
}

fn behind(row: &Row) -> String {
    let Some(growth) = row.backlog_growth_per_s else {
        return format!("{} fell so far behind that its round ended before the window", row.client);
    };
    // Blocking holds back the source, so there is hardly a backlog.
    if let Some(share) = row.held_back.filter(|share| *share > 0.01) {
        return format!("{} blocks {:.1} % of the source's ticks", row.client, share * 100.0);
    }
    let place = match row.backlog_end.and_then(|backlog| backlog.largest()) {
        None => "",
        Some(Layer::Server) => ", and its ticks wait in the server",
        Some(Layer::KernelSend) => ", and its ticks wait in the kernel's send queue",
        Some(Layer::KernelReceive) => ", and its ticks wait in the kernel's receive queue",
        Some(Layer::Library) => ", and its ticks wait in its library",
        Some(Layer::Client) => ", and its ticks wait in its own queue",
    };
    format!("{} falls behind by {}/s{place}", row.client, short(growth))
}

fn unranked(rows: &[Row]) -> Option<String> {
    let others = rows.iter().filter(|row| !row.verdict.is_ranked());
    let each: Vec<String> = others.map(|row| format!("{} ({})", row.client, row.verdict)).collect();
    (!each.is_empty()).then(|| format!("not ranked: {}", list(&each)))
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
