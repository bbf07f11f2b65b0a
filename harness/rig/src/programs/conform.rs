//! Plays the conformance cases with built clients: all of them for `harness check`, the quick
//! ones before a campaign.

use super::build::{Built, Programs};
use super::roster::Entry;
use crate::host::processes::environment::Environment;
use crate::host::processes::guard::Guard;
use anyhow::Result;
use bench_core::analysis::verdict::reason::Reason;
use conformance::{CASES, Candidate, Case, Claims, Finding, Pace, Program};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// What a client's `client.toml` says about it; a variant keeps the client's name.
fn claims(entry: &Entry) -> Claims {
    Claims { name: entry.client.clone(), class: entry.class }
}

/// Plays cases with one client, `jobs` at a time, and returns the findings in the order of the
/// cases: `None` for those that had not been played when `interrupted` was set.
#[must_use]
pub fn play(
    entry: &Entry,
    argv: &[String],
    cases: &[&'static Case],
    (jobs, guard, interrupted): (usize, &Guard, &AtomicBool),
    report: &(dyn Fn(&Case, &Finding) + Sync),
) -> Vec<Option<Finding>> {
    let args: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    let env: Vec<(&str, &str)> =
        entry.recipe.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let program = Program { path: &argv[0], args: &args, dir: Some(&entry.recipe.dir), env: &env };
    let claims = claims(entry);
    let (next, findings) = (AtomicUsize::new(0), Mutex::new(vec![None; cases.len()]));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let candidate = Candidate { program, claims: &claims, keeper: guard };
                while !interrupted.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = cases.get(number) else { return };
                    let finding = case.play(&candidate);
                    report(case, &finding);
                    findings.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(finding);
                }
            });
        }
    });
    findings.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Plays the quick cases with each client before a campaign. A client that fails one is not
/// measured, and its rows say why. A client that is not available reports that itself in
/// its first round.
///
/// # Errors
/// When no guard can be started.
pub fn exclude_failing(
    entries: &[Entry],
    programs: &mut Programs,
    environment: &Environment,
    interrupted: &AtomicBool,
) -> Result<()> {
    let guard = Guard::start(environment.clone())?;
    let jobs = available_parallelism().map_or(1, usize::from);
    let quick: Vec<&Case> = CASES.iter().filter(|case| case.pace == Pace::Quick).collect();
    for entry in entries {
        let Some(Built::Program(argv)) = programs.clients.get(&entry.name) else { continue };
        let findings = play(entry, argv, &quick, (jobs, &guard, interrupted), &|_, _| {});
        let failed = quick.iter().zip(findings).find_map(|(case, finding)| match finding {
            Some(Finding::Failed(detail)) => Some((case, detail)),
            _ => None,
        });
        if let Some((case, detail)) = failed {
            let (client, case) = (entry.name.clone(), case.name.to_owned());
            let reason = Reason::Conformance { client, case, detail };
            log::warn!("{}: {reason}", entry.name);
            programs.clients.insert(entry.name.clone(), Built::Failing(reason));
        } else {
            log::debug!("{}: passed {} quick cases", entry.name, quick.len());
        }
    }
    Ok(())
}
