//! Campaigns on made-up rounds: no process, no socket, no waiting.

mod counters;
mod repeats;
mod search;

use super::order::Blocks;
use super::progress::{Extent, Outline, Probed, Progress, RoundStart};
use super::rounds::Rounds;
use super::run;
use super::running::REPEATS;
use super::scheme::Scheme;
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Request, SCHEMA, Status};
use bench_archive::store::Store;
use bench_archive::unsaved::Unsaved;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::round::measure::{Measurement, Rates};
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons, Unavailability};
use bench_core::load::plan::{Plan, Timing};
use bench_core::load::server::{Paces, ServedBy};
use bench_core::load::workload::{Rate, Workload};
use bench_core::record::counters::{Count, Counter, Counts, Missing, NotCounted};
use bench_core::record::machine::Machine;
use bench_core::record::placement::Placed;
use bench_core::record::snapshot::Snapshot;
use bench_rig::programs::needs::Needs;
use bench_rig::programs::recipe::{Build, Recipe};
use bench_rig::programs::roster::Entry;
use bench_rig::round::runner::{Counted, Played};
use bench_rig::round::watch::OnSnapshot;
use contract::Class;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const TIMING: Timing =
    Timing { warmup_ns: 200_000_000, measure_ns: 600_000_000, grid_ns: 20_000_000, samples: 100 };

/// Plays rounds with the outcomes that `script` gives for the n-th (from 0); `None`: interrupted.
struct Fake<F> {
    script: F,
    /// The p99 of the n-th round, of a client.
    p99_ns: fn(usize, &str) -> u64,
    played: Vec<(String, String)>,
}

impl<F> Fake<F> {
    fn new(script: F) -> Self {
        Self { script, p99_ns: |_, _| 50_000, played: Vec::new() }
    }
}

/// A verdict, with reasons unless it is ok.
type Outcome = (Verdict, Reasons);

