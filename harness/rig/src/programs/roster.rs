//! Finds the clients: every `clients/*/client.toml`, and those named by path.

use crate::host::spawn::Program;
use anyhow::{Context, Result, bail};
use bench_core::analysis::verdict::reason::Unavailability;
use bench_core::text::nearest;
use contract::Class;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A `client.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    class: Class,
    runtime: String,
    why: String,
    /// Whether it speaks TLS.
    #[serde(default)]
    tls: bool,
    /// Where it is built and run, for clients that share a program; absent: where the manifest is.
    dir: Option<PathBuf>,
    #[serde(default)]
    build: Build,
    #[serde(default)]
    run: Run,
    #[serde(default)]
    needs: Needs,
    #[serde(default)]
    variant: Vec<Variant>,
}

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

/// What has to be on the machine before a program can be built and run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Programs that have to be on the PATH, or paths of programs; with variables, as below.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Files that have to exist. `${NAME:-value}` stands for a variable of the environment, or
    /// for the value where it is not set.
    #[serde(default)]
    pub files: Vec<String>,
    /// Libraries that pkg-config has to find.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Debian's packages that have all of it; empty: those of the programs, as far as they are
    /// known.
    #[serde(default)]
    packages: Vec<String>,
}

/// Debian's packages of programs that clients need.
const PACKAGES: [(&str, &str); 7] = [
    ("chromium", "chromium"),
    ("go", "golang-go"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("pkg-config", "pkg-config"),
    ("python3", "python3"),
    ("xvfb-run", "xvfb"),
];

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

/// A client or one of its variants, ready to be built and run.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `tokio`, or `tokio:current-thread`.
    pub name: String,
    /// As its `client.toml` claims; its hello has to say the same.
    pub class: Class,
    /// What schedules its work, in a few words.
    pub runtime: String,
    /// Why the suite has it, in one line.
    pub why: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The name in its `client.toml`, which all of its variants share.
    pub client: String,
    /// How it is built and started.
    pub recipe: Recipe,
}

/// `harness.toml` in the suite's directory: where further clients are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Directories of clients, or directories that contain such directories; relative to the
    /// file.
    clients: Vec<PathBuf>,
}

/// All clients, sorted by name, each followed by its variants: those of the suite, of the
/// directories in its `harness.toml`, and `extra`.
///
/// # Errors
/// When a `client.toml` is wrong, or two share a name.
pub fn find(root: &Path, extra: &[PathBuf]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in manifests_in(&root.join("clients"))? {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
        entries.extend(load(&path).with_context(|| shown.display().to_string())?);
    }
    for path in listed(root)? {
        entries.extend(load(&path).with_context(|| path.display().to_string())?);
    }
    for path in extra {
        let loaded = load(&manifest(path));
        entries.extend(loaded.with_context(|| format!("--client {}", path.display()))?);
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        bail!("two clients are named `{}`: rename one in its client.toml", pair[0].name);
    }
    Ok(entries)
}

/// The `client.toml` of every directory in this one.
fn manifests_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let pattern = format!("{}/*/client.toml", glob::Pattern::escape(&dir.to_string_lossy()));
    Ok(glob::glob(&pattern)?.collect::<Result<_, _>>()?)
}

/// The path of a `client.toml`, given as the file or as its directory.
fn manifest(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("client.toml") } else { path.to_owned() }
}

/// The clients that `harness.toml` lists.
fn listed(root: &Path) -> Result<Vec<PathBuf>> {
    let file = root.join("harness.toml");
    let text = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.with_context(|| file.display().to_string())?,
    };
    let settings: Settings = toml::from_str(&text).context("harness.toml")?;
    let mut found = Vec::new();
    for folder in settings.clients {
        let dir = root.join(&folder);
        let own = dir.join("client.toml");
        let inside = if own.is_file() { vec![own] } else { manifests_in(&dir)? };
        if inside.is_empty() {
            bail!(
                "harness.toml: {}: no client.toml there, nor in a directory below it",
                folder.display()
            );
        }
        found.extend(inside);
    }
    Ok(found)
}

/// The entries that the command line asks for. `all` selects every client, but only the
/// variants that are named.
///
/// # Errors
/// When a name is unknown.
pub fn select(
    entries: &[Entry],
    all: bool,
    names: &[String],
    extra: &[PathBuf],
) -> Result<Vec<Entry>> {
    if let Some(unknown) = names.iter().find(|name| entries.iter().all(|e| e.name != **name)) {
        let known: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
        bail!("{}", nearest::unknown("client", unknown, &known));
    }
    let from_extra = |entry: &Entry| {
        let manifests = extra.iter().filter_map(|path| manifest(path).canonicalize().ok());
        manifests.into_iter().any(|path| path.parent() == Some(&entry.recipe.dir))
    };
    let wanted = |entry: &&Entry| {
        names.contains(&entry.name) || (entry.name == entry.client && (all || from_extra(entry)))
    };
    Ok(entries.iter().filter(wanted).cloned().collect())
}

/// Reads a manifest; returns it with its directory.
pub(crate) fn read_manifest<M: DeserializeOwned>(path: &Path) -> Result<(M, PathBuf)> {
    let path = path.canonicalize().context("cannot read it")?;
    let text = std::fs::read_to_string(&path).context("cannot read it")?;
    Ok((toml::from_str(&text)?, path.parent().unwrap_or(Path::new("/")).to_owned()))
}

fn load(path: &Path) -> Result<Vec<Entry>> {
    let (manifest, dir) = read_manifest::<Manifest>(path)?;
    let dir = match &manifest.dir {
        Some(other) => {
            dir.join(other).canonicalize().with_context(|| format!("dir: {}", other.display()))?
        }
        None => dir,
    };
    let variants = manifest.variant.iter().map(|v| &v.name);
    sound([&manifest.name].into_iter().chain(variants), &manifest.build, &manifest.run)?;
    let client = Entry {
        name: manifest.name.clone(),
        class: manifest.class,
        runtime: manifest.runtime,
        why: manifest.why,
        tls: manifest.tls,
        client: manifest.name,
        recipe: Recipe {
            dir,
            build: manifest.build,
            command: manifest.run.command,
            args: manifest.run.args,
            env: manifest.run.env,
            needs: manifest.needs,
        },
    };
    let variants = manifest.variant.into_iter().map(|variant| Entry {
        name: format!("{}:{}", client.name, variant.name),
        why: variant.why,
        recipe: client.recipe.with_args(variant.args),
        ..client.clone()
    });
    Ok(variants.chain([client.clone()]).collect())
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

impl Needs {
    /// Debian's packages that have all of it, as far as they are known.
    #[must_use]
    pub fn packages(&self) -> Vec<String> {
        if !self.packages.is_empty() {
            return self.packages.clone();
        }
        let of = |name: &String| {
            let name = with_variables(name);
            PACKAGES.iter().find(|(program, _)| *program == name)
        };
        let known = self.programs.iter().filter_map(of);
        known.map(|(_, package)| (*package).to_owned()).collect()
    }

    fn missing(&self) -> Option<Unavailability> {
        let packages = || self.packages();
        let mut programs = self.programs.iter().map(|program| with_variables(program));
        if let Some(program) = programs.find(|program| !on_path(program)) {
            return Some(Unavailability::MissingProgram { program, packages: packages() });
        }
        let mut files = self.files.iter().map(|file| with_variables(file));
        if let Some(path) = files.find(|path| !Path::new(path).exists()) {
            return Some(Unavailability::MissingFile { path, packages: packages() });
        }
        let library = self.libraries.iter().find(|library| !is_installed(library))?.clone();
        Some(Unavailability::MissingLibrary { library, packages: packages() })
    }
}

/// Whether pkg-config finds a library; without pkg-config it does not.
fn is_installed(library: &str) -> bool {
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.args(["--exists", library]).stdin(Stdio::null()).stderr(Stdio::null());
    pkg_config.status().is_ok_and(|status| status.success())
}

/// Replaces each `${NAME:-value}` by a variable of the environment, or by the value.
fn with_variables(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
    let Some((inner, after)) = rest.split_once('}') else { return text.to_owned() };
    let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    let value = value.unwrap_or_else(|| default.to_owned());
    format!("{before}{value}{}", with_variables(after))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(manifest: &str) -> (tempfile::TempDir, PathBuf) {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("client.toml");
        std::fs::write(&path, manifest).unwrap();
        (room, path)
    }

    const SOUND: &str = "name='a'\nclass='library'\nruntime='r'\nwhy='w'\n[run]\ncommand=['x']\nargs=['1']\n[[variant]]\nname='v'\nargs=['2']\nwhy='other'\n";

    #[test]
    fn a_client_and_its_variant_are_selectable() {
        let with_env = SOUND.replace("args=['1']", "args=['1']\nenv={GOGC='off'}");
        for entry in load(&room(&with_env).1).unwrap() {
            assert_eq!(entry.recipe.env["GOGC"], "off", "{}", entry.name);
        }
        let (room, path) = room(SOUND);
        let found = find(room.path(), std::slice::from_ref(&path)).unwrap();
        let names = |entries: &[Entry]| entries.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), ["a", "a:v"]);
        assert_eq!(found[1].recipe.args, ["1", "2"]);
        assert_eq!(names(&select(&found, true, &[], &[]).unwrap()), ["a"]);
        assert_eq!(names(&select(&found, false, &[], &[path]).unwrap()), ["a"]);
        assert_eq!(names(&select(&found, true, &["a:v".into()], &[]).unwrap()), ["a", "a:v"]);
        let error = select(&found, false, &["b".into()], &[]).unwrap_err();
        assert_eq!(error.to_string(), "no client `b`: choose a, a:v");
    }

    #[test]
    fn errors_name_the_mistake() {
        let cases = [
            (SOUND.replace("'a'", "'a b'"), "name `a b`"),
            (SOUND.replace("command=['x']", ""), "[run] command: needed"),
            (SOUND.replace("command=['x']", "command=[]"), "at least the program's name"),
            (SOUND.replace("'library'", "'best'"), "unknown variant `best`"),
            (SOUND.to_owned() + "[build]\ncargo='c'\ncommand=['d']\n", "not both"),
            (SOUND.to_owned() + "speed=9\n", "unknown field `speed`"),
        ];
        for (manifest, expected) in cases {
            let (room, path) = room(&manifest);
            let error = find(room.path(), &[path]).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
    }

    #[test]
    fn harness_toml_lists_directories_of_clients() {
        let (room, _) = room(SOUND);
        let root = room.path().join("suite");
        std::fs::create_dir_all(root.join("clients")).unwrap();
        let own = room.path().join("more/b");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("client.toml"), SOUND.replace("'a'", "'b'")).unwrap();
        let settings = root.join("harness.toml");
        let names = |text: &str| {
            std::fs::write(&settings, text).unwrap();
            find(&root, &[]).map(|found| found.into_iter().map(|e| e.name).collect::<Vec<_>>())
        };
        assert_eq!(names("clients = ['../more', '..']").unwrap(), ["a", "a:v", "b", "b:v"]);
        assert_eq!(names("clients = ['../more/b']").unwrap(), ["b", "b:v"]);
        for (text, expected) in [
            ("clients = ['nowhere']", "harness.toml: nowhere: no client.toml there"),
            ("client = []", "unknown field `client`"),
        ] {
            let error = format!("{:#}", names(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
        let given = find(&room.path().join("none"), &[own]).unwrap();
        assert_eq!(given.len(), 2, "--client takes a directory, too");
    }

    #[test]
    fn two_clients_of_one_name_are_refused() {
        let (_a, first) = room(SOUND);
        let (b, second) = room(SOUND);
        let error = find(b.path(), &[first, second]).unwrap_err();
        assert!(error.to_string().contains("two clients are named `a`"), "{error}");
    }

    #[test]
    fn a_missing_program_or_file_is_reported_with_its_packages() {
        let missing = |needs: &str| {
            let (room, path) = room(&format!("{SOUND}[needs]\n{needs}\n"));
            let found = find(room.path(), &[path]).unwrap();
            found[0].recipe.missing().map(|why| why.to_string())
        };
        assert_eq!(missing("programs=['sh']\nfiles=['/proc/self']"), None);
        let needs =
            Needs { programs: ["node", "sh", "npm"].map(str::to_owned).into(), ..Needs::default() };
        assert_eq!(needs.packages(), ["nodejs", "npm"]);
        assert_eq!(
            missing("programs=['sh','no-such-program']").unwrap(),
            "`no-such-program` is not on the PATH: install it"
        );
        // A program that a variable names, such as another Chromium.
        assert_eq!(missing("programs=['${NO_SUCH_VARIABLE:-/bin/sh}']"), None);
        assert_eq!(
            missing("programs=['${NO_SUCH_VARIABLE:-/no/such/chromium}']").unwrap(),
            "`/no/such/chromium` is not on the PATH: install it"
        );
        assert_eq!(
            missing("programs=['${NO_SUCH_VARIABLE:-no-such-program}']\npackages=['a']").unwrap(),
            "`no-such-program` is not on the PATH: apt-get install a"
        );
        assert_eq!(
            missing("programs=['no-such-program']\npackages=['a','b-dev']").unwrap(),
            "`no-such-program` is not on the PATH: apt-get install a b-dev"
        );
        assert_eq!(
            missing("files=['${NO_SUCH_VARIABLE:-/nowhere}/x/y']\npackages=['a']").unwrap(),
            "there is no /nowhere/x/y: apt-get install a"
        );
        assert_eq!(with_variables("${PATH:-}/a${NO_SUCH_VARIABLE:-b}c${"), {
            format!("{}/abc${{", std::env::var("PATH").unwrap())
        });
        assert_eq!(
            missing("libraries=['no-such-library']\npackages=['a-dev','b']").unwrap(),
            "pkg-config finds no library `no-such-library`: apt-get install a-dev b"
        );
    }

    #[test]
    fn clients_can_share_a_directory() {
        let (room, _) = room(SOUND);
        let own = room.path().join("other");
        std::fs::create_dir(&own).unwrap();
        let manifest = own.join("client.toml");
        std::fs::write(&manifest, format!("dir='..'\n{}", SOUND.replace("'a'", "'b'"))).unwrap();
        let found = find(&room.path().join("none"), std::slice::from_ref(&manifest)).unwrap();
        assert_eq!(found[0].recipe.dir, room.path().canonicalize().unwrap());
        std::fs::write(&manifest, format!("dir='../nowhere'\n{SOUND}")).unwrap();
        let error = format!("{:#}", find(&room.path().join("none"), &[manifest]).unwrap_err());
        assert!(error.contains("dir: ../nowhere"), "{error}");
    }
}
