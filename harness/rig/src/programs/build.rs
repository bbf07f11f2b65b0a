//! Builds the server and the clients, and returns the commands that start them.

use super::roster::{Entry, Recipe};
use super::servers::Server;
use crate::host::spawn::{Program, end_with_harness};
use anyhow::{Context, Error, Result, anyhow, bail};
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
    /// The variables that the server's manifest sets.
    pub server_env: BTreeMap<String, String>,
    /// Whether the server inherits its listening socket.
    pub server_inherits: bool,
    /// By client name.
    pub clients: BTreeMap<String, Built>,
}

impl Programs {
    /// The server, to be started.
    #[must_use]
    pub fn server_program(&self) -> Program<'_> {
        Program { argv: &self.server, dir: &self.server_dir, env: &self.server_env }
    }
}

/// Builds a server and these clients. A client that cannot be built is reported in its
/// place; the others are not affected.
///
/// # Errors
/// When the server cannot be built, or cannot run here.
pub fn build(root: &Path, server: &Server, entries: &[Entry], profile: &str) -> Result<Programs> {
    let name = &server.served_by.name;
    if let Some(why) = server.recipe.missing() {
        bail!("--server {name}: {why}");
    }
    let (binaries, own_builds) = std::thread::scope(|scope| {
        // These mostly wait for a registry, while cargo keeps the CPUs busy.
        let own_builds = scope.spawn(|| run_own_builds(entries));
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
    let client = |Entry { name, recipe, .. }: &Entry| {
        let built = own_build_of(recipe, &own_builds)
            .and_then(|()| program(recipe, root, &binaries, profile));
        (name.clone(), built.unwrap_or_else(|error| unbuilt(&error)))
    };
    let clients = entries.iter().map(client).collect();
    Ok(Programs {
        server: argv,
        server_dir: server.recipe.dir.clone(),
        server_env: server.recipe.env.clone(),
        server_inherits: server.inherits_listener,
        clients,
    })
}

/// Builds a server that is not part of this workspace.
#[must_use]
pub fn server(root: &Path, server: &Server, profile: &str) -> Built {
    let built = run_own_build(&server.recipe)
        .and_then(|()| program(&server.recipe, root, &Binaries::new(), profile));
    built.unwrap_or_else(|error| unbuilt(&error))
}

fn unbuilt(error: &Error) -> Built {
    Built::Unavailable(Unavailability::Build { error: chain(error) })
}

/// An error with its causes, as several rows may show it.
fn chain(error: &Error) -> String {
    format!("{error:#}")
}

fn packages_below<'a>(root: &Path, entries: &'a [Entry]) -> Vec<&'a str> {
    let mut packages: Vec<&str> = entries
        .iter()
        .map(|entry| &entry.recipe)
        .filter(|recipe| recipe.dir.starts_with(root) && recipe.missing().is_none())
        .filter_map(|recipe| recipe.build.cargo.as_deref())
        .collect();
    packages.dedup();
    packages
}

/// What cargo built in this workspace, by package: the binary, or why there is none.
type Binaries = BTreeMap<String, Result<PathBuf, String>>;

/// Builds the server and the clients of this workspace with cargo.
fn build_with_cargo(
    root: &Path,
    server: &Server,
    entries: &[Entry],
    profile: &str,
) -> Result<Binaries> {
    let inside: Vec<&str> = packages_below(root, entries);
    let own = server.recipe.build.cargo.as_deref();
    let everything: Vec<&str> = own.into_iter().chain(inside.iter().copied()).collect();
    // One cargo command for all is quickest. If it fails, one by one shows which does not build.
    let cargo_inside = |packages: &[&str]| -> Result<Binaries> {
        let built = cargo(root, &Chosen::Inside(packages), profile)?;
        Ok(built.into_iter().map(|(name, path)| (name, Ok(path))).collect())
    };
    if let Ok(built) = cargo_inside(&everything) {
        return Ok(built);
    }
    let mut binaries = Binaries::new();
    if let Some(package) = own {
        binaries.extend(cargo_inside(&[package]).context("the server does not build")?);
    }
    for package in inside {
        match cargo_inside(&[package]) {
            Ok(built) => binaries.extend(built),
            Err(error) => drop(binaries.insert(package.to_owned(), Err(chain(&error)))),
        }
    }
    Ok(binaries)
}

/// The build command of a program, if it has one and can run here.
fn own_command(recipe: &Recipe) -> Option<&[String]> {
    recipe.build.command.as_deref().filter(|_| recipe.missing().is_none())
}

/// Runs the build command of a program, if it has one and can run here.
fn run_own_build(recipe: &Recipe) -> Result<()> {
    own_command(recipe).map_or(Ok(()), |command| run_build(command, &recipe.dir))
}

/// How build commands ended, by directory and command.
type OwnBuilds<'a> = BTreeMap<(&'a Path, &'a [String]), Result<(), String>>;

