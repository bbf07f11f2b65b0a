//! Synthetic rounds for tests: a server that is never late and a client that takes a fixed
//! time for each tick, so that everything about them is known.

use crate::analysis::audit::checksums::Checksums;
use crate::load::plan::{Plan, SAMPLES, Timing};
use crate::load::workload::Workload;
use crate::record::drops::Drops;
use crate::record::environment::Padding;
use crate::record::round::{Congestion, Connection, Record};
use crate::record::snapshot::Snapshot;
use crate::record::snapshot::{Method, Queues};
use crate::record::watched::Watched;
use contract::{
    Class, ClientEnd, ClientFinal, ClientHello, Connected, Policy, QueueKind, QueueShape,
    ServerEnd, ServerFinal, Version,
};

/// When tick 0 is due.
pub const START_NS: u64 = 5_000_000_000;
const GRID_NS: u64 = 20_000_000;
const BYTES_PER_TICK: u64 = 30;

/// A plan of 400 ms without a warm-up, with `lines` added to its workload.
pub fn plan(lines: &str) -> Plan {
    let timing = Timing { warmup_ns: 0, measure_ns: 400_000_000, grid_ns: GRID_NS, samples: 2_000 };
    plan_of(&format!("rate_per_s=50000\n{lines}"), timing)
}

/// The usual plan of a comparison at a fixed rate: 0.5 s of warm-up, 2 s measured.
pub fn usual_plan(rate_per_s: u64) -> Plan {
    usual_plan_of(&format!("rate_per_s={rate_per_s}"))
}

/// The same under a flood.
pub fn flood_plan() -> Plan {
    usual_plan_of("rate_per_s='flood'")
}

fn usual_plan_of(lines: &str) -> Plan {
    let timing = Timing {
        warmup_ns: 500_000_000,
        measure_ns: 2_000_000_000,
        grid_ns: GRID_NS,
        samples: SAMPLES,
    };
    plan_of(lines, timing)
}

fn plan_of(lines: &str, timing: Timing) -> Plan {
    let head = "name='w'\nwhy='w'\nread='r'\nrank_by='staleness'\n";
    let workload: Workload = toml::from_str(&format!("{head}{lines}")).unwrap();
    Plan::new(&workload, Class::Library, 7, timing).unwrap()
}

/// The same under a policy.
pub fn plan_under(policy: &str) -> Plan {
    let limit = if matches!(policy, "queue" | "block") { "" } else { ",ms=50" };
    plan(&format!("slow_consumer={{policy='{policy}'{limit}}}"))
}

/// What happens on one connection.
struct Stream {
    /// `[seq, written_ns, processed_ns]` of each tick that was not dropped, since the start.
    ticks: Vec<[u64; 3]>,
    drops: Drops,
}

/// A tick is written when it is due, and processed `work_ns` after that or after the one
/// before it. Under the policy that blocks, it is generated once the one before is processed.
fn stream(plan: &Plan, dropped: &[[u64; 2]], work_ns: u64) -> Stream {
    let mut drops = Drops::default();
    drops.extend(dropped.iter().copied());
    let blocks = plan.workload.policy() == Policy::Block;
    let (mut free_ns, mut ticks) = (0, Vec::new());
    for seq in 0..plan.timetable.ticks_within(plan.duration_ns()).unwrap() {
        let due_ns = plan.due_offset_ns(seq).unwrap();
        let generated_ns = if blocks { due_ns.max(free_ns) } else { due_ns };
        if generated_ns >= plan.duration_ns() {
            break;
        }
        if !drops.contains(seq) {
            free_ns = generated_ns.max(free_ns) + work_ns;
            ticks.push([seq, generated_ns, free_ns]);
        }
    }
    Stream { ticks, drops }
}

