//! The question that a workload asks, and its answer in one sentence. Pure.

use crate::capacity::Capacity;
use crate::report::chart::short;
use crate::rows::{self, Row};
use crate::saved::{Campaign, Kind};
use crate::table::{self, nanos};
use crate::verdict::Verdict;
use crate::workload::{RankBy, Workload};
use contract::Class;

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// What was asked.
    pub question: String,
    /// What came out.
    pub answer: String,
}

/// The questions of a campaign: one for each workload of a comparison, one of
/// any other.
#[must_use]
pub fn of_campaign(campaign: &Campaign) -> Vec<Headline> {
    match campaign.kind {
        Kind::Capacity => vec![Headline {
            question: "What is the highest rate that each client sustains?".into(),
            answer: capacity(&campaign.capacities),
        }],
        Kind::Sweep => vec![Headline {
            question: "How do latency and cost change with the offered rate?".into(),
            answer: sweep(campaign),
        }],
        Kind::Compare => campaign
            .workloads
            .iter()
            .map(|workload| {
                let (rows, _) = campaign.of_workload(&workload.name);
                Headline { question: question(workload), answer: answer(workload, &rows) }
            })
            .collect(),
    }
}

fn question(workload: &Workload) -> String {
    let load = table::load(workload);
    match workload.rank_by {
        RankBy::ResponseP99 => format!("With {load}: whose ticks arrive soonest?"),
        RankBy::BacklogGrowth => {
            format!("With {load}: who keeps up, and where do ticks wait when one does not?")
        }
        RankBy::Processed => format!("With ticks {load}: how many can it take?"),
        RankBy::Staleness => format!("With {load}: whose newest values are the youngest?"),
    }
}

/// Yardsticks and simulations are shown, but they win nothing.
#[must_use]
pub fn competes(class: Class) -> bool {
    !matches!(class, Class::Reference | Class::Simulated)
}

fn answer(workload: &Workload, rows: &[Row]) -> String {
    let ranked = |verdict: Verdict| rows.iter().filter(move |row| row.verdict == verdict);
    let kept_up: Vec<&Row> = ranked(Verdict::Ok).collect();
    let competitors: Vec<&Row> = kept_up.iter().copied().filter(|r| competes(r.class)).collect();
    let mut parts = Vec::new();
    let field = if competitors.is_empty() { &kept_up } else { &competitors };
    if let Some(first) = field.first() {
        let (lead, others): (Vec<&Row>, Vec<&Row>) =
            field.iter().copied().partition(|row| row.rank == first.rank);
        parts.push(leaders(workload, &lead));
        if !others.is_empty() && workload.rank_by != RankBy::BacklogGrowth {
            let each: Vec<String> = others
                .iter()
                .map(|row| format!("{} ({})", row.client, figure(workload, row)))
                .collect();
            parts.push(format!("then {}", list(&each)));
        }
        let beside = kept_up.iter().filter(|row| !competes(row.class) && !competitors.is_empty());
        parts
            .extend(beside.map(|row| {
                format!("{}: {}", named(&row.client, row.class), figure(workload, row))
            }));
    }
    parts.extend(ranked(Verdict::Overloaded).map(behind));
    parts.extend(unranked(rows));
    match parts.is_empty() {
        true => "nothing was measured yet".into(),
        false => format!("{}.", parts.join("; ")),
    }
}

/// A client's name, marked where it wins nothing.
fn named(client: &str, class: Class) -> String {
    match competes(class) {
        true => client.to_owned(),
        false => format!("{} {client}", kind(class)),
    }
}

fn kind(class: Class) -> &'static str {
    match class {
        Class::Reference => "the yardstick",
        _ => "the simulated",
    }
}

/// The figure that a workload is about.
fn figure(workload: &Workload, row: &Row) -> String {
    match workload.rank_by {
        RankBy::Processed => {
            row.rates.processed_per_s.map_or(String::new(), |rate| format!("{}/s", short(rate)))
        }
        RankBy::Staleness => {
            row.staleness_ns.map_or(String::new(), |age| format!("p99 {}", nanos(age.p99)))
        }
        _ => {
            let p99 = rows::pick(row.response_ns, |q| q.p99);
            format!("p99 {}", table::time(p99))
        }
    }
}