impl<F: FnMut(usize, &str, u64) -> Option<Outcome>> Rounds for Fake<F> {
    fn play(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Played>> {
        let Some(Rate::PerSecond(rate_per_s)) = workload.rate_per_s else { panic!("no rate") };
        let script = (self.script)(self.played.len(), &entry.name, rate_per_s);
        let Some((verdict, reasons)) = script else { return Ok(None) };
        let p99_ns = (self.p99_ns)(self.played.len(), &entry.name);
        self.played.push((workload.name.clone(), entry.name.clone()));
        live(0, &Snapshot::default());
        let measurement = match verdict {
            Verdict::Failed | Verdict::Unavailable => None,
            verdict => Some(measurement(verdict, rate_per_s as f64, p99_ns)),
        };
        let result = RoundResult {
            workload: workload.name.clone(),
            client: entry.name.clone(),
            control: false,
            round: 1,
            repeat: 0,
            disturbances: Vec::new(),
            verdict,
            reasons,
            remarks: Vec::new(),
            measurement,
        };
        let plan = Plan::new(workload, entry.class, 1, timing)?;
        Ok(Some(Played { result, plan, record: None }))
    }

    fn count(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Counted>> {
        let played = self.play(entry, workload, timing, live)?;
        Ok(played.map(|Played { result, .. }| {
            let is_measured = result.verdict.is_measured();
            Counted { result, counts: is_measured.then(counts) }
        }))
    }
}

/// Three system calls for two ticks, and no hardware counters.
fn counts() -> Counts {
    let system_calls = Count {
        counter: Counter::SystemCalls,
        count: 3000,
        enabled_ns: 9,
        running_ns: 9,
        user_space_only: false,
    };
    Counts {
        processed: 2000,
        counted: vec![system_calls],
        not_counted: vec![Missing { counter: Counter::Cycles, why: NotCounted::NoHardware }],
    }
}

/// A client that keeps up, or one that processes half.
fn measurement(verdict: Verdict, rate_per_s: f64, p99_ns: u64) -> Measurement {
    let share = if verdict == Verdict::Overloaded { 0.5 } else { 1.0 };
    let time = Time::Exact(p99_ns);
    Measurement {
        rates: Rates {
            offered_per_s: Some(rate_per_s),
            generated_per_s: rate_per_s,
            processed_per_s: rate_per_s * share,
            ..Rates::default()
        },
        efficiency: Some(share),
        backlog_growth_per_s: rate_per_s * (1.0 - share),
        backlog_growth_interval_per_s: [rate_per_s * (1.0 - share); 2],
        backlog_end: Backlog { client: rate_per_s * (1.0 - share), ..Backlog::default() },
        response_ns: Some(Quantiles { p50: time, p90: time, p99: time, p999: time, max: time }),
        ..Measurement::default()
    }
}

fn ok() -> Option<Outcome> {
    Some((Verdict::Ok, Reasons::default()))
}

fn noisy() -> Option<Outcome> {
    Some((Verdict::Noisy, Reason::StolenTime { share: 0.3 }.into()))
}

fn overloaded() -> Option<Outcome> {
    Some((Verdict::Overloaded, Reason::BacklogGrew { share: 0.5 }.into()))
}

#[derive(Default)]
struct Recorder {
    entries: Vec<String>,
    begun: Vec<String>,
    snapshots: usize,
    ended: usize,
    counted: usize,
    left_out: usize,
    more: usize,
    extent: Extent,
    probes: Vec<Probed>,
}

impl Progress for Recorder {
    fn plan(&mut self, outline: Outline) {
        self.entries = outline.entries;
        self.extent = outline.extent;
    }

    fn begin(&mut self, round: RoundStart) {
        self.begun.push(round.title);
    }

    fn snapshot(&mut self, _start_ns: u64, _snapshot: &Snapshot) {
        self.snapshots += 1;
    }

    fn end(&mut self, _result: &RoundResult) {
        self.ended += 1;
    }

    fn counted(&mut self, _round: &CountersRound) {
        self.counted += 1;
    }

    fn more(&mut self, rounds: usize) {
        self.more += rounds;
    }

    fn left_out(&mut self) {
        self.left_out += 1;
    }

    fn probed(&mut self, _result: &RoundResult, probe: Probed) {
        self.probes.push(probe);
    }
}

fn entry(name: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        class: Class::Library,
        runtime: "none".into(),
        why: "for tests".into(),
        tls: false,
        client: name.to_owned(),
        recipe: Recipe {
            dir: Path::new("/").to_owned(),
            build: Build::default(),
            command: None,
            env: BTreeMap::new(),
            args: Vec::new(),
            needs: Needs::default(),
        },
    }
}

fn workload(name: &str) -> Workload {
    let text =
        format!("name='{name}'\nwhy='w'\nread='r'\nrate_per_s=100000\nrank_by='response_p99'\n");
    toml::from_str(&text).unwrap()
}

fn scheme(blocks: Blocks, workloads: &[&str]) -> Scheme {
    Scheme {
        entries: ["a", "b", "c"].map(entry).to_vec(),
        paces: Paces::Schedule,
        seed: 7,
        controls: vec![1],
        workloads: workloads.iter().map(|name| workload(name)).collect(),
        rounds: 3,
        repeats: REPEATS,
        goal: None,
        budget: None,
        timing: TIMING,
        blocks,
        counters: false,
    }
}

fn campaign(request: Request, workloads: &[Workload]) -> Campaign {
    Campaign {
        schema: SCHEMA,
        kind: request.kind(),
        contract: contract::VERSION,
        status: Status::Running,
        started: "2026-11-28T00:00:00Z".into(),
        ended: None,
        command: String::new(),
        request: Some(request),
        seed: 7,
        commit: None,
        dirty: None,
        machine: Machine::default(),
        stolen_share: None,
        placement: Placed::Sentence(String::new()),
        jitter: Vec::new(),
        environment: None,
        toolchain: None,
        rounds: 3,
        warmup_s: 0.2,
        measure_s: 0.6,
        grid_ms: 20,
        server: ServedBy::default(),
        server_versions: Vec::new(),
        clients: BTreeMap::new(),
        workloads: workloads.to_vec(),
        rows: Vec::new(),
        noise: Vec::new(),
        rules: RowRules::AllPairs,
        endings: Vec::new(),
        counters_notes: Vec::new(),
        capacities: Vec::new(),
    }
}

fn comparison(counters: bool) -> Request {
    Request::Compare {
        control: "b".into(),
        controls: Vec::new(),
        goal: None,
        repeats: None,
        counters,
    }
}

/// A campaign in a directory of its own, run with a fake.
struct Ran {
    played: Vec<(String, String)>,
    progress: Recorder,
    campaign: Campaign,
    result: Result<()>,
    dir: tempfile::TempDir,
}

impl Ran {
    fn new(scheme: &Scheme, script: impl FnMut(usize, &str, u64) -> Option<Outcome>) -> Self {
        Self::with(scheme, Fake::new(script))
    }

    fn with<F: FnMut(usize, &str, u64) -> Option<Outcome>>(
        scheme: &Scheme,
        mut fake: Fake<F>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::create(dir.path(), "campaign", Path::new("/nowhere")).unwrap();
        let request = comparison(scheme.counters);
        let mut campaign = campaign(request, &scheme.workloads);
        let mut progress = Recorder::default();
        let result = run::run(scheme, &mut fake, &mut store, &mut campaign, &mut progress);
        Self { played: fake.played, progress, campaign, result, dir }
    }

