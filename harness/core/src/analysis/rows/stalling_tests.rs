//! Made-up rounds of clients that stall: by themselves, or by what takes the machine.

use crate::analysis::round::latency::stalls::Stalls;
use crate::analysis::round::latency::typical::Typical;
use crate::analysis::round::measure::Measurement;
use crate::analysis::rows::ranks::rules::RowRules;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row::Row;
use crate::analysis::rows::stalling::{Stalled, stalls_more};
use crate::analysis::rows::summary::{self, Participants};
use crate::analysis::statistics::times::Time;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::Reasons;
use crate::load::workload::Workload;
use crate::record::disturbance::{Cause, Disturbance};
use contract::Class;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::iter;
use std::ops::Range;

const MS: u64 = 1_000_000;
const WINDOW_NS: Range<u64> = 0..2000 * MS;

/// The processing of a client stops within these stretches of a round, in ms.
fn responses(stops_ms: &[Range<u64>]) -> Vec<(u64, Time)> {
    let due = (0..20_000u64).map(|index| index * 100_000);
    due.map(|due_ns| {
        let stop = stops_ms.iter().find(|stop| stop.contains(&(due_ns / MS)));
        (due_ns, Time::Exact(stop.map_or(40_000 + due_ns % 7_000, |stop| stop.end * MS - due_ns)))
    })
    .collect()
}

/// A round with these stops, of which the outside knows these.
fn round(client: &str, block: u32, stops: &[Range<u64>], hogs: &[Range<u64>]) -> RoundResult {
    let taken = |ms: &Range<u64>| Disturbance {
        at_ns: (ms.start * MS) as i64,
        within_ns: (ms.end - ms.start) * MS,
        took_ns: (ms.end - ms.start) * MS,
        cpus: "1".parse().unwrap(),
        cause: Cause::OtherProcesses,
    };
    let disturbances: Vec<Disturbance> = hogs.iter().map(taken).collect();
    let all: Vec<Range<u64>> = stops.iter().chain(hogs).cloned().collect();
    let responses = responses(&all);
    let typical = Typical::of(&responses, &WINDOW_NS).unwrap();
    let stalls = Stalls::of(&responses, &WINDOW_NS, typical.p99, &disturbances, 0);
    RoundResult {
        workload: "w".into(),
        client: client.trim_end_matches('\'').into(),
        control: client.ends_with('\''),
        round: block,
        repeat: 0,
        verdict: Verdict::Ok,
        reasons: Reasons::default(),
        remarks: Vec::new(),
        measurement: Some(Measurement {
            typical_ns: Some(typical),
            stalls: Some(stalls),
            ..Measurement::default()
        }),
        disturbances,
    }
}

fn rows(rank_by: &str, rounds: &[RoundResult]) -> Vec<Row> {
    let text = format!("name='w'\nwhy='w'\nread='r'\nrate_per_s=10000\nrank_by='{rank_by}'\n");
    let workload: Workload = toml::from_str(&text).unwrap();
    let class = |name: &str| if name == "bare" { Class::Reference } else { Class::Library };
    let clients = ["bare", "naps", "steady"].map(|name| (name.to_owned(), class(name))).to_vec();
    let participants =
        Participants { clients, controls: vec!["bare".into()], rules: RowRules::AllPairs };
    let all: Vec<&RoundResult> = rounds.iter().collect();
    summary::of_workload(&workload, &participants, &all).0
}

fn row<'a>(rows: &'a [Row], client: &str) -> &'a Row {
    rows.iter().find(|row| row.client == client).unwrap()
}

/// A client sleeps 3 ms every 100 ms; now and then the machine takes a ms or two from anyone.
fn a_table(blocks: u32, hog: impl Fn(u32) -> Vec<Range<u64>>) -> Vec<RoundResult> {
    let naps: Vec<Range<u64>> = (0..20).map(|index| index * 100 + 30..index * 100 + 33).collect();
    let mut rounds = Vec::new();
    for (number, client) in (0u32..).zip(["bare", "bare'", "steady", "naps"]) {
        for block in 1..=blocks {
            // In a window that has a nap: in half of the windows a typical p99 forgives it.
            let at = u64::from((block * 7 + number * 3) % 20) * 100 + 40;
            let own = if client == "naps" { naps.as_slice() } else { &[] };
            let stops: Vec<Range<u64>> =
                iter::once(at..at + 2).chain(own.iter().cloned()).collect();
            rounds.push(round(client, block, &stops, &hog(block + number)));
        }
    }
    rounds
}

