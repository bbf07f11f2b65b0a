//! Runs rounds one by one and judges each: what `compare`, `sweep` and `capacity` have in
//! common.

use super::certificate;
use super::play::{self, Outcome, Setup};
use super::watch::OnSnapshot;
use crate::host::noise::accounts::Account;
use crate::host::processes::environment::Environment;
use crate::host::processes::guard::Guard;
use crate::programs::build::{Built, Programs};
use crate::programs::receipt::Whose;
use crate::programs::roster::Entry;
use anyhow::Result;
use bench_core::analysis::audit::audit;
use bench_core::analysis::audit::checksums::Checksums;
use bench_core::analysis::round::disturbances;
use bench_core::analysis::round::measure::measure;
use bench_core::analysis::round::own_work::{self, OwnWork};
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::judge::judge;
use bench_core::analysis::verdict::reason::{Reason, Reasons, Unavailability};
use bench_core::analysis::verdict::remark::Remark;
use bench_core::load::plan::{Plan, Timing};
use bench_core::load::server::{Paces, ServedBy};
use bench_core::load::workload::Workload;
use bench_core::record::counters::Counts;
use bench_core::record::cpus::CpuList;
use bench_core::record::environment::Padding;
use bench_core::record::overflow::Overflow;
use bench_core::record::placement::Placement;
use bench_core::record::round::Record;
use contract::Credentials;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tick::Tape;

/// What all rounds of a campaign have in common.
pub struct Stage {
    /// Clients and variants.
    pub entries: Vec<Entry>,
    /// The server that all rounds use.
    pub served_by: ServedBy,
    /// The built programs.
    pub programs: Programs,
    /// What their processes get of the harness's environment.
    pub environment: Environment,
    /// The CPUs that the harness may use.
    pub allowed: CpuList,
    /// Which CPUs server and client run on.
    pub placement: Placement,
    /// Seed of the market, of random gaps, of the order of rounds, and of the padding of
    /// environments.
    pub seed: u64,
}

/// A round that was run.
pub struct Played {
    /// Its verdict and numbers.
    pub result: RoundResult,
    /// The plan that it followed.
    pub plan: Plan,
    /// All that was recorded; `None` unless it ran to its end.
    pub record: Option<Box<Record>>,
}

/// A round that was run with counters.
pub struct Counted {
    /// Its verdict; its numbers are of no use.
    pub result: RoundResult,
    /// What was counted; `None` if its window was not observed.
    pub counts: Option<Counts>,
}

/// Runs and judges the rounds of a stage.
pub struct Runner<'a> {
    stage: &'a Stage,
    interrupted: &'a AtomicBool,
    guard: Guard,
    /// Rounds so far, whatever came of them.
    played: u64,
    /// Checksums of the market with each recording, and without one.
    checksums: Vec<(Option<Arc<Tape>>, Checksums)>,
    /// The server's certificate and key; `None` until a round needs TLS.
    credentials: Option<Credentials>,
    /// Clients whose hello was kept.
    kept: BTreeSet<String>,
}

impl<'a> Runner<'a> {
    /// Starts a guard, which creates a private directory for meters.
    ///
    /// # Errors
    /// When that fails.
    pub fn new(stage: &'a Stage, interrupted: &'a AtomicBool) -> Result<Self> {
        let guard = Guard::start(stage.environment.clone())?;
        let checksums = Vec::new();
        let (credentials, kept) = (None, BTreeSet::new());
        Ok(Self { stage, interrupted, guard, played: 0, checksums, credentials, kept })
    }

