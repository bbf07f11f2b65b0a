//! `harness new`: a small complete client out of a template.

use crate::cli::NewArgs;
use crate::scaffold;
use crate::{cmd, console, roster, store};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Writes a new client and says how to go on.
///
/// # Errors
/// A bad name, one that is taken, or a folder that is not empty.
pub fn run(root: &Path, args: &NewArgs) -> Result<u8> {
    scaffold::check_name(&args.name)?;
    let known = roster::find(root, &[])?;
    if known.iter().any(|entry| entry.name == args.name) {
        bail!("there is a client `{}` already: choose another name", args.name);
    }
    let dir = match &args.dir {
        Some(dir) => absolute(dir)?,
        None => root.join("clients").join(&args.name),
    };
    let pieces = scaffold::pieces(root, args.template, &args.name, &dir)?;
    let shown = args.dir.clone().unwrap_or_else(|| Path::new("clients").join(&args.name));
    store::new_folder(&dir, &pieces)?;
    let client = match dir.parent() == Some(&root.join("clients")) {
        true => String::new(),
        false => format!(" --client {}", shown.display()),
    };
    console::say(format_args!(
        "{}: {} files. Next:\n  cargo harness check {name}{client}\n  cargo harness compare {name} floor{client}",
        shown.display(),
        pieces.len(),
        name = args.name,
    ));
    Ok(cmd::EXIT_MEASURED)
}

/// The folder with its parents resolved, as far as they are there.
fn absolute(dir: &Path) -> Result<PathBuf> {
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        bail!("--dir {}: give the folder that is to be made", dir.display());
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let parent = parent.canonicalize();
    Ok(parent.with_context(|| format!("--dir {}: its parent", dir.display()))?.join(name))
}