/// A round in which these ranges are dropped on each connection, with a client that drains
/// everything and then reports.
pub fn record(plan: &Plan, dropped: &[&[[u64; 2]]], work_ns: u64) -> Record {
    let streams: Vec<Stream> = dropped.iter().map(|ranges| stream(plan, ranges, work_ns)).collect();
    let connections: Vec<Connection> =
        streams.iter().map(|stream| connection(plan, stream)).collect();
    let due = plan.timetable.ticks_within(plan.duration_ns()).unwrap();
    let generated = match plan.workload.policy() {
        Policy::Block => streams[0].ticks.len() as u64,
        _ => due,
    };
    let sum = |of: fn(&Connection) -> u64| connections.iter().map(of).sum::<u64>();
    let processed = sum(|connection| connection.processed);
    let below = |connection: &Connection| {
        connection.drops.below(connection.drops.end_of(connection.processed))
    };
    let checksums = checksums(plan);
    let client = ClientFinal {
        received: processed,
        processed,
        queued: 0,
        gaps: connections.iter().map(below).sum(),
        duplicates: 0,
        reorders: 0,
        undecodable: 0,
        checksum: connections.iter().map(|l| checksums.of_delivered(&l.drops, l.processed)).sum(),
        ended: ClientEnd::Closed,
        detail: None,
        counts_age_ns: None,
    };
    let server = ServerFinal {
        generated: generated * connections.len() as u64,
        written: processed,
        acknowledged: processed,
        confirmed: processed,
        written_bytes: processed * BYTES_PER_TICK,
        dropped: sum(|connection| connection.drops.total()),
        pauses: Vec::new(),
        ended: ServerEnd::Complete,
        detail: None,
    };
    Record {
        hello: hello(),
        connected: connected(),
        congestion: Congestion { server: Some("cubic".into()), client: Some("cubic".into()) },
        padding: Padding::default(),
        server_versions: Vec::new(),
        queues_by: Method::SockDiag,
        start_ns: START_NS,
        watched: watched(plan, &streams, generated),
        connections,
        clients: vec![client],
        server,
        fresh: Vec::new(),
    }
}

/// The checksums of a plan's market.
pub fn checksums(plan: &Plan) -> Checksums {
    Checksums::new(plan.seed, None)
}

fn connection(plan: &Plan, stream: &Stream) -> Connection {
    let sample = plan.sample();
    let sampled = stream.ticks.iter().filter(|tick| sample.at_or_after(tick[0]) == tick[0]);
    let at = |ns: u64| START_NS + ns;
    let rows = sampled.map(|&[seq, written, processed]| {
        ([seq, at(written), at(processed)], [seq, at(written), at(written)])
    });
    let (client_rows, server_rows) = rows.unzip();
    let count = stream.ticks.len() as u64;
    Connection {
        client_rows,
        server_rows,
        received: count,
        processed: count,
        drops: stream.drops.clone(),
    }
}

/// Snapshots until everything is processed.
fn watched(plan: &Plan, streams: &[Stream], generated: u64) -> Watched {
    let last = |stream: &Stream| stream.ticks.last().map_or(0, |tick| tick[2]);
    let ended_ns = streams.iter().map(last).max().unwrap().max(plan.duration_ns());
    let mut watched = Watched { ended_ns: START_NS + ended_ns + GRID_NS, ..Watched::default() };
    for at_ns in (0..=ended_ns + GRID_NS).step_by(GRID_NS as usize) {
        let due = plan.timetable.due_count(at_ns).unwrap().min(generated);
        let count = |stream: &Stream, stage: usize| {
            stream.ticks.partition_point(|tick| tick[stage] <= at_ns) as u64
        };
        let each: Vec<u64> = streams.iter().map(|stream| count(stream, 2)).collect();
        let processed = each.iter().sum();
        let written: u64 = streams.iter().map(|stream| count(stream, 1)).sum();
        let dropped: u64 = streams.iter().map(|stream| stream.drops.below(due)).sum();
        watched.snapshots.push(Snapshot {
            at_ns: START_NS + at_ns,
            processed,
            received: processed,
            queues: Some(Queues::default()),
            acknowledged: written,
            confirmed: processed,
            written,
            written_bytes: written * BYTES_PER_TICK,
            generated: written + dropped,
            dropped,
            ..Snapshot::default()
        });
        if streams.len() > 1 {
            watched.processed_each.push(each);
        }
    }
    watched
}

fn hello() -> ClientHello {
    ClientHello {
        contract: Version,
        name: "synthetic".into(),
        versions: vec!["synthetic 1".into()],
        runtime: "none".into(),
        transport: "none".into(),
        class: Class::Library,
        queue: QueueShape { kind: QueueKind::None, bound: None },
        clock_error_ns: None,
    }
}

fn connected() -> Connected {
    Connected {
        connection: 0,
        peer: ([127, 0, 0, 1], 2).into(),
        local: ([127, 0, 0, 1], 1).into(),
        congestion: Some("cubic".into()),
        send_buffer_bytes: 1,
    }
}
