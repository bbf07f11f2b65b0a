//! `harness new`: a small complete client from a template.

use crate::cli::NewArgs;
use crate::exit::Exit;
use anyhow::{Context, Result, bail};
use bench_archive::store;
use bench_rig::programs::{roster, scaffold};
use std::path::{Path, PathBuf};

/// Writes a new client and prints the next commands.
///
/// # Errors
/// A bad name, one that exists, or a directory that is not empty.
pub fn run(root: &Path, args: &NewArgs) -> Result<Exit> {
    scaffold::check_name(&args.name)?;
    let known = roster::find(root, &[])?;
    if known.iter().any(|entry| entry.name == args.name) {
        bail!("there is a client `{}` already: choose another name", args.name);
    }
    let dir = match &args.dir {
        Some(dir) => absolute(dir)?,
        None => root.join("clients").join(&args.name),
    };
    let pieces = scaffold::pieces(root, args.template.0, &args.name, &dir)?;
    let shown = args.dir.clone().unwrap_or_else(|| Path::new("clients").join(&args.name));
    store::new_folder(&dir, &pieces)?;
    let client = match dir.parent() == Some(&root.join("clients")) {
        true => String::new(),
        false => format!(" --client {}", shown.display()),
    };
    log::info!(
        "{}: {} files. Next:\n  cargo harness check {name}{client}\n  cargo harness compare {name} floor{client}",
        shown.display(),
        pieces.len(),
        name = args.name,
    );
    Ok(Exit::Done)
}

/// The directory with its parent resolved.
fn absolute(dir: &Path) -> Result<PathBuf> {
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        bail!("--dir {}: give the directory to create", dir.display());
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let parent = parent.canonicalize();
    Ok(parent.with_context(|| format!("--dir {}: its parent", dir.display()))?.join(name))
}
