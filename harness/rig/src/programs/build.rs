//! Builds the server and the clients, and returns the commands that start them.

use super::roster::{Entry, Recipe};
use super::servers::Server;
use crate::host::spawn::end_with_harness;
use anyhow::{Context, Result, bail};
use bench_core::analysis::verdict::reason::{Reason, Unavailability};
use cargo_metadata::Message;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The result of building one client or one server.
#[derive(Debug, Clone)]
pub enum Built {
    /// The program to run, and the arguments that belong to it.
    Program(Vec<String>),
    /// It cannot run here.
    Unavailable(Unavailability),
    /// It breaks the contract.
    Failing(Reason),
}

impl Built {
    /// Why it cannot be run; `None` if it can.
    #[must_use]
    pub fn not_runnable(&self) -> Option<String> {
        match self {
            Self::Program(_) => None,
            Self::Unavailable(why) => Some(why.to_string()),
            Self::Failing(reason) => Some(reason.to_string()),
        }
    }
}

/// Everything that a campaign runs.
#[derive(Debug)]
pub struct Programs {
    /// The server's program, and the arguments that belong to it.
    pub server: Vec<String>,
    /// The server's working directory.
    pub server_dir: PathBuf,
    /// By client name.
    pub clients: BTreeMap<String, Built>,
}

/// Builds a server and these clients. A client that cannot be built is reported in its
/// place; the others are not affected.
///
/// # Errors
/// When the server cannot be built, or cannot run here.
pub fn build(root: &Path, server: &Server, entries: &[Entry], profile: &str) -> Result<Programs> {
    let name = &server.served_by.name;
    if let Some(program) = server.recipe.missing_program() {
        bail!("--server {name}: `{program}` is not on the PATH: install it");
    }
    let (binaries, own_builds) = std::thread::scope(|scope| {
        // These mostly wait for a registry, while cargo keeps the CPUs busy.
        let own_builds = scope.spawn(|| -> Vec<Result<()>> {
            entries.iter().map(|entry| run_own_build(&entry.recipe())).collect()
        });
        let binaries = build_with_cargo(root, server, entries, profile);
        (binaries, own_builds.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let binaries = binaries?;
    let built = run_own_build(&server.recipe)
        .and_then(|()| program(&server.recipe, root, &binaries, profile));
    let argv = match built {
        Ok(Built::Program(argv)) => argv,
        Ok(Built::Unavailable(why)) => bail!("--server {name}: {why}"),
        Ok(Built::Failing(reason)) => bail!("--server {name}: {reason}"),
        Err(error) => return Err(error.context(format!("--server {name}"))),
    };
    let clients = entries
        .iter()
        .zip(own_builds)
        .map(|(entry, own_build)| {
            let built = own_build.and_then(|()| program(&entry.recipe(), root, &binaries, profile));
            (entry.name.clone(), built.unwrap_or_else(|error| unbuilt(&error)))
        })
        .collect();
    Ok(Programs { server: argv, server_dir: server.recipe.dir.clone(), clients })
}

/// Builds a server that is not part of this workspace.
#[must_use]
pub fn server(root: &Path, server: &Server, profile: &str) -> Built {
    let built = run_own_build(&server.recipe)
        .and_then(|()| program(&server.recipe, root, &BTreeMap::new(), profile));
    built.unwrap_or_else(|error| unbuilt(&error))
}

fn unbuilt(error: &anyhow::Error) -> Built {
    Built::Unavailable(Unavailability::Build { error: format!("{error:#}") })
}

fn packages_below<'a>(root: &Path, entries: &'a [Entry]) -> Vec<&'a str> {
    let mut packages: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.dir.starts_with(root) && entry.missing_program().is_none())
        .filter_map(|entry| entry.build.cargo.as_deref())
        .collect();
    packages.dedup();
    packages
}

/// Builds the server and the clients of this workspace with cargo; returns their binaries by
/// package name.
fn build_with_cargo(
    root: &Path,
    server: &Server,
    entries: &[Entry],
    profile: &str,
) -> Result<BTreeMap<String, PathBuf>> {
    let inside: Vec<&str> = packages_below(root, entries);
    let own = server.recipe.build.cargo.as_deref();
    let everything: Vec<&str> = own.into_iter().chain(inside.iter().copied()).collect();
    // One cargo command for all is quickest. If it fails, one by one shows which does not build.
    let cargo_inside = |packages: &[&str]| cargo(root, &Chosen::Inside(packages), profile);
    if let Ok(built) = cargo_inside(&everything) {
        return Ok(built);
    }
    let mut binaries = BTreeMap::new();
    if let Some(package) = own {
        binaries.extend(cargo_inside(&[package]).context("the server does not build")?);
    }
    for package in inside {
        binaries.extend(cargo_inside(&[package]).unwrap_or_default());
    }
    Ok(binaries)
}

/// Runs the build command of a program, if it has one and can run here.
fn run_own_build(recipe: &Recipe) -> Result<()> {
    match &recipe.build.command {
        Some(command) if recipe.missing_program().is_none() => run_build(command, &recipe.dir),
        _ => Ok(()),
    }
}