fn leaders(workload: &Workload, lead: &[&Row]) -> String {
    let names: Vec<String> = lead.iter().map(|row| row.client.clone()).collect();
    let figures: Vec<String> = lead.iter().map(|row| figure(workload, row)).collect();
    let verb = match (workload.rank_by, names.len()) {
        (RankBy::BacklogGrowth, 1) => "keeps up",
        (RankBy::BacklogGrowth, _) => "keep up",
        (_, 1) => "leads",
        (_, 2..) if lead.iter().all(|row| row.rounds < 2) => "cannot be told apart by one round",
        _ => "tie",
    };
    let span = match (figures.first(), figures.last()) {
        (Some(first), Some(last)) if first != last => {
            let last = last.strip_prefix("p99 ").unwrap_or(last);
            format!("{first} to {last}")
        }
        (Some(first), _) => first.clone(),
        _ => String::new(),
    };
    format!("{} {verb} ({span})", list(&names))
}

fn behind(row: &Row) -> String {
    let Some(growth) = row.backlog_growth_per_s else {
        return format!("{} fell so far behind that it was ended before its window", row.client);
    };
    // A source that waits for it has no backlog to speak of.
    if let Some(share) = row.held_back.filter(|share| *share > 0.01) {
        return format!("{} holds the source up by {:.1} %", row.client, share * 100.0);
    }
    let growth = format!(" by {}/s", short(growth));
    let place = match table::mostly_in(row).as_str() {
        "" => String::new(),
        "client" => ", and its ticks wait in its own queue".into(),
        layer => format!(", and its ticks wait in the {} queue", layer.trim_end_matches(" queue")),
    };
    format!("{} falls behind{growth}{place}", row.client)
}

fn unranked(rows: &[Row]) -> Option<String> {
    let others = rows.iter().filter(|row| !row.verdict.is_ranked());
    let each: Vec<String> =
        others.map(|row| format!("{} ({})", row.client, row.verdict.word())).collect();
    (!each.is_empty()).then(|| format!("not ranked: {}", list(&each)))
}

/// `a`, `a and b`, `a, b and c`.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn capacity(all: &[Capacity]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for one in all {
        let name = named(&one.client, one.class);
        let limit = one.limited_by.map_or(String::new(), |l| format!(", then {}", l.words()));
        parts.push(match one.capacity_per_s {
            Some(rate) => {
                let doubt = if one.confirmed { "" } else { ", unconfirmed" };
                format!("{name} {}/s{limit}{doubt}", short(rate as f64))
            }
            None => format!("{name} none"),
        });
    }
    match parts.is_empty() {
        true => "nothing was measured yet".into(),
        false => format!("{}.", parts.join("; ")),
    }
}

/// For each client the highest of the rates at which it kept up.
fn sweep(campaign: &Campaign) -> String {
    let mut clients: Vec<&str> = campaign.rows.iter().map(|row| row.client.as_str()).collect();
    clients.sort_unstable();
    clients.dedup();
    let highest = campaign.rows.iter().filter_map(|row| row.rate_per_s).max();
    let each = clients.into_iter().map(|client| {
        let class = campaign.rows.iter().find(|row| row.client == client).map(|row| row.class);
        let name = class.map_or(client.to_owned(), |class| named(client, class));
        let held = campaign
            .rows
            .iter()
            .filter(|row| row.client == client && row.verdict == Verdict::Ok)
            .max_by_key(|row| row.rate_per_s);
        match held.and_then(|row| Some((row.rate_per_s?, rows::pick(row.response_ns, |q| q.p99)?)))
        {
            Some((rate, p99)) => {
                let at = if Some(rate) == highest { "at every rate, to" } else { "with" };
                let (rate, p99) = (short(rate as f64), nanos(p99.bound_ns()));
                format!("{name} keeps up {at} {rate}/s (p99 there {p99})")
            }
            None => format!("{name} keeps up at none of the rates"),
        }
    });
    let each: Vec<String> = each.collect();
    match each.is_empty() {
        true => "nothing was measured yet".into(),
        false => format!("{}.", each.join("; ")),
    }
}
