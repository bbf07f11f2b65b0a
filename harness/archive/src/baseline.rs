//! Campaigns by name: folders, and baselines that `--save-baseline` remembered.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The version of a baseline's file.
pub const SCHEMA: u32 = 1;
/// The folder of baselines, beside the campaigns.
pub const FOLDER: &str = "baselines";

/// A remembered campaign: what `baselines/NAME.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The version of this file.
    pub schema: u32,
    /// The campaign's folder, beside the folder of baselines.
    pub campaign: String,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// When the campaign began, UTC.
    pub started: String,
}

/// A name that a file may have.
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
    out.join(FOLDER).join(format!("{name}.json"))
}

/// The folder of a campaign: a path, the name of a baseline, or that of a folder
/// below `out`.
///
/// # Errors
/// When there is none; then it says which baselines there are.
pub fn resolve(out: &Path, words: &str) -> Result<PathBuf> {
    let path = Path::new(words);
    if path.join("campaign.json").exists() {
        return Ok(path.to_owned());
    }
    if name(words).is_ok() {
        let file = file(out, words);
        if file.exists() {
            return read(out, words, &file);
        }
        let below = out.join(words);
        if below.join("campaign.json").exists() {
            return Ok(below);
        }
    }
    if path.is_dir() {
        bail!("{words} is no campaign: it has no campaign.json");
    }
    let known = known(out);
    let known = match known.is_empty() {
        true => "none is remembered; `harness compare --save-baseline NAME` does".to_owned(),
        false => format!("remembered are {}", known.join(", ")),
    };
    bail!("`{words}` is neither the folder of a campaign nor a baseline: {known}");
}

fn read(out: &Path, name: &str, file: &Path) -> Result<PathBuf> {
    let text = fs::read(file).with_context(|| format!("baseline `{name}`"))?;
    let baseline: Baseline = serde_json::from_slice(&text).with_context(|| {
        format!("baseline `{name}`: its file is damaged: save it anew by --save-baseline {name}")
    })?;
    if baseline.schema != SCHEMA {
        bail!(
            "baseline `{name}` is of schema {}, and this program reads schema {SCHEMA}: save it anew by --save-baseline {name}",
            baseline.schema
        );
    }
    // A file from elsewhere must not lead out of the results.
    if self::name(&baseline.campaign).is_err() {
        bail!("baseline `{name}`: {:?} is no folder of a campaign", baseline.campaign);
    }
    let dir = out.join(&baseline.campaign);
    if !dir.join("campaign.json").exists() {
        bail!(
            "baseline `{name}`: its campaign {} is gone: bring that folder back, or save the baseline anew by --save-baseline {name}",
            baseline.campaign
        );
    }
    Ok(dir)
}

/// The names of all baselines.
fn known(out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out.join(FOLDER)).into_iter().flatten().flatten();
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
    fn names_stay_within_their_folder() {
        for sound in ["main", "v1.2_rc-3"] {
            assert_eq!(name(sound).unwrap(), sound);
        }
        for wrong in ["", ".", "..", ".hidden", "a/b", "a b", "ä", "a\nb"] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    fn refused(words: &str, text: &str, expected: &str) {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join(FOLDER)).unwrap();
        fs::write(file(out.path(), "main"), text).unwrap();
        let error = format!("{:#}", resolve(out.path(), words).unwrap_err());
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }

    #[test]
    fn what_is_missing_or_damaged_says_so() {
        let sound = |campaign: &str| {
            let schema = SCHEMA;
            format!(
                r#"{{"schema":{schema},"campaign":"{campaign}","commit":null,"started":"now"}}"#
            )
        };
        refused(
            "other",
            &sound("x"),
            "neither the folder of a campaign nor a baseline: remembered are main",
        );
        refused("main", &sound("x"), "its campaign x is gone");
        refused("main", &sound("../x"), "is no folder of a campaign");
        refused("main", "{", "is damaged");
        refused("main", &sound("x").replace(":1", ":9"), "of schema 9");
        let out = tempfile::tempdir().unwrap();
        let error = resolve(out.path(), "main").unwrap_err().to_string();
        assert!(error.contains("none is remembered"), "{error}");
    }

    #[test]
    fn folders_and_names_lead_to_campaigns() {
        let out = tempfile::tempdir().unwrap();
        let campaign = out.path().join("2026-x");
        fs::create_dir(&campaign).unwrap();
        fs::write(campaign.join("campaign.json"), "{}").unwrap();
        fs::create_dir(out.path().join(FOLDER)).unwrap();
        let baseline = Baseline {
            schema: SCHEMA,
            campaign: "2026-x".into(),
            commit: None,
            started: "now".into(),
        };
        fs::write(file(out.path(), "main"), serde_json::to_vec(&baseline).unwrap()).unwrap();
        for words in [campaign.to_str().unwrap(), "main", "2026-x"] {
            assert_eq!(resolve(out.path(), words).unwrap(), campaign, "{words}");
        }
    }
}
