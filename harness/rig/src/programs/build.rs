//! Builds the server and the clients, and returns the commands that start them.

use super::beside::Beside;
use super::build_run::{BuildRun, Stdout};
use super::cargo::{Binaries, BuildOptions, Cargo};
use super::inputs::Inputs;
use super::receipt::{Receipts, Whose};
use super::recipe::{Build, Recipe};
use super::roster::Entry;
use super::servers::Server;
use crate::host::processes::spawn::Program;
use anyhow::{Result, bail};
use bench_core::analysis::verdict::build_failure::BuildFailure;
use bench_core::analysis::verdict::reason::{Reason, Unavailability};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

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
    /// Where what they say when they are started is kept.
    pub receipts: Receipts,
}

impl Programs {
    /// The server, to be started.
    #[must_use]
    pub fn server_program(&self) -> Program<'_> {
        Program { argv: &self.server, dir: &self.server_dir, env: &self.server_env }
    }
}

/// Builds a server and these clients, at the same time as far as there are CPUs. A client that
/// cannot be built is reported in its place; the others are not affected.
///
/// # Errors
/// When the server cannot be built, or cannot run here.
pub fn build(
    root: &Path,
    server: &Server,
    entries: &[Entry],
    options: &BuildOptions,
) -> Result<Programs> {
    let name = &server.served_by.name;
    if let Some(why) = server.recipe.missing() {
        bail!("--server {name}: {why}");
    }
    let recipes: Vec<&Recipe> =
        [&server.recipe].into_iter().chain(entries.iter().map(|entry| &entry.recipe)).collect();
    let builder = Builder { root, options, beside: &Beside::new(root) };
    let done = builder.all(&recipes);
    let receipts = Receipts::new(root);
    let mut inputs = Inputs::new(root);
    let mut finish = |whose: Whose<'_>, recipe: &Recipe| {
        let built = builder.program(recipe, &done);
        // What is missing may be there tomorrow, and what was built before is still there.
        if recipe.missing().is_none() {
            let unavailable = built.as_ref().err().cloned();
            receipts.built(whose, (recipe, inputs.of(recipe)), &options.profile, unavailable);
        }
        built
    };
    let argv = match finish(Whose::Server(name), &server.recipe) {
        Ok(argv) => argv,
        Err(why) => bail!("--server {name}: {why}"),
    };
    let clients = entries.iter().map(|entry| {
        let built = finish(Whose::Client(&entry.name), &entry.recipe);
        (entry.name.clone(), built.map_or_else(Built::Unavailable, Built::Program))
    });
    let clients = clients.collect();
    Ok(Programs {
        server: argv,
        server_dir: server.recipe.dir.clone(),
        server_env: server.recipe.env.clone(),
        server_inherits: server.inherits_listener,
        clients,
        receipts,
    })
}

/// Builds a server that is not part of this workspace.
#[must_use]
pub fn server(root: &Path, server: &Server, options: &BuildOptions) -> Built {
    let builder = Builder { root, options, beside: &Beside::new(root) };
    let recipe = &server.recipe;
    let built = builder.program(recipe, &builder.all(&[recipe]));
    if recipe.missing().is_none() {
        let (inputs, unavailable) = (Inputs::new(root).of(recipe), built.as_ref().err().cloned());
        let whose = Whose::Server(&server.served_by.name);
        Receipts::new(root).built(whose, (recipe, inputs), &options.profile, unavailable);
    }
    built.map_or_else(Built::Unavailable, Built::Program)
}

/// What is built by one command outside of the workspace: once for a client and its variants.
type Job<'a> = (&'a Path, &'a Build);

/// What all build commands led to.
struct Done<'a> {
    binaries: Binaries,
    /// With the binary that cargo built in another workspace.
    jobs: BTreeMap<Job<'a>, Result<Option<PathBuf>, BuildFailure>>,
}

