//! The live views are a pure function of events: these events give these screens and numbers.

mod counters;

use crate::campaign::progress::{Activity, Extent, Outline, RoundStart};
use crate::view::picture::draw;
use crate::view::state::current::Phase;
use crate::view::state::{Ended, Event, State};
use bench_core::analysis::round::measure::{Measurement, Rates};
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons};
use bench_core::load::plan::Timing;
use bench_core::load::server::Paces;
use bench_core::load::workload::Workload;
use bench_core::record::snapshot::Queues;
use bench_core::record::snapshot::Snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const S: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;
const TIMING: Timing =
    Timing { warmup_ns: 500 * MS, measure_ns: 2 * S, grid_ns: 20 * MS, samples: 100 };
/// Time that a round takes besides its load, in these tests.
const OVERHEAD_NS: u64 = 300 * MS;

fn workload(name: &str, rate: &str, rank_by: &str) -> Workload {
    let text =
        format!("name='{name}'\nwhy='w'\nread='r'\nrate_per_s={rate}\nrank_by='{rank_by}'\n");
    toml::from_str(&text).unwrap()
}

fn defaults() -> Vec<Workload> {
    vec![
        workload("steady", "100000", "response_p99"),
        workload("overload-500k", "500000", "backlog_growth"),
        workload("flood", "'flood'", "processed"),
    ]
}

fn entries() -> Vec<String> {
    ["async-std", "blocking", "floor", "glommio", "js-sim", "tokio", "floor (control)"]
        .map(str::to_owned)
        .into()
}

fn outline(loads: Vec<String>, each: u32) -> Outline {
    let round_ns = TIMING.warmup_ns + TIMING.measure_ns;
    let extent = Extent::Rounds { each, counters: 0, round_ns, budget_ns: 0 };
    Outline { title: Activity::Compare, loads, entries: entries(), extent }
}

fn start(load: usize, entry: usize, round: u32, workload: &Workload) -> RoundStart {
    RoundStart {
        load,
        entry,
        title: format!("{} · {} · round {round}", workload.name, entries()[entry]),
        workload: workload.clone(),
        seed: 1,
        timing: TIMING,
        paces: Paces::Schedule,
    }
}

fn result(workload: &str, client: &str, verdict: Verdict, p99: Option<Time>) -> RoundResult {
    let response = p99.map(|p99| {
        let p50 = Time::Exact(p99.bound_ns() / 5);
        Quantiles { p50, p90: p99, p99, p999: p99, max: p99 }
    });
    let measurement = Measurement {
        rates: Rates { processed_per_s: 100_000.0, ..Rates::default() },
        backlog_growth_per_s: if verdict == Verdict::Overloaded { 470_000.0 } else { 3.0 },
        response_ns: response,
        ..Measurement::default()
    };
    RoundResult {
        workload: workload.into(),
        client: client.into(),
        control: false,
        round: 1,
        repeat: 0,
        disturbances: Vec::new(),
        verdict,
        reasons: Reasons::default(),
        remarks: Vec::new(),
        measurement: Some(measurement),
    }
}

fn end(result: RoundResult) -> Event {
    Event::End(Box::new(Ended { result, line: String::new(), sustained_per_s: None }))
}

/// A snapshot `since_ns` after tick 0; of the backlog, a third each is in the receive queue,
/// the library and the client.
fn snapshot(start_ns: u64, since_ns: u64, generated: u64, processed: u64) -> Event {
    let third = (generated - processed) / 3;
    Event::Snapshot {
        start_ns,
        snapshot: Snapshot {
            at_ns: start_ns + since_ns,
            processed,
            received: processed + third,
            queues: Some(Queues { send_bytes: 0, receive_bytes: third * 50 }),
            written: generated,
            written_bytes: generated * 50,
            generated,
            client_cpu_ns: since_ns / 2,
            server_cpu_ns: since_ns,
            client_rss_bytes: 4_100_000,
            server_rss_bytes: 12_300_000,
            ..Snapshot::default()
        },
    }
}