/// The command that starts one program. A package of another workspace is built first.
fn program(
    recipe: &Recipe,
    root: &Path,
    binaries: &BTreeMap<String, PathBuf>,
    profile: &str,
) -> Result<Built> {
    if let Some(program) = recipe.missing_program() {
        let program = program.to_owned();
        return Ok(Built::Unavailable(Unavailability::MissingProgram { program }));
    }
    let mut argv = match (&recipe.command, &recipe.build.cargo) {
        (Some(command), _) => {
            let mut argv = command.clone();
            let beside = recipe.dir.join(&argv[0]);
            if argv[0].contains('/') && beside.is_file() {
                argv[0] = beside.to_string_lossy().into_owned();
            }
            argv
        }
        (None, Some(package)) => {
            let outside = !recipe.dir.starts_with(root);
            let own = match outside {
                true => cargo(&recipe.dir, &Chosen::Outside(package), profile)?,
                false => BTreeMap::new(),
            };
            let binary = own.get(package).or_else(|| binaries.get(package));
            let hint = || format!("it does not build: see `cargo build --package {package}`");
            vec![binary.with_context(hint)?.to_string_lossy().into_owned()]
        }
        (None, None) => bail!("no command to run it"),
    };
    argv.extend(recipe.args.iter().cloned());
    Ok(Built::Program(argv))
}

fn run_build(command: &[String], dir: &Path) -> Result<()> {
    let shown = command.join(" ");
    log::debug!("in {}: {shown}", dir.display());
    let output_to = BuildOutput::new()?;
    let mut build = Command::new(&command[0]);
    end_with_harness(&mut build);
    let mut child = build
        .args(&command[1..])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(output_to.sink()?)
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run its build command `{shown}`"))?;
    let last = output_to.pass_on(child.stderr.take().context("no stderr of the build")?)?;
    let status = child.wait()?;
    if !status.success() {
        output_to.show()?;
        // The last line of a build's output is usually why it failed.
        bail!("its build command `{shown}` failed ({status}): {last}");
    }
    Ok(())
}

/// Where the output of a build goes: straight to standard error or, where only errors are
/// printed, to an unnamed file that is printed if the build fails.
struct BuildOutput(Option<File>);

impl BuildOutput {
    fn new() -> Result<Self> {
        let quiet = !log::log_enabled!(log::Level::Info);
        let file = quiet.then(tempfile::tempfile).transpose();
        Ok(Self(file.context("cannot create a file for the output of the build")?))
    }

    fn sink(&self) -> Result<Stdio> {
        Ok(match &self.0 {
            Some(file) => Stdio::from(file.try_clone()?),
            None => Stdio::from(std::io::stderr()),
        })
    }

    /// Passes on the output of a build, and returns its last line that is not blank.
    fn pass_on(&self, output: impl Read) -> Result<String> {
        let (mut to, mut last) = (self.writer()?, String::new());
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            to.write_all(&line)?;
            to.write_all(b"\n")?;
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                last = text.trim().to_owned();
            }
        }
        Ok(last)
    }

    fn writer(&self) -> Result<Box<dyn Write>> {
        Ok(match &self.0 {
            Some(file) => Box::new(file.try_clone()?),
            None => Box::new(std::io::stderr()),
        })
    }

    fn show(self) -> Result<()> {
        if let Some(mut file) = self.0 {
            file.rewind()?;
            std::io::copy(&mut file, &mut std::io::stderr())?;
        }
        Ok(())
    }
}

/// A command as it would be typed.
fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

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
                ["--workspace"].into_iter().chain(bins).collect()
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

/// Builds programs with cargo; returns the binaries by name.
fn cargo(dir: &Path, chosen: &Chosen, profile: &str) -> Result<BTreeMap<String, PathBuf>> {
    // Without `--bin`, cargo would build everything.
    if matches!(chosen, Chosen::Inside([])) {
        return Ok(BTreeMap::new());
    }
    let mut command = cargo_command();
    command.current_dir(dir).args(["build", "--message-format=json-render-diagnostics"]);
    command.args(["--profile", profile]).args(chosen.args());
    log::debug!("in {}: {}", dir.display(), shown(&command));
    let output_to = BuildOutput::new()?;
    end_with_harness(&mut command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(output_to.sink()?)
        .spawn()
        .context("cannot run cargo (is the Rust toolchain installed?)")?;
    let output = BufReader::new(child.stdout.take().context("no output of cargo")?);
    let mut binaries = BTreeMap::new();
    for message in Message::parse_stream(output) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(executable) = artifact.executable
        {
            binaries.insert(artifact.target.name, executable.into_std_path_buf());
        }
    }
    let status = child.wait()?;
    if !status.success() {
        output_to.show()?;
        match chosen {
            Chosen::Inside(packages) => bail!("cargo could not build {}", packages.join(", ")),
            Chosen::Outside(package) => bail!("cargo could not build {package}"),
        }
    }
    Ok(binaries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_build_reports_why() {
        let argv = ["sh", "-c", "echo first >&2; echo 'no such library: install it' >&2; exit 3"];
        let dir = tempfile::tempdir().unwrap();
        let error = run_build(&argv.map(str::to_owned), dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("failed (exit status: 3): no such library: install it"), "{error}");
        run_build(&["true".to_owned()], dir.path()).unwrap();
    }
}
