//! Builds programs with cargo.

use super::beside::Beside;
use super::build_run::{BuildRun, Stdout};
use bench_core::analysis::verdict::build_failure::{BuildEnd, BuildFailure};
use cargo_metadata::Message;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How programs are built.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The cargo profile.
    pub profile: String,
    /// A build that prints nothing for so long is ended.
    pub silence: Duration,
}

/// Binaries by the names of their packages, or why there is none.
pub(super) type Binaries = BTreeMap<String, Result<PathBuf, BuildFailure>>;

/// What cargo is to build.
enum Chosen<'a> {
    /// The binaries of these packages of the suite. Cargo unifies the features of dependencies
    /// over the packages it is given, so it is given the whole workspace: a binary is then the
    /// same whichever others are built with it.
    Inside(&'a [&'a str]),
    /// The binaries of a package of another workspace, as that workspace builds them.
    Outside(&'a str),
}

impl Chosen<'_> {
    fn args(&self) -> Vec<&str> {
        match self {
            Self::Inside(packages) => {
                let bins = packages.iter().flat_map(|package| ["--bin", package]);
                // What can be built is built, whatever fails.
                ["--keep-going", "--workspace"].into_iter().chain(bins).collect()
            }
            Self::Outside(package) => vec!["--bins", "--package", package],
        }
    }
}

/// Cargo as a user would run it. The variables that an outer cargo has set for our own package
/// would make build scripts that read them run again (ring's does).
#[must_use]
pub fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let is_ours = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    command
}

/// Cargo in one directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cargo<'a> {
    /// A directory of the workspace that it builds.
    pub(super) dir: &'a Path,
    pub(super) options: &'a BuildOptions,
    pub(super) beside: &'a Beside,
}

impl Cargo<'_> {
    /// Builds packages of the suite.
    pub(super) fn inside(self, packages: &[&str]) -> Binaries {
        // Without `--bin`, cargo would build everything.
        if packages.is_empty() {
            return Binaries::new();
        }
        // One command for all is quickest.
        let (built, ended) = self.run(&Chosen::Inside(packages), "cargo");
        let missing = packages.iter().filter(|name| !built.contains_key(**name));
        let missing: Vec<&str> = missing.copied().collect();
        let mut binaries: Binaries =
            built.iter().map(|(name, path)| (name.clone(), Ok(path.clone()))).collect();
        // One by one shows why each cannot be built. If none can, they all fail alike: cargo
        // reaches no registry, say; and what hung once would hang for each.
        let is_common = |failure: &BuildFailure| {
            built.is_empty()
                || matches!(failure.end, BuildEnd::Silent { .. } | BuildEnd::NotRun { .. })
        };
        for package in missing {
            let why = match &ended {
                Err(failure) if packages.len() == 1 || is_common(failure) => Err(failure.clone()),
                _ => self.one(&Chosen::Inside(&[package]), package),
            };
            binaries.insert(package.to_owned(), why);
        }
        binaries
    }

    /// Builds a package of another workspace.
    pub(super) fn outside(self, package: &str) -> Result<PathBuf, BuildFailure> {
        self.one(&Chosen::Outside(package), package)
    }

    fn one(self, chosen: &Chosen<'_>, package: &str) -> Result<PathBuf, BuildFailure> {
        let (mut built, ended) = self.run(chosen, package);
        ended?;
        built.remove(package).ok_or_else(|| BuildFailure {
            command: self.shown(chosen),
            end: BuildEnd::NoBinary { name: package.to_owned() },
            error_line: None,
            log: None,
        })
    }

    /// Without the options by which we read its output.
    fn shown(self, chosen: &Chosen<'_>) -> String {
        let packages = match chosen {
            Chosen::Inside(packages) => packages.to_vec(),
            Chosen::Outside(package) => vec![*package],
        };
        let packages: Vec<String> =
            packages.iter().map(|package| format!(" --package {package}")).collect();
        format!("cargo build --profile {}{}", self.options.profile, packages.concat())
    }

    /// Builds; returns the binaries by name, and whether all went well.
    fn run(
        self,
        chosen: &Chosen<'_>,
        log: &str,
    ) -> (BTreeMap<String, PathBuf>, Result<(), BuildFailure>) {
        let mut command = cargo_command();
        command.current_dir(self.dir).args(["build", "--message-format=json-render-diagnostics"]);
        command.args(["--profile", &self.options.profile]).args(chosen.args());
        let run = BuildRun {
            log,
            prefix: "",
            shown: self.shown(chosen),
            stdout: Stdout::Data,
            silence: self.options.silence,
            beside: self.beside,
        };
        let (messages, ended) = run.run(command);
        let mut binaries = BTreeMap::new();
        for message in Message::parse_stream(messages.as_slice()) {
            if let Ok(Message::CompilerArtifact(artifact)) = message
                && let Some(executable) = artifact.executable
            {
                binaries.insert(artifact.target.name, executable.into_std_path_buf());
            }
        }
        (binaries, ended)
    }
}
