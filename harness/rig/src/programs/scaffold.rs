//! The files of a new client, filled in from a template. Reads the templates and the kits, and
//! writes nothing.

use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a new client is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// A crate that uses `client-kit`.
    Rust,
    /// Node.js, with the kit of the Node.js clients.
    Node,
    /// Python, with the kit of the Python clients.
    Python,
    /// A page in headless Chromium and the program that drives it.
    Browser,
}

/// As the name of its directory in `harness/templates`.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "rust",
            Self::Node => "node",
            Self::Python => "python",
            Self::Browser => "browser",
        })
    }
}

impl Template {
    /// Directories in `clients` that a client outside of the suite gets a copy of.
    fn kits(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &[],
            Self::Node => &["kit-node"],
            Self::Python => &["kit-python"],
            Self::Browser => &["kit-node", "kit-browser"],
        }
    }
}

/// A file to be written: its path in the client's directory, and its text.
pub type Piece = (PathBuf, String);

/// Checks that a directory, a crate and a package can have this name.
///
/// # Errors
/// When they cannot.
pub fn check_name(name: &str) -> Result<()> {
    let sound = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-');
    ensure!(
        sound,
        "name `{name}`: use up to 40 lower-case letters, digits and `-`, beginning with a letter"
    );
    Ok(())
}

/// The files of a new client in `dir`. In the suite's `clients` directory it uses the kits
/// there. Elsewhere it gets a copy of them; a crate gets the suite's lock file instead, so that
/// it is built from the same versions.
///
/// # Errors
/// When a template cannot be read.
pub fn pieces(root: &Path, template: Template, name: &str, dir: &Path) -> Result<Vec<Piece>> {
    let inside = dir.parent() == Some(&root.join("clients"));
    let clients = root.join("clients");
    let kit = match (template, inside) {
        (Template::Rust, true) => "../kit".to_owned(),
        (Template::Rust, false) => clients.join("kit").to_string_lossy().into_owned(),
        (_, true) => "..".to_owned(),
        (_, false) => "./kit".to_owned(),
    };
    let main = match inside {
        true => "main(",
        false => "main_with_lock(include_str!(\"../Cargo.lock\"), ",
    };
    // A crate elsewhere must not join a workspace that its directory may be in.
    let workspace = if inside { "" } else { "\n[workspace]\n" };
    let values =
        [("{{name}}", name), ("{{kit}}", &kit), ("{{main}}", main), ("{{workspace}}\n", workspace)];
    let fill =
        |text: String| values.iter().fold(text, |text, (key, value)| text.replace(key, value));
    let mut pieces = Vec::new();
    for (path, text) in files_in(&root.join("harness/templates").join(template.to_string()))? {
        pieces.push((path, fill(text)));
    }
    if inside {
        return Ok(pieces);
    }
    for kit in template.kits() {
        let files = files_in(&clients.join(kit))?.into_iter();
        let own = files.filter(|(path, _)| !path.starts_with("test") && !path.starts_with("tests"));
        pieces.extend(own.map(|(path, text)| (Path::new("kit").join(kit).join(path), text)));
    }
    if template == Template::Rust {
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
        pieces.push(("Cargo.lock".into(), lock));
    }
    Ok(pieces)
}

/// Every file below a directory that git would keep, by its path there.
fn files_in(dir: &Path) -> Result<Vec<Piece>> {
    let pattern = format!("{}/**/*", glob::Pattern::escape(&dir.to_string_lossy()));
    let mut files = Vec::new();
    for path in glob::glob(&pattern)? {
        let path = path?;
        let place = path.strip_prefix(dir)?.to_owned();
        let ignored = ["node_modules", "__pycache__", "dist", ".venv"];
        if path.is_dir() || place.iter().any(|part| ignored.iter().any(|name| part == *name)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        files.push((place, text));
    }
    if files.is_empty() {
        bail!("no template in {}", dir.display());
    }
    Ok(files)
}