/// Runs build commands.
#[derive(Clone, Copy)]
struct Builder<'a> {
    root: &'a Path,
    options: &'a BuildOptions,
    beside: &'a Beside,
}

impl Builder<'_> {
    /// Runs the build commands of all programs that can run here.
    fn all<'r>(self, recipes: &[&'r Recipe]) -> Done<'r> {
        let able = || recipes.iter().filter(|recipe| recipe.missing().is_none());
        let mut packages: Vec<&str> = Vec::new();
        for package in able().filter_map(|recipe| self.package_inside(recipe)) {
            if !packages.contains(&package) {
                packages.push(package);
            }
        }
        let jobs = able().filter(|recipe| recipe.is_built_alone(self.root));
        let jobs: BTreeMap<Job<'r>, ()> =
            jobs.map(|recipe| ((recipe.dir.as_path(), &recipe.build), ())).collect();
        let (binaries, jobs) = std::thread::scope(|scope| {
            let cargo = scope.spawn(|| self.cargo(self.root).inside(&packages));
            let jobs = self.run_jobs(&jobs.into_keys().collect::<Vec<_>>());
            (cargo.join().unwrap_or_else(|panic| resume_unwind(panic)), jobs)
        });
        Done { binaries, jobs }
    }

    /// As many at a time as there are CPUs: most of them wait for a registry or for a disk.
    fn run_jobs<'r>(
        self,
        jobs: &[Job<'r>],
    ) -> BTreeMap<Job<'r>, Result<Option<PathBuf>, BuildFailure>> {
        let (left, done) = (Mutex::new(jobs.iter()), Mutex::new(BTreeMap::new()));
        std::thread::scope(|scope| {
            for _ in 0..available_parallelism().map_or(1, usize::from).min(jobs.len()) {
                scope.spawn(|| {
                    loop {
                        let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(job) = next else { return };
                        let result = self.run_job(*job);
                        done.lock().unwrap_or_else(PoisonError::into_inner).insert(*job, result);
                    }
                });
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_job(self, (dir, build): Job<'_>) -> Result<Option<PathBuf>, BuildFailure> {
        if let Some(package) = &build.cargo {
            return self.cargo(dir).outside(package).map(Some);
        }
        let Some(argv) = &build.command else { return Ok(None) };
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let run = BuildRun {
            log: &name,
            prefix: &format!("{name}: "),
            shown: argv.join(" "),
            stdout: Stdout::Messages,
            silence: self.options.silence,
            beside: self.beside,
        };
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(dir);
        run.run(command).1.map(|()| None)
    }

    fn cargo<'b>(&'b self, dir: &'b Path) -> Cargo<'b> {
        Cargo { dir, options: self.options, beside: self.beside }
    }

    fn package_inside(self, recipe: &Recipe) -> Option<&str> {
        recipe.build.cargo.as_deref().filter(|_| !recipe.is_built_alone(self.root))
    }

    /// The command that starts one program.
    fn program(self, recipe: &Recipe, done: &Done<'_>) -> Result<Vec<String>, Unavailability> {
        if let Some(why) = recipe.missing() {
            return Err(why);
        }
        let failed =
            |failure: &BuildFailure| Unavailability::BuildFailed { failure: failure.clone() };
        let mut binary = None;
        if let Some(result) = done.jobs.get(&(recipe.dir.as_path(), &recipe.build)) {
            binary = result.as_ref().map_err(failed)?.clone();
        } else if let Some(package) = self.package_inside(recipe) {
            let result = done.binaries.get(package).map(|result| result.as_ref().map_err(failed));
            binary = result.transpose()?.cloned();
        }
        let mut argv = match (&recipe.command, binary) {
            (Some(command), _) => command_in(&recipe.dir, command),
            (None, Some(binary)) => vec![binary.to_string_lossy().into_owned()],
            (None, None) => {
                return Err(Unavailability::Build { error: "no command to run it".to_owned() });
            }
        };
        argv.extend(recipe.args.iter().cloned());
        Ok(argv)
    }
}

/// A command whose program may be given by its path from the program's directory.
fn command_in(dir: &Path, command: &[String]) -> Vec<String> {
    let mut argv = command.to_vec();
    let beside = dir.join(&argv[0]);
    if argv[0].contains('/') && beside.is_file() {
        argv[0] = beside.to_string_lossy().into_owned();
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::super::needs::Needs;
    use super::*;
    use bench_core::analysis::verdict::build_failure::BuildEnd;
    use std::time::Duration;

    fn recipe(dir: &Path, script: &str, command: &str) -> Recipe {
        Recipe {
            dir: dir.to_owned(),
            build: Build {
                cargo: None,
                command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
            },
            command: Some(vec![command.to_owned()]),
            args: vec!["--fast".to_owned()],
            env: BTreeMap::new(),
            needs: Needs::default(),
        }
    }

    fn with_builder<T>(silence: Duration, check: impl FnOnce(&Path, Builder<'_>) -> T) -> T {
        let root = tempfile::tempdir().unwrap();
        let beside = Beside::at(&root.path().join("target"), root.path());
        let options = BuildOptions { profile: "dev".to_owned(), silence };
        let builder = Builder { root: root.path(), options: &options, beside: &beside };
        check(root.path(), builder)
    }

    #[test]
    fn variants_share_a_build_and_its_failure() {
        with_builder(Duration::from_secs(60), |dir, builder| {
            let fails = "echo run >> runs; echo 'no network' >&2; exit 1";
            let all = [(fails, "a"), (fails, "v"), ("true", "b")];
            let recipes = all.map(|(script, command)| recipe(dir, script, command));
            let done = builder.all(&recipes.iter().collect::<Vec<_>>());
            assert_eq!(std::fs::read_to_string(dir.join("runs")).unwrap(), "run\n");
            for recipe in &recipes[..2] {
                let why = builder.program(recipe, &done).unwrap_err().to_string();
                assert!(why.contains("failed (exit status: 1): no network; all of"), "{why}");
            }
            assert_eq!(builder.program(&recipes[2], &done).unwrap(), ["b", "--fast"]);
        });
    }

    #[test]
    fn a_build_that_hangs_costs_only_its_own_program() {
        with_builder(Duration::from_millis(500), |dir, builder| {
            let recipes = [("sleep 600", "a"), ("true", "b")].map(|(s, c)| recipe(dir, s, c));
            let done = builder.all(&recipes.iter().collect::<Vec<_>>());
            let why = builder.program(&recipes[0], &done).unwrap_err().to_string();
            assert!(why.contains("printed nothing for 0.5 s and was ended"), "{why}");
            builder.program(&recipes[1], &done).unwrap();
        });
    }

    #[test]
    fn a_package_that_cargo_could_not_build_says_why() {
        with_builder(Duration::from_secs(60), |dir, builder| {
            let failure = BuildFailure {
                command: "cargo build --package b".to_owned(),
                end: BuildEnd::Exit { status: "exit status: 101".to_owned() },
                error_line: Some("error[E0425]: x".to_owned()),
                log: None,
            };
            let binaries = [("a", Ok(PathBuf::from("/bin/a"))), ("b", Err(failure))];
            let binaries = binaries.map(|(name, built)| (name.to_owned(), built));
            let done = Done { binaries: Binaries::from(binaries), jobs: BTreeMap::new() };
            let of = |package: &str| {
                let build = Build { cargo: Some(package.to_owned()), command: None };
                let recipe = Recipe { build, command: None, ..recipe(dir, "", "") };
                builder.program(&recipe, &done)
            };
            assert_eq!(of("a").unwrap(), ["/bin/a", "--fast"]);
            assert_eq!(
                of("b").unwrap_err().to_string(),
                "its build `cargo build --package b` failed (exit status: 101): error[E0425]: x"
            );
        });
    }
}