/// A state and its clock, moved on by events.
struct Session {
    state: State,
    now_ns: u64,
}

impl Session {
    fn new(outline: Outline) -> Self {
        let mut session = Self { state: State::default(), now_ns: 1000 * S };
        session.add(Event::Plan(outline));
        session
    }

    fn add(&mut self, event: Event) {
        self.state.add(self.now_ns, event);
    }

    fn play(&mut self, round: RoundStart, result: RoundResult) {
        self.add(Event::Begin(Box::new(round)));
        self.now_ns += TIMING.warmup_ns + TIMING.measure_ns + OVERHEAD_NS;
        self.add(end(result));
    }

    /// A round that has run for `elapsed_ns`, with a share of its ticks processed.
    fn run(&mut self, round: RoundStart, rate_per_s: u64, share: f64, elapsed_ns: u64) {
        let start_ns = self.now_ns + 100 * MS;
        self.add(Event::Begin(Box::new(round)));
        for since_ns in (0..=elapsed_ns).step_by(20 * MS as usize) {
            let generated = rate_per_s * since_ns / S;
            self.now_ns = start_ns + since_ns;
            self.add(snapshot(start_ns, since_ns, generated, (generated as f64 * share) as u64));
        }
    }

    fn screen(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &self.state, self.now_ns)).unwrap();
        terminal.backend().to_string()
    }
}

/// Seven rounds of the first workload, some of the second, and a current one.
fn comparison() -> Session {
    let loads = defaults();
    let mut session = Session::new(outline(loads.iter().map(|w| w.name.clone()).collect(), 7));
    for round in 1..=7 {
        for entry in 0..7 {
            let p99 = Time::Exact((50 + 7 * entry as u64 + u64::from(round)) * 1000);
            let verdict = if entry == 3 { Verdict::Noisy } else { Verdict::Ok };
            let mut result = result("steady", &entries()[entry], verdict, Some(p99));
            if entry == 3 {
                result.reasons = Reason::OtherProcesses { cpus: 0.31 }.into();
            }
            session.play(start(0, entry, round, &loads[0]), result);
        }
    }
    for entry in [0, 4, 2] {
        let (verdict, p99) = match entry {
            4 => (Verdict::Overloaded, Time::AtLeast { at_least: 14 * S / 10 }),
            2 => (Verdict::Failed, Time::Exact(0)),
            _ => (Verdict::Ok, Time::Exact(220_000)),
        };
        let mut result = result("overload-500k", &entries()[entry], verdict, Some(p99));
        if verdict == Verdict::Failed {
            result.measurement = None;
            let error = "the client was killed by SIGSEGV".to_owned();
            result.reasons = Reason::Harness { error }.into();
        }
        if verdict == Verdict::Overloaded {
            result.reasons = Reason::BacklogGrew { share: 0.94 }.into();
        }
        session.play(start(1, entry, 1, &loads[1]), result);
    }
    session.run(start(1, 5, 1, &loads[1]), 500_000, 0.4, 1_740 * MS);
    session
}

#[test]
fn a_comparison_fits_the_smallest_usual_window() {
    insta::assert_snapshot!(comparison().screen(80, 24));
}

#[test]
fn a_comparison_uses_a_large_window() {
    insta::assert_snapshot!(comparison().screen(140, 45));
}

#[test]
fn a_window_that_is_too_small_says_so() {
    insta::assert_snapshot!(comparison().screen(40, 10));
}

#[test]
fn every_size_can_be_drawn() {
    let session = comparison();
    for (width, height) in [(1, 1), (60, 18), (60, 200), (61, 19), (79, 23), (300, 18), (400, 120)]
    {
        session.screen(width, height);
    }
}

