//! How a client or a server is built and started: what both kinds of manifests have in common.

use super::needs::Needs;
use crate::host::processes::spawn::Program;
use anyhow::{Context, Result, bail};
use bench_core::analysis::verdict::reason::Unavailability;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a program is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// A cargo package, whose binary has the same name.
    pub cargo: Option<String>,
    /// Any other command, run in the program's directory.
    pub command: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    pub(crate) command: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
}

/// How a client or a server is built and started.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Its working directory: that of its manifest, unless that names another one.
    pub dir: PathBuf,
    /// How it is built.
    pub build: Build,
    /// Its own command; `None`: the binary that cargo built.
    pub command: Option<Vec<String>>,
    /// Arguments after the command.
    pub args: Vec<String>,
    /// Variables of its environment, besides those that all programs get.
    pub env: BTreeMap<String, String>,
    /// What has to be there before.
    pub needs: Needs,
}

/// A `[[variant]]` of a program: the same with more arguments.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) why: String,
}

/// Reads a manifest; returns it with its directory.
pub(crate) fn read_manifest<M: DeserializeOwned>(path: &Path) -> Result<(M, PathBuf)> {
    let path = path.canonicalize().context("cannot read it")?;
    let text = std::fs::read_to_string(&path).context("cannot read it")?;
    Ok((toml::from_str(&text)?, path.parent().unwrap_or(Path::new("/")).to_owned()))
}

/// Checks that names can be written in any format, and that there is something to run.
pub(crate) fn sound<'a>(
    names: impl IntoIterator<Item = &'a String>,
    build: &Build,
    run: &Run,
) -> Result<()> {
    let simple = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if let Some(name) = names.into_iter().find(|name| !simple(name)) {
        bail!("name `{name}`: use letters, digits, `-`, `_` and `.` only");
    }
    if build.cargo.is_some() && build.command.is_some() {
        bail!("[build]: give `cargo` or `command`, not both");
    }
    if build.cargo.is_none() && run.command.is_none() {
        bail!("[run] command: needed, as no cargo package is built");
    }
    let is_variable = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    let own = |name: &str| name.starts_with("TICK_BENCH_");
    if let Some(name) = run.env.keys().find(|name| !is_variable(name) || own(name)) {
        bail!("[run] env: `{name}` cannot be set: choose another name");
    }
    let commands = [&build.command, &run.command];
    if commands.into_iter().flatten().any(Vec::is_empty) {
        bail!("a command needs at least the program's name");
    }
    Ok(())
}

impl Recipe {
    /// The first of what it needs that is missing.
    #[must_use]
    pub fn missing(&self) -> Option<Unavailability> {
        self.needs.missing()
    }

    /// Whether it is built by a command of its own, and not with the workspace at `root`.
    #[must_use]
    pub fn is_built_alone(&self, root: &Path) -> bool {
        match self.build.cargo {
            Some(_) => !self.dir.starts_with(root),
            None => self.build.command.is_some(),
        }
    }

    /// The program, to be started by this command.
    #[must_use]
    pub fn program<'a>(&'a self, argv: &'a [String]) -> Program<'a> {
        Program { argv, dir: &self.dir, env: &self.env }
    }

    /// The same with more arguments.
    pub(crate) fn with_args(&self, more: Vec<String>) -> Self {
        Self { args: [self.args.clone(), more].concat(), ..self.clone() }
    }
}
