//! `harness publish`: pages and files of saved campaigns, the README's table and chart, and
//! the index.

use crate::cli::PublishArgs;
use crate::exit::Exit;
use anyhow::{Context, Error, Result, bail};
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind};
use bench_archive::hidden::Hidden;
use bench_archive::publication;
use bench_archive::store::{self, Files};
use bench_publish::evidence;
use bench_publish::export::{self, Format};
use bench_publish::index::{self, Classic, Entry};
use bench_publish::report::{self, share};
use bench_publish::splice;
use bench_publish::tables::across;
use bench_publish::text::small_charts;
use classic::Findings;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file to be written.
type Output = (PathBuf, Vec<u8>);

/// Publishes campaigns, and runs of `harness classic`. All of them are opened before anything
/// is written.
///
/// # Errors
/// Directories that are not campaigns', or are damaged; a file that cannot be written.
pub fn run(args: &PublishArgs) -> Result<Exit> {
    let (runs, campaigns): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.campaigns.iter().partition(|dir| is_classic(dir));
    let archives: Vec<Archive> =
        campaigns.iter().map(|dir| Archive::open(dir)).collect::<Result<_>>()?;
    let findings: Vec<Findings> =
        runs.iter().map(|dir| classic::read(dir)).collect::<Result<_>>()?;
    if !args.check {
        let experiments = runs.iter().zip(&findings).flat_map(|(dir, run)| experiments(dir, run));
        let dirs = archives.iter().map(|archive| archive.dir().to_owned()).chain(experiments);
        prepare(dirs, args.with_journeys)?;
    }
    if args.png {
        draw(&archives)?;
    }
    let mut outputs = Vec::new();
    for archive in &archives {
        outputs.extend(of_campaign(archive, args.parquet)?);
    }
    for (dir, findings) in runs.iter().zip(&findings) {
        outputs.extend(of_classic(dir, findings, args.parquet)?);
    }
    if let Some(path) = &args.splice {
        outputs.push(spliced(path, &archives)?);
    }
    if !args.no_index {
        let all = archives.iter().map(Archive::dir).chain(runs.iter().map(|dir| dir.as_path()));
        let parents: BTreeSet<PathBuf> = all.filter_map(parent).collect();
        for dir in &parents {
            outputs.extend(index_of(dir, &archives)?);
        }
    }
    let mut files = Files::new(args.check);
    for (path, bytes) in &outputs {
        files.put(path, bytes)?;
    }
    Ok(report(&files, args.check))
}

/// Draws the pictures for chats, before pages refer to them. `--check` leaves them out, as they
/// depend on the fonts of a machine.
fn draw(archives: &[Archive]) -> Result<()> {
    let mut files = Files::new(false);
    for archive in archives {
        if let Some(svg) = share::svg(&archive.campaign)? {
            let bytes = share::png(&svg).with_context(|| archive.name())?;
            files.put(&archive.dir().join(share::PNG), &bytes)?;
        }
    }
    Ok(())
}

/// Prepares directories for git, before their pages link what they have.
fn prepare(dirs: impl Iterator<Item = PathBuf>, with_journeys: bool) -> Result<()> {
    let mut files = Files::new(false);
    for dir in dirs {
        publication::prepare(&dir, with_journeys, &mut files)
            .with_context(|| dir.display().to_string())?;
    }
    if !files.changed().is_empty() {
        log::info!("prepared for git: {} files", files.changed().len());
    }
    Ok(())
}

/// The files of one campaign; if it was published without its stamps, those that need none.
fn of_campaign(archive: &Archive, with_parquet: bool) -> Result<Vec<Output>> {
    archive.check_stamps().with_context(|| archive.name())?;
    let mut formats = vec![Format::Markdown, Format::Csv, Format::Svg];
    // The probes of a search are too short for histograms of each.
    let has_logs = archive.campaign.kind != Kind::Capacity;
    let needs_stamps = [
        (Format::Html, report::shows_rounds(&archive.campaign), true),
        (Format::Charts, report::shows_rounds(&archive.campaign), true),
        (Format::Hlog, true, has_logs),
    ];
    for (format, needs_stamps, is_wanted) in needs_stamps {
        match archive.lacks_stamps() && needs_stamps {
            _ if !is_wanted => {}
            true => log::info!(
                "{}: published without its stamps, so its {format} files stay as they are",
                archive.name()
            ),
            false => formats.push(format),
        }
    }
    if with_parquet {
        formats.push(Format::Parquet);
    }
    let mut outputs = Vec::new();
    for format in formats {
        let files = export::exporter(format, small_charts::WIDTH).files(archive)?;
        outputs.extend(files.into_iter().map(|file| (archive.dir().join(file.path), file.bytes)));
    }
    let evidence = evidence::files(archive).with_context(|| archive.name())?;
    outputs.extend(evidence.into_iter().map(|file| (archive.dir().join(file.path), file.bytes)));
    Ok(outputs)
}

