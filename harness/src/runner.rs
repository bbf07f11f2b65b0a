//! Runs rounds one by one and says how each came out: what `compare`, `sweep` and
//! `capacity` have in common.

use crate::affinity::{CpuList, Placement};
use crate::builder::{Built, Programs};
use crate::checksums::Checksums;
use crate::console;
use crate::guard::Guard;
use crate::measure;
use crate::plan::{Plan, Timing};
use crate::record::Record;
use crate::roster::Entry;
use crate::round::{self, Outcome, Setup};
use crate::rows::RoundResult;
use crate::secrecy;
use crate::servers::{Paces, ServedBy};
use crate::verdict::{self, Verdict};
use crate::verify;
use crate::watch::Onlooker;
use crate::workload::Workload;
use anyhow::Result;
use contract::Credentials;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tick::Tape;

/// Who runs, on what, with what.
pub struct Stage {
    /// Clients and variants.
    pub entries: Vec<Entry>,
    /// The server that all of them are run against.
    pub served_by: ServedBy,
    /// What was built.
    pub programs: Programs,
    /// CPUs that there were to choose from.
    pub allowed: CpuList,
    /// Who runs where.
    pub placement: Placement,
    /// Of the market, of random gaps, and of the order of rounds.
    pub seed: u64,
}

/// A round that was run.
pub struct Played {
    /// How it came out.
    pub result: RoundResult,
    /// What it was run by.
    pub plan: Plan,
    /// All that it gave, if it ran.
    pub record: Option<Box<Record>>,
}

/// Runs rounds on a stage.
pub struct Runner<'a> {
    stage: &'a Stage,
    interrupted: &'a AtomicBool,
    guard: Guard,
    /// Of the market with each recording, and without one.
    checksums: Vec<(Option<Arc<Tape>>, Checksums)>,
    /// What the server shows under TLS, once it has been asked for.
    credentials: Option<Credentials>,
}

impl<'a> Runner<'a> {
    /// Starts a guard, which makes a private folder for meters.
    ///
    /// # Errors
    /// When that fails.
    pub fn new(stage: &'a Stage, interrupted: &'a AtomicBool) -> Result<Self> {
        let guard = Guard::start()?;
        Ok(Self { stage, interrupted, guard, checksums: Vec::new(), credentials: None })
    }

    /// The seed of the stage.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.stage.seed
    }

    /// Who says when a tick is made.
    #[must_use]
    pub fn paces(&self) -> Paces {
        self.stage.served_by.paces
    }

    /// Runs one round; `None`: the user broke it off.
    ///
    /// # Errors
    /// When the harness itself cannot go on.
    pub fn play(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut Onlooker<'_>,
    ) -> Result<Option<Played>> {
        let plan = Plan::new(workload, entry.class, self.stage.seed, timing)?
            .paced_by(self.stage.served_by.paces)
            .secured_by(self.credentials(workload)?);
        let outcome = match &self.stage.programs.clients[&entry.name] {
            Built::Unavailable(reason) => Outcome::Unavailable(reason.clone()),
            Built::Failing(reason) => Outcome::Failed(reason.clone()),
            Built::Program(_) if workload.tls && !entry.tls => {
                Outcome::Unavailable(secrecy::UNSPOKEN.to_owned())
            }
            Built::Program(words) => {
                console::detail(format_args!("{}: {}", plan.describe(), words.join(" ")));
                let setup = Setup {
                    server: &self.stage.programs.server,
                    server_dir: &self.stage.programs.server_dir,
                    client: words,
                    client_dir: &entry.dir,
                    plan: &plan,
                    placement: &self.stage.placement,
                };
                round::run(&setup, &mut self.guard, self.interrupted, live)?
            }
        };
        let strays = self.guard.end_strays();
        let mut result = RoundResult {
            workload: workload.name.clone(),
            client: entry.name.clone(),
            control: false,
            round: 1,
            verdict: Verdict::Failed,
            reason: None,
            remarks: Vec::new(),
            measurement: None,
        };
        let record = match outcome {
            Outcome::Ran(record) => {
                // What a backlog broke off is judged by what was seen of it.
                let seen = record.overflow().and_then(|_| plan.until(record.seen_ns()));
                let seen = seen.as_ref().unwrap_or(&plan);
                let audit = verify::audit(&record, seen, self.checksums(workload));
                result.measurement = measure::measure(&record, seen);
                let judgement = verdict::judge(&audit, result.measurement.as_ref(), &record, seen);
                result.verdict = judgement.verdict;
                result.reason = judgement.reason;
                result.remarks = judgement.remarks;
                Some(record)
            }
            Outcome::Unavailable(reason) => {
                result.verdict = Verdict::Unavailable;
                result.reason = Some(reason);
                None
            }
            Outcome::Failed(reason) => {
                result.reason = Some(reason);
                None
            }
            Outcome::Interrupted => return Ok(None),
        };
        if strays > 0 {
            result.remarks.push(format!(
                "left behind: {strays} of its processes had left its group, and were ended after the round"
            ));
        }
        for remark in &result.remarks {
            console::detail(format_args!("{} · {}: {remark}", workload.name, entry.name));
        }
        Ok(Some(Played { result, plan, record }))
    }

    /// The certificate of this campaign, made when the first round needs it.
    fn credentials(&mut self, workload: &Workload) -> Result<Option<Credentials>> {
        if workload.tls && self.credentials.is_none() {
            self.credentials = Some(secrecy::certify(self.guard.room())?);
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
