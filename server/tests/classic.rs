//! The classic style over real sockets: its three modes, and the content of repeated
//! messages.

mod common;

use common::child::{ChildServer, Report, plan, rate, refusal_of_plan};
use common::clients::{connect, read_all};
use contract::{ServerEnd, ServerPlan};
use tick::{Format, Market, Schedule, Tick, cents};

const MILLISECOND_NS: u64 = 1_000_000;

const CLASSIC: [&str; 3] = ["child", "--style", "classic"];

/// What a client got, and what the server reported.
struct Run {
    start_ns: u64,
    ticks: Vec<Tick>,
    report: Report,
}

/// Runs a plan to its end, and compares every tick with the message that it repeats.
fn run(plan: &ServerPlan) -> Run {
    let mut server = ChildServer::with_args(plan, &CLASSIC);
    let mut client = connect(&server.url);
    let start_ns = server.start();
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let report = server.report();
    let Report { rows, fresh, last, .. } = &report;
    assert_eq!(last.ended, ServerEnd::Complete);
    let count = payloads.len() as u64;
    assert_eq!([last.generated, last.written, last.acknowledged, last.confirmed], [count; 4]);
    let decode = |(payload, seq): (&Vec<u8>, u64)| plan.format.decode(payload, seq).unwrap();
    let ticks: Vec<Tick> = payloads.iter().zip(0..).map(decode).collect();
    let market = Market::new(plan.seed);
    assert_eq!(fresh[0], 0);
    assert!(fresh.is_sorted_by(|a, b| a < b) && *fresh.last().unwrap() < count);
    for (seq, tick) in (0..).zip(&ticks) {
        let of = fresh[fresh.partition_point(|&fresh| fresh <= seq) - 1];
        assert_eq!(tick.seq, seq);
        assert_eq!((tick.symbol, cents(tick.price)), market.tick(of), "tick {seq} repeats {of}");
        assert_eq!(tick.ts, ticks[of as usize].ts, "tick {seq} repeats {of}");
    }
    let planned: Vec<u64> = (3..count).step_by(7).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), planned);
    for [seq, encoded_ns, written_ns] in rows {
        assert!(start_ns <= *encoded_ns && encoded_ns <= written_ns);
        if plan.format == Format::Binary {
            assert_eq!(ticks[*seq as usize].ts as u64, *encoded_ns);
        }
    }
    Run { start_ns, ticks, report }
}

#[test]
fn a_slow_rate_is_a_timer_of_whole_milliseconds_for_each_message() {
    // 1000 / 300 is 3.33 ms, which setInterval rounds to 3.
    let run = run(&plan(rate(300), 300));
    assert!((1..=100).contains(&run.report.last.generated), "{}", run.report.last.generated);
    assert!(run.ticks[0].ts as u64 >= run.start_ns + 3 * MILLISECOND_NS);
    let apart = |pair: &[Tick]| pair[1].ts - pair[0].ts >= 3 * MILLISECOND_NS as i64;
    assert!(run.ticks.windows(2).all(apart), "a timer fired before its period was over");
    assert_eq!(run.report.fresh.len(), run.ticks.len(), "after 3 ms each message is new");
}

#[test]
fn a_middle_rate_is_a_batch_every_millisecond() {
    for format in Format::ALL {
        let run = run(&ServerPlan { format, ..plan(rate(4_100), 300) });
        // ceil(4100 / 1000) per batch: more than the rate, if the machine keeps up.
        assert!(
            run.report.last.generated.is_multiple_of(5) && run.report.last.generated <= 5 * 300
        );
        assert!(
            run.report.fresh.iter().all(|seq| seq.is_multiple_of(5)),
            "{format}: {:?}",
            run.report.fresh
        );
        assert_eq!(run.report.fresh.len() as u64, run.report.last.generated / 5);
    }
}

#[test]
fn a_high_rate_is_what_the_elapsed_time_requires() {
    for format in Format::ALL {
        let run = run(&ServerPlan { format, ..plan(rate(200_000), 250) });
        assert!((1..=50_000).contains(&run.report.last.generated), "{}", run.report.last.generated);
        assert!(run.report.fresh.len() <= 251, "a message is repeated for at least a millisecond");
        for &[seq, encoded_ns, _] in &run.report.rows {
            // Sent within a millisecond after its message was made, and never early.
            let elapsed_ns = encoded_ns + MILLISECOND_NS - run.start_ns;
            assert!(seq < elapsed_ns * 200_000 / 1_000_000_000, "{format}: tick {seq}");
        }
    }
}

#[test]
fn a_flood_repeats_messages_too() {
    let run = run(&plan(Schedule::Flood, 300));
    assert!(run.ticks.len() > 1_000, "{}", run.ticks.len());
    assert!(run.report.fresh.len() <= 301);
}

#[test]
fn all_connections_get_the_same_messages() {
    let plan = ServerPlan { connections: 2, ..plan(rate(20_000), 200) };
    let mut server = ChildServer::with_args(&plan, &CLASSIC);
    let clients: Vec<_> = [0, 1]
        .map(|n| connect(&server.url_of(n)))
        .into_iter()
        .map(|mut client| std::thread::spawn(move || read_all(&mut client).0))
        .collect();
    server.start_all(2);
    let all: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    assert_eq!(all[0], all[1]);
    let last = server.report().last;
    assert_eq!(last.generated, all[0].len() as u64);
    assert_eq!(last.written, 2 * last.generated);
}

#[test]
fn the_style_schedule_is_the_default() {
    let plan = plan(rate(10_000), 100);
    for args in [&["child"][..], &["child", "--style", "schedule"]] {
        let mut server = ChildServer::with_args(&plan, args);
        let mut client = connect(&server.url);
        server.start();
        assert_eq!(read_all(&mut client).0.len(), 1_000);
        let report = server.report();
        assert_eq!(report.last.generated, 1_000);
        assert!(report.fresh.is_empty(), "every message is new");
    }
}

#[test]
fn loads_that_the_older_server_did_not_have_are_refused() {
    let poisson = plan(Schedule::Poisson { rate_per_s: 10, seed: 1 }, 100);
    let refusal = refusal_of_plan(&poisson, &CLASSIC);
    assert!(refusal.contains("a fixed rate and a flood only"), "{refusal}");
}
