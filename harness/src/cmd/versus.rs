//! What `compare`, `capacity` and `sweep` do besides: compare with a baseline, check conditions,
//! save a baseline. What can be refused is refused before anything is measured.

use super::gate::{self, judge};
use crate::cli::RunArgs;
use crate::console;
use crate::exit::Exit;
use anyhow::{Result, bail};
use bench_archive::archive::Archive;
use bench_archive::baseline::{self, Baseline};
use bench_archive::campaign::{Kind, Request, Status};
use bench_archive::store;
use bench_core::load::congestion;
use bench_core::load::workload::Workload;
use bench_core::text::escape;
use bench_publish::compare::diff;
use bench_publish::compare::gate::condition::Condition;
use bench_publish::compare::gate::outcome::Outcome;
use bench_publish::compare::machines;
use bench_publish::compare::side::{Filter, Side};
use bench_publish::compare::terms::{self, Terms};
use bench_publish::compare::text;
use bench_rig::host::machine;
use bench_rig::programs::roster::Entry;
use bench_rig::programs::servers;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A campaign to compare with.
pub(super) struct Earlier {
    archive: Archive,
}

/// The directory of campaigns.
pub(super) fn out(root: &Path, args: &RunArgs) -> PathBuf {
    args.out.clone().unwrap_or_else(|| root.join("results"))
}

impl Earlier {
    /// Opens the baseline, if one is asked for.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub(super) fn open(root: &Path, args: &RunArgs) -> Result<Option<Self>> {
        let Some(name) = &args.versus.baseline else { return Ok(None) };
        let archive = Archive::open(&baseline::resolve(&out(root, args), name)?)?;
        Ok(Some(Self { archive }))
    }

    /// Its rates, if it is a sweep of this workload.
    pub(super) fn rates(&self, workload: &Workload) -> Option<Vec<u64>> {
        let all = self.archive.campaign.workloads.iter();
        let rates: Vec<u64> = all.filter_map(|swept| swept.rate_varied_from(workload)).collect();
        (!rates.is_empty()).then_some(rates)
    }

    /// Checks that it has at least one of these clients, and that both have the one that values
    /// are divided by, if one is named.
    ///
    /// # Errors
    /// When it has none, or one of them lacks that one.
    pub(super) fn knows(&self, clients: &[Entry], reference: Option<&str>) -> Result<()> {
        let campaign = &self.archive.campaign;
        let rows = campaign.rows.iter().map(|row| row.client.as_str());
        let names: BTreeSet<&str> =
            rows.chain(campaign.capacities.iter().map(|found| found.client.as_str())).collect();
        if !clients.iter().any(|client| names.contains(client.name.as_str())) {
            let names: Vec<&str> = names.into_iter().collect();
            bail!("--baseline: it has none of these clients, only {}", names.join(", "));
        }
        let Some(reference) = reference else { return Ok(()) };
        if !names.contains(reference) {
            let names: Vec<&str> = names.into_iter().collect();
            bail!("--across-machines {reference}: the baseline has only {}", names.join(", "));
        }
        if !clients.iter().any(|client| client.name == reference) {
            bail!("--across-machines {reference}: name it among the clients to be measured, too");
        }
        Ok(())
    }

    /// Checks that conditions on differences can be decided on this machine.
    ///
    /// # Errors
    /// When the baseline was measured on another one, and no ratios are asked for.
    fn is_of_this_machine(&self, conditions: &[Condition]) -> Result<()> {
        let here = machine::read(String::new());
        let differing = machines::differing(&self.archive.campaign.machine, &here);
        let condition = conditions.iter().find(|condition| condition.compares_figures());
        if let (Some(condition), [_, ..]) = (condition, &differing[..]) {
            let differing = differing.iter().map(ToString::to_string).collect::<Vec<_>>();
            bail!(
                "--fail-on {}: the baseline was measured on another machine ({}), so this cannot be decided: measure it again here, or compare ratios with --across-machines CLIENT",
                condition.text,
                differing.join("; ")
            );
        }
        Ok(())
    }
}