/// Twelve rates, in blocks of all clients.
fn sweep() -> Session {
    let rates = [14, 25, 30, 100, 360, 1300, 4300, 5800, 7800, 9500, 12_000, 15_000u64];
    let steady = workload("steady", "100000", "response_p99");
    let loads: Vec<Workload> = rates.iter().map(|k| steady.at_rate(k * 1000)).collect();
    let names = rates.iter().map(|&k| super::narrow::number(k as f64 * 1e3)).collect();
    let mut session = Session::new(Outline { title: Activity::Sweep, ..outline(names, 3) });
    for (load, workload) in loads.iter().enumerate() {
        for entry in 0..5 {
            let late = load > 9 && entry != 2;
            let (verdict, p99) = match late {
                true => (Verdict::Overloaded, Time::AtLeast { at_least: 1400 * MS }),
                false => (Verdict::Ok, Time::Exact((40 + 70 * load as u64 * load as u64) * 1000)),
            };
            let result = result(&workload.name, &entries()[entry], verdict, Some(p99));
            session.play(start(load, entry, 1, workload), result);
        }
    }
    session.run(start(11, 5, 1, &loads[11]), 15_000_000, 0.999, 800 * MS);
    session
}

#[test]
fn a_sweep_of_twelve_rates_fits() {
    insta::assert_snapshot!(sweep().screen(80, 24));
}

#[test]
fn a_flood_has_no_due_times() {
    let loads = defaults();
    let mut session = Session::new(outline(loads.iter().map(|w| w.name.clone()).collect(), 3));
    session.run(start(2, 1, 1, &loads[2]), 9_000_000, 0.99, 1000 * MS);
    let current = session.state.current.as_ref().unwrap();
    assert_eq!(current.ages_ns(), None);
    assert_eq!(current.reading().unwrap().offered_per_s, None);
    let screen = session.screen(80, 24);
    assert!(screen.contains("flood") && screen.contains("no due times"));
}

#[test]
fn a_search_shows_the_highest_rate_sustained_so_far() {
    let steady = workload("steady", "100000", "response_p99");
    let mut session = Session::new(Outline {
        title: Activity::Capacity,
        loads: vec!["capacity".into()],
        entries: entries()[..3].to_vec(),
        extent: Extent::Searches { budget_ns: 60 * S },
    });
    assert_eq!(session.state.remaining_ns(session.now_ns), 180 * S);
    let probes = [(0, 1_000_000, true), (0, 10_000_000, false), (0, 3_000_000, true)];
    for (entry, rate, held) in probes.into_iter().chain([(1, 1_000_000, false)]) {
        session.add(Event::Begin(Box::new(start(0, entry, 1, &steady.at_rate(rate)))));
        session.now_ns += 2 * S;
        let verdict = match (held, rate) {
            (true, _) => Verdict::Ok,
            (false, 10_000_000) => Verdict::Invalid,
            (false, _) => Verdict::Overloaded,
        };
        let mut result = result("steady", &entries()[entry], verdict, Some(Time::Exact(80_000)));
        if !held {
            result.reasons = Reason::BacklogGrew { share: 0.5 }.into();
        }
        let sustained_per_s = held.then_some(rate);
        let ended = Ended { result, line: String::new(), sustained_per_s };
        session.add(Event::End(Box::new(ended)));
    }
    // The second has used 2 of its 60 s, and one is to come.
    assert_eq!(session.state.remaining_ns(session.now_ns), 118 * S);
    // A search overloads its clients on purpose: that is no warning.
    assert_eq!(session.state.notices.len(), 1);
    let screen = session.screen(80, 24);
    assert!(screen.contains("✓ 3 probes, sustains 3 000 000/s"), "{screen}");
}