#[test]
fn a_client_that_sleeps_3_ms_every_100_ms_leaves_the_first_group() {
    for blocks in [3, 7] {
        let rows = rows("typical_p99", &a_table(blocks, |_| Vec::new()));
        let naps = row(&rows, "naps");
        let typical = |client| row(&rows, client).typical_ns.unwrap().p99;
        assert_eq!(typical("naps"), typical("bare"), "its typical p99 does not show it");
        assert!(naps.stalls_more && naps.stalls.unwrap().ms_per_s > 29.0, "{:?}", naps.stalls);
        assert_eq!((naps.rank, naps.tied), (Some(3), false));
        for client in ["bare", "steady"] {
            let row = row(&rows, client);
            assert_eq!((row.rank, row.tied, row.stalls_more), (Some(1), true, false));
        }
        let said = naps.remarks.last().unwrap().to_string();
        assert!(said.starts_with("stalls 3"), "{said}");
        assert!(rows[0].versus_leader.is_none() && rows[2].versus_leader.is_some());
    }
}

#[test]
fn among_clients_that_keep_up_it_comes_behind_all_others() {
    let rows = rows("keeping_up", &a_table(3, |_| Vec::new()));
    let ranks: Vec<_> = rows.iter().map(|row| (row.client.as_str(), row.rank.unwrap())).collect();
    assert_eq!(ranks[2], ("naps", 3));
    assert_eq!([ranks[0].1, ranks[1].1], [1, 1]);
}

/// 100 ms of a real-time hog in every other round, of all clients.
#[test]
fn what_takes_the_machine_makes_nobody_stall_more() {
    let hog = |number: u32| match number % 2 {
        0 => Some(u64::from(number % 9) * 200 + 35),
        _ => None,
    };
    let hog = |number: u32| hog(number).map(|at_ms| at_ms..at_ms + 100).into_iter().collect();
    let all: Vec<RoundResult> =
        a_table(7, hog).into_iter().filter(|round| round.client != "naps").collect();
    let rows = rows("typical_p99", &all);
    for client in ["bare", "steady"] {
        let stalls = row(&rows, client).stalls.unwrap();
        assert!(!row(&rows, client).stalls_more && stalls.ms_per_s < 2.0, "{client} {stalls:?}");
        assert_eq!(row(&rows, client).rank, Some(1));
    }
    let explained = |round: &RoundResult| round.measurement.as_ref().unwrap().stalls.unwrap();
    assert!(all.iter().any(|round| explained(round).explained_ms_per_s > 49.0));
}

#[test]
fn a_table_that_is_not_ranked_by_typical_times_has_no_such_remark() {
    let rows = rows("response_p99", &a_table(7, |_| Vec::new()));
    assert!(rows.iter().all(|row| !row.stalls_more && row.remarks.is_empty()));
}

#[test]
fn too_few_blocks_show_nothing_and_other_blocks_are_left_out() {
    let stalls = |ms: f64, blocks: Range<u32>| -> Vec<Stalled> {
        blocks.map(|block| (block, ms + f64::from(block) / 100.0)).collect()
    };
    assert!(stalls_more(&stalls(30.0, 1..3), &stalls(1.0, 1..3), 1).is_none());
    assert!(stalls_more(&stalls(30.0, 1..4), &stalls(1.0, 2..5), 1).is_none());
    assert!(stalls_more(&stalls(30.0, 1..4), &stalls(1.0, 1..4), 1).is_some());
    assert!(stalls_more(&stalls(2.5, 1..9), &stalls(1.0, 1..9), 1).is_none(), "too little");
    assert!(stalls_more(&[], &[], 1).is_none());
}

/// Stalls of a round as the machine makes them, in ms per second: log-normal around 3, and in one
/// of twenty a pause of 100 ms that no signal explains.
fn noise(random: &mut ChaCha8Rng) -> f64 {
    let normal: f64 = (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
    let pause = if random.random_range(0..20) == 0 { 50.0 } else { 0.0 };
    3.0 * normal.exp() + pause
}

/// Of 400 tables of 16 clients without a difference, how many say that some client stalls more;
/// and in how many a client with 30 ms/s of its own is found.
fn simulated(blocks: u32) -> (u32, u32) {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(blocks));
    let (mut wrong, mut found) = (0, 0);
    for _ in 0..400 {
        let mut rounds = |own: f64, entries: usize| -> Vec<Stalled> {
            let numbers = (1..=blocks).cycle().take(blocks as usize * entries);
            numbers.map(|block| (block, noise(&mut random) + own)).collect()
        };
        let reference = rounds(0.0, 2);
        let is_found = |own: &[Stalled]| stalls_more(own, &reference, 16).is_some();
        let clients: Vec<Vec<Stalled>> = (0..16).map(|_| rounds(0.0, 1)).collect();
        let naps = rounds(30.0, 1);
        wrong += u32::from(clients.iter().any(|own| is_found(own)));
        found += u32::from(is_found(&naps));
    }
    (wrong, found)
}

/// The figures of METHODOLOGY.md, "Stalls".
#[test]
fn clients_without_a_difference_seldom_stall_more() {
    let found = [3, 5, 7].map(simulated);
    assert_eq!(found, [(36, 276), (12, 228), (11, 347)]);
}
