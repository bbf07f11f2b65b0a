//! A new client out of a template: which files, with which words. Pure but for
//! reading the templates and the kits.

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

/// The directory of its files in `harness/templates`.
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Node, Self::Python, Self::Browser];

    /// Folders of the suite that a client outside of it takes along.
    fn kits(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &[],
            Self::Node => &["kit-node"],
            Self::Python => &["kit-python"],
            Self::Browser => &["kit-node", "kit-browser"],
        }
    }
}

/// A file to be written: its place in the client's folder, and its text.
pub type Piece = (PathBuf, String);

/// A name that a folder, a crate and a package can have.
///
/// # Errors
/// Any other.
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

/// The files of a new client. `dir` is where it is going to be: in the suite's
/// `clients` folder it uses the kits there, elsewhere it takes a copy along, and as a
/// crate the suite's lock file, so that it is built from the same versions.
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
    // A crate elsewhere is none of any workspace that its folder may lie in.
    let workspace = if inside { "" } else { "\n[workspace]\n" };
    let words =
        [("{{name}}", name), ("{{kit}}", &kit), ("{{main}}", main), ("{{workspace}}\n", workspace)];
    let fill =
        |text: String| words.iter().fold(text, |text, (place, word)| text.replace(place, word));
    let mut pieces = Vec::new();
    for (path, text) in folder(&root.join("harness/templates").join(template.to_string()))? {
        pieces.push((path, fill(text)));
    }
    if inside {
        return Ok(pieces);
    }
    for kit in template.kits() {
        let files = folder(&clients.join(kit))?.into_iter();
        let own = files.filter(|(path, _)| !path.starts_with("test") && !path.starts_with("tests"));
        pieces.extend(own.map(|(path, text)| (Path::new("kit").join(kit).join(path), text)));
    }
    if template == Template::Rust {
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
        pieces.push(("Cargo.lock".into(), lock));
    }
    Ok(pieces)
}

/// Every file of a folder that git would keep, by its place in it.
fn folder(dir: &Path) -> Result<Vec<Piece>> {
    let pattern = format!("{}/**/*", glob::Pattern::escape(&dir.to_string_lossy()));
    let mut files = Vec::new();
    for path in glob::glob(&pattern)? {
        let path = path?;
        let place = path.strip_prefix(dir)?.to_owned();
        let made = ["node_modules", "__pycache__", "dist", ".venv"];
        if path.is_dir() || place.iter().any(|part| made.iter().any(|made| part == *made)) {
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
