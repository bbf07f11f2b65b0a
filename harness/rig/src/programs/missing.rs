//! Which clients cannot run here, and how to get them: in one block, before anything is measured.

use super::build::Built;
use super::roster::Entry;
use bench_core::analysis::verdict::reason::Unavailability;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::process::{Command, Stdio};

/// The clients that cannot run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// By name, in the order of their names.
    clients: Vec<(String, Unavailability)>,
    /// All clients, those that can run among them.
    of: usize,
    /// Debian's packages that would help.
    packages: Vec<String>,
}

impl Missing {
    /// Those that lack something, before anything is built; `None` if there are none.
    #[must_use]
    pub fn before_build(entries: &[Entry]) -> Option<Self> {
        Self::new(entries, |entry| entry.recipe.missing())
    }

    /// Those that could not be built although nothing was known to be missing.
    #[must_use]
    pub fn after_build(entries: &[Entry], built: &BTreeMap<String, Built>) -> Option<Self> {
        Self::new(entries, |entry| match built.get(&entry.name) {
            Some(Built::Unavailable(why)) if entry.recipe.missing().is_none() => Some(why.clone()),
            _ => None,
        })
    }

    fn new(entries: &[Entry], why: impl Fn(&Entry) -> Option<Unavailability>) -> Option<Self> {
        // Variants lack what their client lacks.
        let of = entries.iter().map(|entry| &entry.client).collect::<BTreeSet<_>>().len();
        let mut clients: BTreeMap<String, Unavailability> = BTreeMap::new();
        let mut packages: Vec<String> = Vec::new();
        for entry in entries {
            let Some(why) = why(entry) else { continue };
            for package in entry.recipe.needs.packages() {
                if !packages.contains(&package) {
                    packages.push(package);
                }
            }
            clients.entry(entry.client.clone()).or_insert(why);
        }
        if clients.is_empty() {
            return None;
        }
        let installed = installed(&packages);
        packages.retain(|package| !installed.contains(package));
        Some(Self { clients: clients.into_iter().collect(), of, packages })
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, of, packages } = self;
        write!(f, "{} of {of} clients cannot run here:", clients.len())?;
        for (name, why) in clients {
            write!(f, "\n  {name}: {}", cause(why))?;
        }
        match packages.as_slice() {
            [] => Ok(()),
            packages => write!(f, "\n  to get them: apt-get install {}", packages.join(" ")),
        }
    }
}

/// Why a client cannot run, without what the end of the block says for all.
fn cause(why: &Unavailability) -> Unavailability {
    let mut why = why.clone();
    if let Unavailability::MissingProgram { packages, .. }
    | Unavailability::MissingFile { packages, .. }
    | Unavailability::MissingLibrary { packages, .. } = &mut why
    {
        packages.clear();
    }
    why
}

/// Those of these packages that Debian's package manager has installed; none where there is no
/// such manager.
fn installed(packages: &[String]) -> BTreeSet<String> {
    if packages.is_empty() {
        return BTreeSet::new();
    }
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${db:Status-Abbrev} ${Package}\n"]).args(packages);
    // It fails if it does not know one of them, and prints the others.
    let output = query.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("ii"));
    lines.filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::needs::Needs;
    use super::super::recipe::{Build, Recipe};
    use super::*;
    use bench_core::analysis::verdict::build_failure::{BuildEnd, BuildFailure};
    use std::path::PathBuf;

    fn entry(name: &str, programs: &[&str], packages: &[&str]) -> Entry {
        let needs = format!("programs = {programs:?}\npackages = {packages:?}");
        Entry {
            name: name.to_owned(),
            class: contract::Class::Library,
            runtime: "none".to_owned(),
            why: "for tests".to_owned(),
            tls: false,
            client: name.split(':').next().unwrap().to_owned(),
            recipe: Recipe {
                dir: PathBuf::from("/"),
                build: Build::default(),
                command: Some(vec![name.to_owned()]),
                args: Vec::new(),
                env: BTreeMap::new(),
                needs: toml::from_str::<Needs>(&needs).unwrap(),
            },
        }
    }

    #[test]
    fn all_that_is_missing_is_in_one_block_with_one_command() {
        let entries = [
            entry("a", &["no-such-program-1"], &["no-such-package-1", "no-such-package-2"]),
            entry("a:v", &["no-such-program-1"], &["no-such-package-1", "no-such-package-2"]),
            entry("b", &["sh"], &["dash"]),
            entry("c", &["no-such-program-2"], &["no-such-package-2", "no-such-package-3"]),
            entry("d", &["no-such-program-3"], &[]),
        ];
        assert_eq!(
            Missing::before_build(&entries).unwrap().to_string(),
            "3 of 4 clients cannot run here:\n  \
             a: `no-such-program-1` is not on the PATH: install it\n  \
             c: `no-such-program-2` is not on the PATH: install it\n  \
             d: `no-such-program-3` is not on the PATH: install it\n  \
             to get them: apt-get install no-such-package-1 no-such-package-2 no-such-package-3"
        );
        assert_eq!(Missing::before_build(&entries[2..3]), None);
    }

    #[test]
    fn what_does_not_build_is_told_apart_from_what_is_missing() {
        let entries = [entry("a", &["no-such-program"], &[]), entry("b", &["sh"], &[])];
        let failure = BuildFailure {
            command: "go build".to_owned(),
            end: BuildEnd::Exit { status: "exit status: 2".to_owned() },
            error_line: Some("./main.go:7:2: undefined: x".to_owned()),
            log: None,
        };
        let of = |entry: &Entry| entry.recipe.missing();
        let why = [of(&entries[0]).unwrap(), Unavailability::BuildFailed { failure }];
        let built = entries.iter().zip(why);
        let built = built.map(|(entry, why)| (entry.name.clone(), Built::Unavailable(why)));
        assert_eq!(
            Missing::after_build(&entries, &built.collect()).unwrap().to_string(),
            "1 of 2 clients cannot run here:\n  \
             b: its build `go build` failed (exit status: 2): ./main.go:7:2: undefined: x"
        );
    }
}