/// Runs the build commands of all clients: once for a client and its variants, which share it.
fn run_own_builds(entries: &[Entry]) -> OwnBuilds<'_> {
    let mut ended = OwnBuilds::new();
    for Entry { recipe, .. } in entries {
        if let Some(command) = own_command(recipe) {
            ended
                .entry((recipe.dir.as_path(), command))
                .or_insert_with(|| run_build(command, &recipe.dir).map_err(|error| chain(&error)));
        }
    }
    ended
}

/// How the build command of this program ended.
fn own_build_of(recipe: &Recipe, own_builds: &OwnBuilds<'_>) -> Result<()> {
    let ended =
        own_command(recipe).and_then(|command| own_builds.get(&(recipe.dir.as_path(), command)));
    ended.cloned().unwrap_or(Ok(())).map_err(Error::msg)
}

/// The command that starts one program.
fn program(recipe: &Recipe, root: &Path, binaries: &Binaries, profile: &str) -> Result<Built> {
    if let Some(why) = recipe.missing() {
        return Ok(Built::Unavailable(why));
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
            let inside = recipe.dir.starts_with(root);
            let binary = match inside {
                true => built_inside(package, binaries)?,
                false => build_outside(package, &recipe.dir, profile)?,
            };
            vec![binary.to_string_lossy().into_owned()]
        }
        (None, None) => bail!("no command to run it"),
    };
    argv.extend(recipe.args.iter().cloned());
    Ok(Built::Program(argv))
}

/// The binary of a package of this workspace.
fn built_inside(package: &str, binaries: &Binaries) -> Result<PathBuf> {
    let hint = format!("see `cargo build --package {package}`");
    match binaries.get(package) {
        Some(Ok(binary)) => Ok(binary.clone()),
        Some(Err(why)) => bail!("{why}: {hint}"),
        None => bail!("it does not build: {hint}"),
    }
}

/// Builds a package of another workspace, and returns its binary.
fn build_outside(package: &str, dir: &Path, profile: &str) -> Result<PathBuf> {
    let mut built = cargo(dir, &Chosen::Outside(package), profile)?;
    built.remove(package).ok_or_else(|| anyhow!("cargo built no program named {package}"))
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
            Chosen::Inside(packages) => {
                bail!("cargo could not build {} ({status})", packages.join(", "))
            }
            Chosen::Outside(package) => bail!("cargo could not build {package} ({status})"),
        }
    }
    Ok(binaries)
}

#[cfg(test)]
mod tests {
    use super::super::roster::{Build, Needs};
    use super::*;

    #[test]
    fn a_failed_build_reports_why() {
        let argv = ["sh", "-c", "echo first >&2; echo 'no such library: install it' >&2; exit 3"];
        let dir = tempfile::tempdir().unwrap();
        let error = run_build(&argv.map(str::to_owned), dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("failed (exit status: 3): no such library: install it"), "{error}");
        run_build(&["true".to_owned()], dir.path()).unwrap();
    }

    #[test]
    fn variants_share_a_build_and_its_failure() {
        let dir = tempfile::tempdir().unwrap();
        let entry = |name: &str, script: &str| Entry {
            name: name.to_owned(),
            class: contract::Class::Library,
            runtime: "none".to_owned(),
            why: "for tests".to_owned(),
            tls: false,
            client: "a".to_owned(),
            recipe: Recipe {
                dir: dir.path().to_owned(),
                build: Build {
                    cargo: None,
                    command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
                },
                command: Some(vec![name.to_owned()]),
                args: Vec::new(),
                env: BTreeMap::new(),
                needs: Needs::default(),
            },
        };
        let fails = "echo run >> runs; echo 'no network' >&2; exit 1";
        let entries = [entry("a", fails), entry("a:v", fails), entry("b", "true")];
        let ended = run_own_builds(&entries);
        assert_eq!(std::fs::read_to_string(dir.path().join("runs")).unwrap(), "run\n");
        for entry in &entries[..2] {
            let error = own_build_of(&entry.recipe, &ended).unwrap_err().to_string();
            assert!(error.ends_with("no network"), "{error}");
        }
        own_build_of(&entries[2].recipe, &ended).unwrap();
    }

    #[test]
    fn a_package_that_cargo_could_not_build_says_why() {
        let why = "cargo could not build b (exit status: 101)";
        let binaries = Binaries::from([
            ("a".to_owned(), Ok(PathBuf::from("/bin/a"))),
            ("b".to_owned(), Err(why.to_owned())),
        ]);
        assert_eq!(built_inside("a", &binaries).unwrap(), Path::new("/bin/a"));
        let error = built_inside("b", &binaries).unwrap_err().to_string();
        assert_eq!(error, format!("{why}: see `cargo build --package b`"));
    }
}