    fn saved(&self) -> Archive {
        Archive::open(&self.dir.path().join("campaign")).unwrap()
    }
}

#[test]
fn a_comparison_plays_each_entry_once_per_block_and_saves_every_round() {
    let scheme = scheme(Blocks::OfClients, &["one", "two"]);
    let ran = Ran::new(&scheme, |_, _, _| ok());
    ran.result.as_ref().unwrap();
    assert_eq!(ran.progress.entries, ["a", "b", "c", "b (control)"]);
    for (index, block) in ran.played.chunks(4).enumerate() {
        let mut clients: Vec<&str> = block.iter().map(|(_, client)| client.as_str()).collect();
        clients.sort_unstable();
        assert_eq!(clients, ["a", "b", "b", "c"]);
        let expected = if index < 3 { "one" } else { "two" };
        assert!(block.iter().all(|(workload, _)| workload == expected));
    }
    assert_eq!((ran.progress.ended, ran.progress.snapshots, ran.played.len()), (24, 24, 24));
    let saved = ran.saved();
    assert_eq!(saved.rounds.len(), 24);
    assert_eq!(saved.rounds.iter().filter(|round| round.result.control).count(), 6);
    assert!(saved.campaign.rows.iter().all(|row| row.verdict == Verdict::Ok && row.rounds == 3));
    for workload in ["one", "two"] {
        assert!(saved.campaign.noise.iter().any(|noise| noise.workload == workload));
    }
}

#[test]
fn a_sweep_has_every_rate_in_each_block() {
    let scheme = scheme(Blocks::OfAll, &["one", "two"]);
    let ran = Ran::new(&scheme, |_, _, _| ok());
    for block in ran.played.chunks(8) {
        let mut pairs = block.to_vec();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), 6, "each client under each load; the control repeats `b`");
    }
}

#[test]
fn an_interrupted_comparison_keeps_its_completed_rounds() {
    let scheme = scheme(Blocks::OfClients, &["one"]);
    let ran = Ran::new(&scheme, |round, _, _| if round < 5 { ok() } else { None });
    ran.result.as_ref().unwrap();
    assert_eq!(ran.campaign.status, Status::Interrupted);
    let saved = ran.saved();
    assert_eq!((saved.rounds.len(), saved.campaign.rows.len()), (5, 3));
    assert!(saved.campaign.rows.iter().all(|row| row.verdict == Verdict::Ok));
}

#[test]
fn an_interrupted_comparison_lists_clients_without_a_round() {
    let scheme = scheme(Blocks::OfClients, &["one"]);
    let ran = Ran::new(&scheme, |_, _, _| None);
    let rows = &ran.campaign.rows;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.reasons == Reason::NotRun.into()), "{rows:?}");
}

#[test]
fn a_client_that_cannot_run_does_not_stop_the_others() {
    let missing = || {
        let why = Unavailability::MissingProgram { program: "node".into(), packages: Vec::new() };
        Some((Verdict::Unavailable, Reason::Unavailable { why }.into()))
    };
    let scheme = scheme(Blocks::OfClients, &["one"]);
    let ran = Ran::new(&scheme, |_, client, _| if client == "a" { missing() } else { ok() });
    let verdicts: Vec<(String, Verdict)> =
        ran.saved().campaign.rows.iter().map(|row| (row.client.clone(), row.verdict)).collect();
    let expected = [("a", Verdict::Unavailable), ("b", Verdict::Ok), ("c", Verdict::Ok)];
    for (client, verdict) in expected {
        assert!(verdicts.contains(&(client.to_owned(), verdict)), "{verdicts:?}");
    }
}

#[test]
fn a_comparison_that_cannot_be_saved_ends_and_keeps_its_rows() {
    let scheme = scheme(Blocks::OfClients, &["one"]);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(dir.path(), "campaign", Path::new("/nowhere")).unwrap();
    let request = comparison(false);
    let mut campaign = campaign(request, &scheme.workloads);
    let mut fake = Fake::new(|round, _: &str, _| {
        if round == 4 {
            std::fs::remove_dir_all(dir.path()).unwrap();
        }
        ok()
    });
    let mut progress = Recorder::default();
    let result = run::run(&scheme, &mut fake, &mut store, &mut campaign, &mut progress);
    assert!(result.unwrap_err().is::<Unsaved>());
    assert_eq!(fake.played.len(), 5, "nothing is measured after that");
    assert!(campaign.rows.iter().all(|row| row.verdict == Verdict::Ok), "{:?}", campaign.rows);
}
