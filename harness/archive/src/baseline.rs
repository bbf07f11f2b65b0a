//! Campaigns by name: directories, and baselines that were saved by `--save-baseline`.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The version of a baseline's file.
pub const SCHEMA: u32 = 1;
/// The directory of baselines, beside the campaigns.
pub const DIRECTORY: &str = "baselines";

/// A campaign that was given a name: the content of `baselines/NAME.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The version of this file.
    pub schema: u32,
    /// The name of the campaign's directory, beside that of baselines.
    pub campaign: String,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// When the campaign began, UTC.
    pub started: String,
}

/// Checks that a name can be that of a file.
///
/// # Errors
/// When it has other characters.
pub fn name(text: &str) -> Result<String, String> {
    let simple = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !text.is_empty() && !text.starts_with('.') && text.chars().all(simple) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits, `-`, `_` and `.` only, and no `.` first".into()),
    }
}

/// The file of a baseline.
#[must_use]
pub fn file(out: &Path, name: &str) -> PathBuf {
    out.join(DIRECTORY).join(format!("{name}.json"))
}

/// The directory of a campaign, by its path, by the name of a baseline, or by its name in
/// `out`.
///
/// # Errors
/// When there is none; the message lists all baselines.
pub fn resolve(out: &Path, given: &str) -> Result<PathBuf> {
    let path = Path::new(given);
    if path.join("campaign.json").exists() {
        return Ok(path.to_owned());
    }
    if name(given).is_ok() {
        let file = file(out, given);
        if file.exists() {
            return read(out, given, &file);
        }
        let below = out.join(given);
        if below.join("campaign.json").exists() {
            return Ok(below);
        }
    }
    if path.is_dir() {
        bail!("{given} is not a campaign: it has no campaign.json");
    }
    let known = known(out);
    let known = match known.is_empty() {
        true => "no baseline is saved; `harness compare --save-baseline NAME` saves one".to_owned(),
        false => format!("the baselines are {}", known.join(", ")),
    };
    bail!("`{given}` is neither the directory of a campaign nor a baseline: {known}");
}

fn read(out: &Path, name: &str, file: &Path) -> Result<PathBuf> {
    let text = fs::read(file).with_context(|| format!("baseline `{name}`"))?;
    let baseline: Baseline = serde_json::from_slice(&text).with_context(|| {
        format!("baseline `{name}`: its file is damaged: save it again with --save-baseline {name}")
    })?;
    if baseline.schema != SCHEMA {
        bail!(
            "baseline `{name}` is of schema {}, and this program reads schema {SCHEMA}: save it again with --save-baseline {name}",
            baseline.schema
        );
    }
    // A file from elsewhere must not lead out of the results.
    if self::name(&baseline.campaign).is_err() {
        bail!("baseline `{name}`: {:?} is not the directory of a campaign", baseline.campaign);
    }
    let dir = out.join(&baseline.campaign);
    if !dir.join("campaign.json").exists() {
        bail!(
            "baseline `{name}`: its campaign {} is gone: restore that directory, or save the baseline again with --save-baseline {name}",
            baseline.campaign
        );
    }
    Ok(dir)
}

/// The names of all baselines.
fn known(out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out.join(DIRECTORY)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .filter(|found| name(found).is_ok())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_their_directory() {
        for sound in ["main", "v1.2_rc-3"] {
            assert_eq!(name(sound).unwrap(), sound);
        }
        for wrong in ["", ".", "..", ".hidden", "a/b", "a b", "ä", "a\nb"] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    fn refused(given: &str, text: &str, expected: &str) {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join(DIRECTORY)).unwrap();
        fs::write(file(out.path(), "main"), text).unwrap();
        let error = format!("{:#}", resolve(out.path(), given).unwrap_err());
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }

    #[test]
    fn errors_say_what_is_missing_or_damaged() {
        let sound = |campaign: &str| {
            let schema = SCHEMA;
            format!(
                r#"{{"schema":{schema},"campaign":"{campaign}","commit":null,"started":"now"}}"#
            )
        };
        refused(
            "other",
            &sound("x"),
            "neither the directory of a campaign nor a baseline: the baselines are main",
        );
        refused("main", &sound("x"), "its campaign x is gone");
        refused("main", &sound("../x"), "is not the directory of a campaign");
        refused("main", "{", "is damaged");
        refused("main", &sound("x").replace(":1", ":9"), "of schema 9");
        let out = tempfile::tempdir().unwrap();
        let error = resolve(out.path(), "main").unwrap_err().to_string();
        assert!(error.contains("no baseline is saved"), "{error}");
    }

    #[test]
    fn paths_and_names_lead_to_campaigns() {
        let out = tempfile::tempdir().unwrap();
        let campaign = out.path().join("2026-x");
        fs::create_dir(&campaign).unwrap();
        fs::write(campaign.join("campaign.json"), "{}").unwrap();
        fs::create_dir(out.path().join(DIRECTORY)).unwrap();
        let baseline = Baseline {
            schema: SCHEMA,
            campaign: "2026-x".into(),
            commit: None,
            started: "now".into(),
        };
        fs::write(file(out.path(), "main"), serde_json::to_vec(&baseline).unwrap()).unwrap();
        for given in [campaign.to_str().unwrap(), "main", "2026-x"] {
            assert_eq!(resolve(out.path(), given).unwrap(), campaign, "{given}");
        }
    }
}
