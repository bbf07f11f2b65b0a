//! `harness publish`: pages and files of saved campaigns, the tables of the
//! README, and the index of all.

use crate::archive::Archive;
use crate::classic::{self, Findings, page, text};
use crate::cli::PublishArgs;
use crate::export::{hlog, journeys, tidy};
use crate::index::{self, Classic, Entry};
use crate::saved::Kind;
use crate::splice::{self, Part};
use crate::store::{self, Press};
use crate::{cmd, console, listing, report};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Publishes campaigns, and runs of `harness classic`. Everything is read before anything is written.
///
/// # Errors
/// Folders that are no campaigns, or are damaged; a file that cannot be written.
pub fn run(args: &PublishArgs) -> Result<u8> {
    let (runs, campaigns): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.campaigns.iter().partition(|dir| is_classic(dir));
    let archives: Vec<Archive> =
        campaigns.iter().map(|dir| Archive::open(dir)).collect::<Result<_>>()?;
    let mut files = Vec::new();
    for archive in &archives {
        files.extend(of_campaign(archive, args.journeys)?);
    }
    for dir in &runs {
        files.extend(of_classic(dir, &classic::read(dir)?, args.journeys)?);
    }
    if let Some(path) = &args.splice {
        files.push((path.clone(), spliced(path, &archives)?.into_bytes()));
    }
    if !args.no_index {
        let dirs = archives.iter().map(Archive::dir).chain(runs.iter().map(|dir| dir.as_path()));
        let folders: BTreeSet<PathBuf> = dirs.filter_map(folder).collect();
        for folder in &folders {
            let (entries, classics) = (entries(folder, &archives)?, classics(folder)?);
            let readme = folder.join("README.md");
            own(&readme)?;
            files.push((readme, index::markdown(&entries, &classics).into_bytes()));
            files.push((folder.join("index.html"), index::page(&entries, &classics).into_bytes()));
        }
    }
    let mut press = Press::new(args.check);
    for (path, bytes) in &files {
        press.put(path, bytes)?;
    }
    Ok(say(&press, args.check))
}

/// The files of one campaign.
fn of_campaign(archive: &Archive, with_journeys: bool) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let (dir, campaign) = (archive.dir(), &archive.campaign);
    let mut files = vec![
        (dir.join("table.md"), listing::markdown(campaign).into_bytes()),
        (dir.join("rows.csv"), tidy::csv(campaign).into_bytes()),
        (dir.join("report.html"), report::html(archive)?.into_bytes()),
    ];
    // The probes of a search are too short to look at one by one.
    if campaign.kind != Kind::Capacity {
        let logs = hlog::logs(archive)?.into_iter();
        files.extend(logs.map(|log| {
            (dir.join("hlog").join(format!("{}.hlog", log.workload)), log.text.into_bytes())
        }));
    }
    if with_journeys {
        let mut table = Vec::new();
        journeys::parquet(archive, &mut table)?;
        files.push((dir.join("journeys.parquet"), table));
    }
    Ok(files)
}

/// The file with the newest tables of each part between its markers.
fn spliced(path: &Path, archives: &[Archive]) -> Result<String> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("--splice {shown}"))?;
    let base = path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
    let block = |part: Part| {
        let fitting = archives.iter().filter(|archive| part.is_of(&archive.campaign));
        let newest = fitting.max_by(|a, b| a.campaign.started.cmp(&b.campaign.started))?;
        let dir = newest.dir().canonicalize().unwrap_or_else(|_| newest.dir().to_owned());
        let below = base.as_ref().and_then(|base| dir.strip_prefix(base).ok());
        let link = below.map_or(newest.name(), |below| below.display().to_string());
        Some(splice::block(part, &newest.campaign, &link))
    };
    splice::splice(&text, block).with_context(|| format!("--splice {shown}"))
}

/// Whether a folder is one of `harness classic`.
fn is_classic(dir: &Path) -> bool {
    dir.join(classic::DATA).exists()
}

/// The files of a run of `harness classic`: its report, and those of its campaigns.
pub(super) fn of_classic(
    dir: &Path,
    findings: &Findings,
    with_journeys: bool,
) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = vec![
        (dir.join(classic::OBJECT), store::pretty(findings)?),
        (dir.join("classic.md"), text::markdown(findings).into_bytes()),
        (dir.join("classic.html"), page::page(findings).into_bytes()),
    ];
    for table in findings.experiments.iter().filter(|table| !table.rows.is_empty()) {
        let archive = Archive::open(&dir.join(&table.name))?;
        files.extend(of_campaign(&archive, with_journeys)?);
    }
    Ok(files)
}

/// The folder that a campaign lies in.
fn folder(dir: &Path) -> Option<PathBuf> {
    dir.canonicalize().ok()?.parent().map(Path::to_owned)
}

/// All published runs of `harness classic` of a folder.
fn classics(folder: &Path) -> Result<Vec<Classic>> {
    let mut all = Vec::new();
    for item in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let dir = item?.path();
        if !(is_classic(&dir) && dir.join(classic::OBJECT).exists()) {
            continue;
        }
        let name = dir.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        // Without the path of this machine.
        let why = |error: anyhow::Error| {
            format!("{error:#}").replace(&*dir.to_string_lossy(), name.as_str())
        };
        let findings = classic::read(&dir).map_err(why);
        all.push(Classic { name, findings });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// All published campaigns of a folder, those among them that are being published.
fn entries(folder: &Path, archives: &[Archive]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for item in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let dir = item?.path();
        let own = archives.iter().find(|a| a.dir().canonicalize().is_ok_and(|own| own == dir));
        // What has no page was run, but not published.
        let has = |file: &str| dir.join(file).exists();
        if own.is_none() && !(has("campaign.json") && has("report.html")) {
            continue;
        }
        let name = dir.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        let campaign = match own {
            Some(archive) => Ok(archive.campaign.clone()),
            None => Archive::open(&dir).map(|archive| archive.campaign),
        };
        // Without the path of this machine.
        let why = |error: anyhow::Error| {
            format!("{error:#}").replace(&*dir.to_string_lossy(), name.as_str())
        };
        let campaign = campaign.map_err(why);
        entries.push(Entry { name, campaign });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Whether an index may be written there: somebody's own README is not touched.
fn own(readme: &Path) -> Result<()> {
    match fs::read_to_string(readme) {
        Ok(text) if !text.starts_with(index::MADE) => bail!(
            "{} was not made by harness publish: move it away, or give --no-index",
            readme.display()
        ),
        _ => Ok(()),
    }
}

pub(super) fn say(press: &Press, check: bool) -> u8 {
    let verb = if check { "differs" } else { "written" };
    for path in press.changed() {
        console::say(format_args!("{verb}: {}", path.display()));
    }
    match (check, press.changed().is_empty()) {
        (true, false) => {
            console::say("not what the campaigns give: run harness publish without --check");
            cmd::EXIT_PARTIAL
        }
        (_, true) => {
            console::say("nothing to change");
            cmd::EXIT_MEASURED
        }
        _ => cmd::EXIT_MEASURED,
    }
}