/// Checks that the campaign to be measured can be judged, and compared with the baseline.
///
/// # Errors
/// When it cannot.
pub(super) fn check(
    root: &Path,
    args: &RunArgs,
    earlier: Option<&Earlier>,
    (kind, request): (Kind, Option<&Request>),
    workloads: &[Workload],
) -> Result<()> {
    for condition in &args.versus.gate.fail_on {
        if condition.needs_baseline() && earlier.is_none() {
            bail!("--fail-on {}: needs --baseline, a campaign to compare with", condition.text);
        }
        if !condition.fits(kind) {
            bail!("--fail-on {}: `harness {}` does not measure that", condition.text, kind);
        }
    }
    let Some(earlier) = earlier else { return Ok(()) };
    if args.versus.across_machines.is_none() {
        earlier.is_of_this_machine(&args.versus.gate.fail_on)?;
    }
    let archive = &earlier.archive;
    let side = Side::of(archive);
    let recorded = |w: &Workload| w.tape.as_ref().map(|recording| Arc::clone(&recording.tape));
    let server = servers::select(root, &args.server, args.style.map(|style| style.0))?.served_by;
    let default = machine::default_congestion();
    let congestion = |w: &Workload| {
        Some((w.name.clone(), congestion::in_force(w, default.as_deref())?.to_owned()))
    };
    let new = Terms {
        name: "this campaign",
        kind,
        server: &server,
        contract: contract::VERSION,
        workloads: workloads.iter().map(|w| (w, recorded(w))).collect(),
        congestion: workloads.iter().filter_map(congestion).collect(),
        request,
    };
    terms::agree(&Terms::of(&side), &new, &Filter::default())?;
    let is_new = |name: &String| workloads.iter().any(|workload| workload.name == *name);
    let names: Vec<&String> = archive.campaign.workloads.iter().map(|w| &w.name).collect();
    if !names.iter().any(|name| is_new(name)) {
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        bail!("--baseline: it has none of these workloads, only {}", names.join(", "));
    }
    Ok(())
}

/// Compares the campaign, as it was saved, with the baseline, and judges it; then saves it as a
/// baseline, if asked for. Returns the exit code; `measured` is that of the campaign itself.
///
/// # Errors
/// When the campaign cannot be read back, compared, or saved as a baseline.
pub(super) fn after(
    root: &Path,
    args: &RunArgs,
    earlier: Option<&Earlier>,
    dir: &Path,
    measured: Exit,
) -> Result<Exit> {
    let asked = &args.versus;
    let to_do =
        earlier.is_some() || !asked.gate.fail_on.is_empty() || asked.save_baseline.is_some();
    if measured == Exit::Interrupted || !to_do {
        if to_do {
            log::info!(
                "interrupted: not compared with the baseline, no condition checked, no baseline saved"
            );
        }
        return Ok(measured);
    }
    let new = Archive::open(dir)?;
    let gated = match earlier {
        Some(earlier) => {
            let (a, b) = (Side::of(&earlier.archive), Side::of(&new));
            let filter = Filter { reference: asked.across_machines.clone(), ..Filter::default() };
            let mut diff = diff::compare(&a, &b, &filter)?;
            judge(&asked.gate.fail_on, &new, &mut diff);
            print(args, &text::terminal(&diff));
            gate::exit(&diff)
        }
        None => {
            let all: Vec<Outcome> =
                asked.gate.fail_on.iter().map(|c| c.judge(&new.campaign, None)).collect();
            all.iter().for_each(|outcome| {
                print(args, &format!("gate: {}\n", escape::terminal(&outcome.to_string())))
            });
            if all.iter().all(|outcome| outcome.holds) { Exit::Done } else { Exit::Condition }
        }
    };
    match &asked.save_baseline {
        Some(name) if gated == Exit::Condition => {
            log::info!("baseline {name}: not saved, as a condition does not hold");
        }
        Some(name) => save_as_baseline(&out(root, args), name, &new)?,
        None => {}
    }
    Ok(if gated == Exit::Condition { gated } else { measured })
}

/// Prints on standard output, unless the object of `--json` goes there.
fn print(args: &RunArgs, text: &str) {
    match args.json.as_deref() == Some(Path::new("-")) {
        true => log::info!("{}", text.trim_end()),
        false => console::print(text),
    }
}

fn save_as_baseline(out: &Path, name: &str, new: &Archive) -> Result<()> {
    if new.campaign.status != Status::Complete {
        bail!("--save-baseline {name}: the campaign is incomplete, so it is no baseline");
    }
    let baseline = Baseline {
        schema: baseline::SCHEMA,
        campaign: new.name(),
        commit: new.campaign.commit.clone(),
        started: new.campaign.started.clone(),
    };
    let replaced = baseline::file(out, name).exists();
    store::save_baseline(out, name, &baseline)?;
    let verb = if replaced { "replaced" } else { "saved" };
    log::info!("baseline {name} {verb}: {}", baseline.campaign);
    Ok(())
}