#[test]
fn rates_and_ages_are_computed_from_counts_and_the_timetable() {
    let steady = workload("steady", "100000", "response_p99");
    let mut session = Session::new(outline(vec!["steady".into()], 1));
    session.run(start(0, 0, 1, &steady), 100_000, 0.8, 1500 * MS);
    let current = session.state.current.as_ref().unwrap();
    let reading = current.reading().unwrap();
    let near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.01;
    assert!(near(reading.offered_per_s.unwrap(), 100_000.0), "{reading:?}");
    assert!(near(reading.written_per_s, 100_000.0) && near(reading.processed_per_s, 80_000.0));
    assert!(near(reading.client_cpus, 0.5) && near(reading.server_cpus, 1.0));
    assert_eq!(current.waiting(), Some(30_000));
    // With four fifths processed, the oldest has waited a fifth of the time: within
    // the window from 0.5 to 1.5 s it was 0.1 to 0.3 s.
    let [p50, p99] = current.ages_ns().unwrap();
    assert!(near(p50 as f64, 200e6) && near(p99 as f64, 298e6), "{p50} {p99}");
    assert_eq!(current.phase(session.now_ns), Phase::Measuring(S));
    let last = current.steps.back().unwrap();
    let layers = last.backlog.layers().map(|(_, ticks)| ticks);
    assert_eq!(layers, [0.0, 0.0, 10_000.0, 10_000.0, 10_000.0]);
}

#[test]
fn the_age_is_zero_if_every_due_tick_is_processed() {
    let steady = workload("steady", "100000", "response_p99");
    let mut session = Session::new(outline(vec!["steady".into()], 1));
    // Past the end of the load, with the tick that is due at each snapshot processed.
    let start_ns = session.now_ns;
    session.add(Event::Begin(Box::new(start(0, 0, 1, &steady))));
    for since_ns in (0..=2600 * MS).step_by(20 * MS as usize) {
        let generated = (100_000 * since_ns / S + 1).min(250_000);
        session.add(snapshot(start_ns, since_ns, generated, generated));
    }
    assert_eq!(session.state.current.as_ref().unwrap().ages_ns(), Some([0, 0]));
}

#[test]
fn the_remaining_time_uses_the_overhead_of_earlier_rounds() {
    let steady = workload("steady", "100000", "response_p99");
    let mut session = Session::new(outline(vec!["steady".into()], 2));
    // 14 rounds of 2.5 s, and 0.7 s besides until something else is known.
    assert_eq!(session.state.remaining_ns(session.now_ns), 14 * 3200 * MS);
    let good = || result("steady", "async-std", Verdict::Ok, Some(Time::Exact(1000)));
    session.play(start(0, 0, 1, &steady), good());
    session.play(start(0, 1, 1, &steady), good());
    assert_eq!(session.state.remaining_ns(session.now_ns), 12 * 2800 * MS);
    // A round that ends at once says nothing about the others.
    session.add(Event::Begin(Box::new(start(0, 2, 1, &steady))));
    let broken = RoundResult { measurement: None, verdict: Verdict::Failed, ..good() };
    session.add(end(broken));
    session.play(start(0, 3, 1, &steady), good());
    assert_eq!(session.state.remaining_ns(session.now_ns), 10 * 2800 * MS);
    session.add(Event::Begin(Box::new(start(0, 4, 1, &steady))));
    session.now_ns += S;
    assert_eq!(session.state.remaining_ns(session.now_ns), 10 * 2800 * MS - S);
}

#[test]
fn lines_on_stderr_and_reasons_are_warnings() {
    let mut session = comparison();
    session.add(Event::Stderr("somebody else wrote this".into()));
    let lines: Vec<String> = session.state.notices.iter().map(|n| n.to_string()).collect();
    assert_eq!(
        lines,
        [
            "somebody else wrote this",
            "floor · overload-500k: failed: the client was killed by SIGSEGV",
            "js-sim · overload-500k: overloaded: its backlog grew by 94.0 % of the offered load",
            "glommio · steady: noisy: other processes used 0.31 CPUs meanwhile: stop them, or choose other CPUs with --server-cpus and --client-cpus (7 times)",
        ]
    );
}
