//! From rounds to Markdown tables.

use crate::contender::Contender;
use crate::process::Memory;
use crate::rounds::{Case, Delivery, Results};
use crate::stalled::Round;
use anyhow::Result;
use std::collections::BTreeMap;

/// From this share on, a CPU is the limiting factor.
const FULL: f64 = 0.95;
/// From this share of the offered ticks on, a rate is sustained.
const SUSTAINED: f64 = 0.98;

/// The contenders that can run here; prints why the others cannot.
#[must_use]
pub fn available(contenders: &[Contender]) -> Vec<Contender> {
    let able = |contender: &Contender| match contender.unavailable() {
        None => true,
        Some(why) => {
            println!("{} is left out: {why}", contender.name());
            false
        }
    };
    contenders.iter().copied().filter(able).collect()
}

/// Prints what each contender delivered, as medians over rounds, and the ratio of the tick
/// server to it.
pub fn delivered(results: &Results<Case, Delivery>) {
    println!("\n## Delivered\n");
    println!(
        "| connections | ticks/s | | delivered/s | of offered | ticks per CPU second | least–most \
         | tick-server has | server CPU | receiver CPU | p50 | p99 | notes |"
    );
    println!("|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    let efficiency: BTreeMap<Case, f64> = results
        .iter()
        .filter_map(|(case, rounds)| Some((*case, median(rounds, per_cpu_s)?)))
        .collect();
    for (case, rounds) in results {
        let Case { connections, rate_per_s, contender } = *case;
        print!("| {connections} | {rate_per_s} | {} |", contender.name());
        let Some(&per_cpu) = efficiency.get(case) else {
            println!(" | | | | | | | | | {} |", failures(rounds));
            continue;
        };
        let of = |value: fn(&Delivery) -> f64| median(rounds, value).unwrap_or(f64::NAN);
        let tick_server = efficiency.get(&Case { contender: Contender::TickServer, ..*case });
        let ahead = tick_server.map_or(String::new(), |ticks| format!("{:.2}×", ticks / per_cpu));
        let share = of(|d| d.ticks_per_s) / (connections * rate_per_s) as f64;
        let all: Vec<f64> = rounds.iter().flatten().map(per_cpu_s).collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        let most = all.iter().copied().fold(0.0, f64::max);
        println!(
            " {} | {:.0} % | {} | {}–{} | {ahead} | {:.0} % | {:.0} % | {} | {} | {} |",
            short(of(|d| d.ticks_per_s)),
            share * 100.0,
            short(per_cpu),
            short(least),
            short(most),
            of(|d| d.server_cpu) * 100.0,
            of(|d| d.receiver_cpu) * 100.0,
            time(of(|d| d.response_p50_ns)),
            time(of(|d| d.response_p99_ns)),
            notes(rounds, share),
        );
    }
}

fn per_cpu_s(delivery: &Delivery) -> f64 {
    delivery.ticks_per_s / delivery.server_cpu
}

/// The limiting factor, and what went wrong.
fn notes(rounds: &[Result<Delivery>], share: f64) -> String {
    let of = |value: fn(&Delivery) -> f64| median(rounds, value).unwrap_or(0.0);
    let mut notes = Vec::new();
    if share < SUSTAINED {
        notes.push("rate not sustained".to_owned());
    }
    if of(|d| d.server_cpu) > FULL {
        notes.push("server's CPU full".to_owned());
    }
    if of(|d| d.receiver_cpu) > FULL {
        notes.push("receiver's CPU full".to_owned());
    }
    if of(|d| d.gaps) > 0.0 {
        notes.push(format!("{:.1} % lost", 100.0 * of(|d| d.gaps / (1.0 + d.gaps))));
    }
    let lost: u64 = rounds.iter().flatten().map(|delivery| delivery.lost).sum();
    if lost > 0 {
        notes.push(format!("{lost} connections ended"));
    }
    notes.push(failures(rounds));
    notes.retain(|note| !note.is_empty());
    notes.join("; ")
}

fn failures<T>(rounds: &[Result<T>]) -> String {
    let failed = rounds.iter().filter_map(|round| round.as_ref().err()).next_back();
    let count = rounds.iter().filter(|round| round.is_err()).count();
    failed.map_or(String::new(), |why| format!("{count} of {} failed: {why:#}", rounds.len()))
}

/// Prints the memory per idle connection.
pub fn idle(results: &Results<Case, Memory>) {
    println!("\n## Memory per idle connection (growth from none, one tick a second)\n");
    println!("| connections | | RSS, bytes | PSS, bytes | notes |");
    println!("|--:|---|--:|--:|---|");
    for (case, rounds) in results {
        let of = |value: fn(&Memory) -> f64| {
            median(rounds, value).map_or(String::new(), |bytes| format!("{bytes:.0}"))
        };
        println!(
            "| {} | {} | {} | {} | {} |",
            case.connections,
            case.contender.name(),
            of(|memory| memory.rss_bytes as f64),
            of(|memory| memory.pss_bytes as f64),
            failures(rounds),
        );
    }
}

/// Prints the effect of a stalled connection, beside that of chance.
pub fn stalled(contender: Contender, rounds: &[Round]) {
    println!("\n## One stalled connection among 100: {}\n", contender.name());
    println!("p99 of the other 99, at 1 000 ticks/s:\n");
    println!("| round | without | without, again | with |");
    println!("|--:|--:|--:|--:|");
    for (number, round) in rounds.iter().enumerate() {
        let [first, again] = round.without_ns;
        let [first, again, with] = [first, again, round.with_ns].map(|ns| time(ns as f64));
        println!("| {} | {first} | {again} | {with} |", number + 1);
    }
    let change = |to: fn(&Round) -> u64| {
        let mut changes: Vec<f64> =
            rounds.iter().map(|r| to(r) as f64 / r.without_ns[0] as f64 - 1.0).collect();
        let middle = middle(&mut changes);
        let percents = changes.iter().map(|change| format!("{:+.1}", change * 100.0));
        (middle * 100.0, percents.collect::<Vec<_>>().join(", "))
    };
    let (chance, chances) = change(|round| round.without_ns[1]);
    let (effect, effects) = change(|round| round.with_ns);
    println!("\nAgainst the first run without, in %, ascending:");
    println!("- again without: median {chance:+.1} ({chances})");
    println!("- with: median {effect:+.1} ({effects})");
}

fn median<T>(rounds: &[Result<T>], value: impl Fn(&T) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = rounds.iter().flatten().map(value).collect();
    (!values.is_empty()).then(|| middle(&mut values))
}

/// The median; sorts the values.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

fn short(count: f64) -> String {
    match count {
        1e6.. => format!("{:.2}M", count / 1e6),
        1e3.. => format!("{:.0}k", count / 1e3),
        _ => format!("{count:.0}"),
    }
}

fn time(ns: f64) -> String {
    match ns {
        1e9.. => format!("{:.2} s", ns / 1e9),
        1e6.. => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.0} µs", ns / 1e3),
    }
}
