//! Plays the cases of the conformance suite with clients that were built: all of
//! them for `harness check`, the quick ones before a campaign.

use crate::builder::{Built, Programs};
use crate::console;
use crate::guard::Guard;
use crate::roster::Entry;
use crate::strays;
use anyhow::Result;
use conformance::{CASES, Candidate, Case, Claims, Finding, Keeper, Pace, Program};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Keeps the processes of cases that are played side by side.
pub struct Keep {
    guard: Mutex<Guard>,
    room: PathBuf,
}

impl Keep {
    /// Starts a guard.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn new() -> Result<Self> {
        let guard = Guard::start()?;
        Ok(Self { room: guard.room().to_owned(), guard: Mutex::new(guard) })
    }
}

impl Keeper for Keep {
    fn prepare(&self, command: &mut Command) {
        command.env(strays::MARK, &self.room);
    }

    fn room(&self) -> Option<&Path> {
        Some(&self.room)
    }

    fn started(&self, group: Pid) -> Result<()> {
        self.guard.lock().map_err(|_| anyhow::anyhow!("the guard has gone"))?.watch(group)
    }

    fn ending(&self, group: Pid) {
        if let Ok(mut guard) = self.guard.lock() {
            // It has gone only if the harness is going, too.
            let _ = guard.release(group);
        }
    }
}

/// What a client's `client.toml` claims; a variant keeps the name.
fn claims(entry: &Entry) -> Claims {
    let name = entry.name.split(':').next().unwrap_or_default();
    Claims { name: name.to_owned(), class: entry.class }
}

/// Plays cases with one client, `jobs` of them side by side, and gives the
/// findings in the order of the cases; those that were not played when
/// `interrupted` was set are missing at the end.
#[must_use]
pub fn play(
    entry: &Entry,
    words: &[String],
    cases: &[&'static Case],
    (jobs, keep, interrupted): (usize, &Keep, &AtomicBool),
    told: &(dyn Fn(&Case, &Finding) + Sync),
) -> Vec<Option<Finding>> {
    let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let program = Program { path: &words[0], args: &args, folder: Some(&entry.dir) };
    let claims = claims(entry);
    let (next, findings) = (AtomicUsize::new(0), Mutex::new(vec![None; cases.len()]));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let candidate = Candidate { program, claims: &claims, keeper: keep };
                while !interrupted.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = cases.get(number) else { return };
                    let finding = case.play(&candidate);
                    told(case, &finding);
                    if let Ok(mut findings) = findings.lock() {
                        findings[number] = Some(finding);
                    }
                }
            });
        }
    });
    findings.into_inner().unwrap_or_default()
}

/// Plays the quick cases with each client before a campaign: one that fails is
/// not measured, and its rows say why. One that is not available says so itself
/// in its first round.
///
/// # Errors
/// When there can be no guard.
pub fn sift(entries: &[Entry], programs: &mut Programs, interrupted: &AtomicBool) -> Result<()> {
    let keep = Keep::new()?;
    let quick: Vec<&Case> = CASES.iter().filter(|case| case.pace == Pace::Quick).collect();
    for entry in entries {
        let Some(Built::Program(words)) = programs.clients.get(&entry.name) else { continue };
        let findings = play(entry, words, &quick, (1, &keep, interrupted), &|_, _| {});
        let failed = quick.iter().zip(findings).find_map(|(case, finding)| match finding {
            Some(Finding::Failed(why)) => Some((case, why)),
            _ => None,
        });
        if let Some((case, why)) = failed {
            let reason = format!(
                "it fails the case `{}` of `harness check {}`: {why}",
                case.name, entry.name
            );
            console::warn(format_args!("{}: {reason}", entry.name));
            programs.clients.insert(entry.name.clone(), Built::Failing(reason));
        } else {
            console::detail(format_args!("{}: passed {} quick cases", entry.name, quick.len()));
        }
    }
    Ok(())
}