    /// Seed of the market, of random gaps, and of the order of rounds.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.stage.seed
    }

    /// Who decides when a tick is generated.
    #[must_use]
    pub fn paces(&self) -> Paces {
        self.stage.served_by.paces
    }

    /// Runs one round; `None`: the user interrupted it.
    ///
    /// # Errors
    /// When the harness itself cannot continue.
    pub fn play(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Played>> {
        self.round(entry, workload, timing, false, live)
    }

    /// Runs one round in which the client's events are counted. That costs time, so nothing
    /// that is timed in this round is of any use; `None`: the user interrupted it.
    ///
    /// # Errors
    /// When the harness itself cannot continue.
    pub fn count(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Counted>> {
        let played = self.round(entry, workload, timing, true, live)?;
        Ok(played.map(|Played { result, record, .. }| {
            let counts = record.and_then(|record| record.watched.counts);
            Counted { result, counts }
        }))
    }

    fn round(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        counters: bool,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Played>> {
        let padding = Padding::of_round(self.stage.seed, self.played);
        self.played += 1;
        let plan = Plan::new(workload, entry.class, self.stage.seed, timing)?
            .paced_by(self.stage.served_by.paces)
            .secured_by(self.credentials(workload)?);
        self.guard.reap_orphans();
        let account = Account::open(&self.stage.placement);
        let outcome = match &self.stage.programs.clients[&entry.name] {
            Built::Unavailable(why) => Outcome::Unavailable(why.clone()),
            Built::Failing(reason) => Outcome::Failed(reason.clone()),
            Built::Program(_) if workload.tls && !entry.tls => {
                Outcome::Unavailable(Unavailability::NoTls)
            }
            Built::Program(argv) => {
                log::debug!("{}: {}", plan.describe(), argv.join(" "));
                let setup = Setup {
                    server: self.stage.programs.server_program(),
                    server_inherits: self.stage.programs.server_inherits,
                    client: entry.recipe.program(argv),
                    padding,
                    plan: &plan,
                    placement: &self.stage.placement,
                    counters,
                };
                play::run(&setup, &self.guard, self.interrupted, live)?
            }
        };
        let processes = self.guard.end_strays();
        let others_ns = account.others_ns();
        let mut result = RoundResult {
            workload: workload.name.clone(),
            client: entry.name.clone(),
            control: false,
            round: 1,
            repeat: 0,
            disturbances: Vec::new(),
            verdict: Verdict::Failed,
            reasons: Reasons::default(),
            remarks: Vec::new(),
            measurement: None,
        };
        let record = match outcome {
            Outcome::Ran(mut record) => {
                let own = OwnWork {
                    others_ns,
                    left_behind: processes > 0,
                    left_its_cpus: record.watched.client_left_its_cpus,
                };
                let placement = &self.stage.placement;
                let mut all = disturbances::locate(&record, placement);
                let own_doing = own_work::remove(&mut all, own, placement);
                result.remarks.extend(own_doing.map(|why| Remark::OwnDoing { why }));
                record.watched.disturbances.clone_from(&all);
                result.disturbances = all;
                self.judge(&record, &plan, workload, &mut result);
                self.keep_hellos(entry, &record);
                Some(record)
            }
            Outcome::Unavailable(why) => {
                if matches!(why, Unavailability::Client { .. }) {
                    let receipts = &self.stage.programs.receipts;
                    receipts.unavailable(Whose::Client(&entry.name), &why);
                }
                result.verdict = Verdict::Unavailable;
                result.reasons = Reason::Unavailable { why }.into();
                None
            }
            Outcome::Failed(reason) => {
                result.reasons = reason.into();
                None
            }
            Outcome::Interrupted => return Ok(None),
        };
        if processes > 0 {
            result.remarks.push(Remark::LeftBehind { processes });
        }
        for remark in &result.remarks {
            log::debug!("{} · {}: {remark}", workload.name, entry.name);
        }
        Ok(Some(Played { result, plan, record }))
    }

    /// Keeps what server and client said of themselves, once for each client.
    fn keep_hellos(&mut self, entry: &Entry, record: &Record) {
        if self.kept.insert(entry.name.clone()) {
            let receipts = &self.stage.programs.receipts;
            let (hello, server) = (&record.hello, Whose::Server(&self.stage.served_by.name));
            receipts.started(Whose::Client(&entry.name), &hello.versions, Some(&hello.runtime));
            receipts.started(server, &record.server_versions, None);
        }
    }

    /// Audits, measures and judges a round that ran. One that a backlog ended early is judged by
    /// the part that was observed.
    fn judge(
        &mut self,
        record: &Record,
        plan: &Plan,
        workload: &Workload,
        result: &mut RoundResult,
    ) {
        let observed = Overflow::of(record).and_then(|_| plan.until(record.observed_ns()));
        let plan = observed.as_ref().unwrap_or(plan);
        let audit = audit(record, plan, self.checksums(workload));
        result.measurement = measure(record, plan);
        let judgement = judge(&audit, result.measurement.as_ref(), record, plan);
        result.verdict = judgement.verdict;
        result.reasons = judgement.reasons;
        result.remarks.extend(judgement.remarks);
    }

    /// The certificate of this campaign, created when the first round needs it.
    fn credentials(&mut self, workload: &Workload) -> Result<Option<Credentials>> {
        if workload.tls && self.credentials.is_none() {
            self.credentials = Some(certificate::certify(self.guard.dir())?);
        }
        Ok(self.credentials.clone().filter(|_| workload.tls))
    }

    fn checksums(&mut self, workload: &Workload) -> &Checksums {
        let tape = workload.tape.as_ref().map(|recording| Arc::clone(&recording.tape));
        let known = self.checksums.iter().position(|(of, _)| *of == tape);
        let index = known.unwrap_or_else(|| {
            let checksums = Checksums::new(self.stage.seed, tape.clone());
            self.checksums.push((tape, checksums));
            self.checksums.len() - 1
        });
        &self.checksums[index].1
    }
}