/// The file with the newest comparison between its markers.
fn spliced(path: &Path, archives: &[Archive]) -> Result<Output> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("--splice {shown}"))?;
    let base = path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
    let fitting = archives.iter().filter(|archive| across::is_ordinary(&archive.campaign));
    let newest = fitting.max_by(|a, b| a.campaign.started.cmp(&b.campaign.started));
    let newest = newest.with_context(|| {
        format!("--splice {shown}: none of these campaigns is a comparison of ordinary workloads")
    })?;
    let dir = newest.dir().canonicalize().unwrap_or_else(|_| newest.dir().to_owned());
    let below = base.as_ref().and_then(|base| dir.strip_prefix(base).ok());
    let link = below.map_or(newest.name(), |below| below.display().to_string());
    let block = splice::block(&newest.campaign, &link);
    let text = splice::splice(&text, &block).with_context(|| format!("--splice {shown}"))?;
    Ok((path.to_owned(), text.into_bytes()))
}

/// Whether a directory is one of `harness classic`.
fn is_classic(dir: &Path) -> bool {
    dir.join(classic::DATA).exists()
}

/// The files of a run of `harness classic`: its report, and those of its campaigns.
pub(super) fn of_classic(
    dir: &Path,
    findings: &Findings,
    with_parquet: bool,
) -> Result<Vec<Output>> {
    let mut outputs = vec![
        (dir.join(classic::OBJECT), store::pretty(findings)?),
        (dir.join("classic.md"), classic::text::markdown(findings).into_bytes()),
        (dir.join("classic.html"), classic::page::page(findings)?.into_bytes()),
    ];
    for experiment in experiments(dir, findings) {
        outputs.extend(of_campaign(&Archive::open(&experiment)?, with_parquet)?);
    }
    Ok(outputs)
}

/// The directories of its campaigns.
fn experiments(dir: &Path, findings: &Findings) -> Vec<PathBuf> {
    let run = findings.experiments.iter().filter(|table| !table.rows.is_empty());
    run.map(|table| dir.join(&table.name)).collect()
}

/// The directory that contains a campaign's directory.
fn parent(dir: &Path) -> Option<PathBuf> {
    dir.canonicalize().ok()?.parent().map(Path::to_owned)
}

/// The index of all published campaigns in a directory.
fn index_of(dir: &Path, archives: &[Archive]) -> Result<Vec<Output>> {
    let (mut entries, mut classics) = (Vec::new(), Vec::new());
    for item in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let dir = item?.path();
        let name = dir.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        // The index must not contain a path of this machine.
        let without_path = |error: Error| Hidden::new(&dir, &name).in_text(&format!("{error:#}"));
        if is_classic(&dir) && dir.join(classic::OBJECT).exists() {
            let findings = classic::read(&dir).map(about).map_err(without_path);
            classics.push(Classic { name: name.clone(), findings });
        } else if let Some(campaign) = published(&dir, archives) {
            let campaign = campaign.map_err(without_path);
            let has_stamps = publication::has_stamps(&dir);
            entries.push(Entry { name: name.clone(), campaign, has_stamps });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    classics.sort_by(|a, b| a.name.cmp(&b.name));
    let readme = dir.join("README.md");
    check_own(&readme)?;
    Ok(vec![
        (readme, index::markdown(&entries, &classics).into_bytes()),
        (dir.join("index.html"), index::page(&entries, &classics)?.into_bytes()),
    ])
}

/// What the index says about a run of `harness classic`.
fn about(findings: Findings) -> index::Findings {
    index::Findings {
        headline: findings.headline(),
        started: Some(findings.started),
        machine: findings.machine,
    }
}

/// The campaign of a directory, if it is published (it has a page) or is being published.
fn published(dir: &Path, archives: &[Archive]) -> Option<Result<Campaign>> {
    let own = archives.iter().find(|a| a.dir().canonicalize().is_ok_and(|own| own == dir));
    match own {
        Some(archive) => Some(Ok(archive.campaign.clone())),
        None if publication::is_published(dir) => {
            Some(Archive::open(dir).map(|archive| archive.campaign))
        }
        None => None,
    }
}

/// Checks that an index may be written there: a README from elsewhere is not overwritten.
fn check_own(readme: &Path) -> Result<()> {
    match fs::read_to_string(readme) {
        Ok(text) if !text.starts_with(index::MADE) => bail!(
            "{} was not written by harness publish: move it away, or give --no-index",
            readme.display()
        ),
        _ => Ok(()),
    }
}

/// Reports which files were written, or with `--check` would be.
pub(super) fn report(files: &Files, check: bool) -> Exit {
    let verb = if check { "differs" } else { "changed" };
    for path in files.changed() {
        log::info!("{verb}: {}", path.display());
    }
    match (check, files.changed().is_empty()) {
        (true, false) => {
            log::info!(
                "these files differ from their campaigns: run harness publish without --check"
            );
            Exit::Incomplete
        }
        (_, true) => {
            log::info!("all files are up to date");
            Exit::Done
        }
        _ => Exit::Done,
    }
}
