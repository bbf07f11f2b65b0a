//! From a directory of saved campaigns to the findings. The same directory gives the same
//! findings.

use super::checks::Experiments;
use super::data::Data;
use super::facts;
use super::files::{DATA, OBJECT, RUN};
use super::findings::{self, Findings, Run};
use super::saved;
use anyhow::{Context, Result, anyhow};
use bench_archive::archive::Archive;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Reads the directory of a run. What needs the stamps of a run that was published without them
/// is taken from its saved findings; the rest of those has to be what its campaigns give.
///
/// # Errors
/// When it is not one of `harness classic`, a file in it is missing or damaged, or its saved
/// findings are not those of its campaigns.
pub fn read(dir: &Path) -> Result<Findings> {
    let shown = dir.display();
    let text = fs::read_to_string(dir.join(DATA))
        .with_context(|| format!("{shown} is not a run of harness classic: it has no {DATA}"))?;
    let data = Data::parse(&text).with_context(|| format!("{shown}: {DATA}"))?;
    let run = fs::read(dir.join(RUN)).with_context(|| format!("{shown}: {RUN}"))?;
    let run: Run = serde_json::from_slice(&run).with_context(|| format!("{shown}: {RUN}"))?;
    let (experiments, lack_stamps) = experiments(dir, &data, &run)?;
    let found = findings::of(&data, &run, &experiments);
    match lack_stamps {
        true => settled(dir, &data, found),
        false => Ok(found),
    }
}

/// The measurements of all experiments, and whether some of them lack their stamps.
pub(crate) fn experiments(dir: &Path, data: &Data, run: &Run) -> Result<(Experiments, bool)> {
    let (mut experiments, mut lack_stamps) = (Experiments::new(), false);
    for experiment in &data.experiments {
        let of = dir.join(&experiment.name);
        let seen = match (of.join("campaign.json").exists(), run.missing.get(&experiment.name)) {
            (true, _) => {
                let archive = Archive::open(&of)?;
                lack_stamps |= archive.lacks_stamps();
                Ok(facts::read(&archive).with_context(|| of.display().to_string())?)
            }
            (false, Some(why)) => Err(why.clone()),
            (false, None) => Err("was not run: the run was interrupted before it".to_owned()),
        };
        experiments.insert(experiment.name.clone(), seen);
    }
    Ok((experiments, lack_stamps))
}

/// Findings without stamps, completed by the saved ones.
fn settled(dir: &Path, data: &Data, found: Findings) -> Result<Findings> {
    let path = dir.join(OBJECT);
    let shown = path.display().to_string();
    let bytes = fs::read(&path).with_context(|| shown.clone())?;
    let object: Value =
        serde_json::from_slice(&bytes).with_context(|| format!("{shown} is damaged"))?;
    saved::settle(data, found, &object).map_err(|why| anyhow!("{shown} {why}"))
}
