//! Finds the servers: the tick server itself, and every `server/*/server.toml`.

use super::needs::Needs;
use super::recipe::{Build, Recipe, Run, Variant, read_manifest, sound};
use anyhow::{Context, Result, bail};
use bench_core::load::server::{DEFAULT, Paces, ServedBy, Style};
use bench_core::load::workload::Workload;
use bench_core::text::nearest;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tick::Schedule;

/// A `server.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    why: String,
    #[serde(default)]
    paces: Paces,
    #[serde(default)]
    listener: Listener,
    #[serde(default)]
    build: Build,
    #[serde(default)]
    run: Run,
    #[serde(default)]
    needs: Needs,
    #[serde(default)]
    variant: Vec<Variant>,
}

/// `listener` in a `server.toml`: who opens the server's listening socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Listener {
    /// The server itself, with the options of its plan.
    #[default]
    Own,
    /// The harness, for a server that cannot set them.
    Inherited,
}

/// A server, ready to be built and run.
#[derive(Debug, Clone)]
pub struct Server {
    /// How a campaign records it.
    pub served_by: ServedBy,
    /// Why the suite has it, in one line.
    pub why: String,
    /// Whether it inherits its listening socket from the harness.
    pub inherits_listener: bool,
    /// How it is built and started.
    pub recipe: Recipe,
}

/// All servers: the suite's own first, then the others and their variants by name.
///
/// # Errors
/// When a `server.toml` is wrong, or two share a name.
pub fn find(root: &Path) -> Result<Vec<Server>> {
    let pattern =
        format!("{}/server/*/server.toml", glob::Pattern::escape(&root.to_string_lossy()));
    let mut servers = vec![own(root)];
    for path in glob::glob(&pattern)? {
        let path = path?;
        let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
        servers.extend(load(&path).with_context(|| shown.display().to_string())?);
    }
    servers[1..].sort_by(|a, b| a.served_by.name.cmp(&b.served_by.name));
    let names: Vec<&str> = servers.iter().map(|server| server.served_by.name.as_str()).collect();
    if let Some(name) = (1..names.len())
        .map(|at| names[at])
        .find(|name| names.iter().filter(|other| other == &name).count() > 1)
    {
        bail!("two servers are named `{name}`: rename one in its server.toml");
    }
    Ok(servers)
}

/// The server that the command line asks for.
///
/// # Errors
/// When the name is unknown, or the server does not have the style.
pub fn select(root: &Path, name: &str, style: Option<Style>) -> Result<Server> {
    let found = find(root)?;
    let Some(server) = found.iter().find(|server| server.served_by.name == name) else {
        let names: Vec<&str> = found.iter().map(|s| s.served_by.name.as_str()).collect();
        bail!("--server: {}", nearest::unknown("server", name, &names));
    };
    let mut server = server.clone();
    match style {
        Some(style) if name != DEFAULT => bail!(
            "--style {}: only {DEFAULT} has styles, and {name} has its own pacing: leave it out",
            style
        ),
        Some(Style::Classic) => {
            server.served_by.style = style;
            server.served_by.paces = Paces::Classic;
            server.recipe.args = ["child", "--style", "classic"].map(str::to_owned).into();
        }
        // The schedule is its default.
        Some(Style::Schedule) | None => {}
    }
    Ok(server)
}

/// The suite's own server.
#[must_use]
pub fn own(root: &Path) -> Server {
    Server {
        served_by: ServedBy::default(),
        why: "Writes each tick at its due time; campaigns use it unless another is named."
            .to_owned(),
        inherits_listener: false,
        recipe: Recipe {
            dir: root.to_owned(),
            build: Build { cargo: Some(DEFAULT.to_owned()), command: None },
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            needs: Needs::default(),
        },
    }
}

/// A server and its variants, which are built as it is.
fn load(path: &Path) -> Result<Vec<Server>> {
    let (manifest, dir) = read_manifest::<Manifest>(path)?;
    let variants = manifest.variant.iter().map(|variant| &variant.name);
    sound([&manifest.name].into_iter().chain(variants), &manifest.build, &manifest.run)?;
    let server = Server {
        served_by: ServedBy { name: manifest.name, style: None, paces: manifest.paces },
        why: manifest.why,
        inherits_listener: manifest.listener == Listener::Inherited,
        recipe: Recipe {
            dir,
            build: manifest.build,
            command: manifest.run.command,
            args: manifest.run.args,
            env: manifest.run.env,
            needs: manifest.needs,
        },
    };
    let variants = manifest.variant.into_iter().map(|variant| Server {
        served_by: ServedBy {
            name: format!("{}:{}", server.served_by.name, variant.name),
            ..server.served_by.clone()
        },
        why: variant.why,
        recipe: server.recipe.with_args(variant.args),
        ..server.clone()
    });
    Ok([server.clone()].into_iter().chain(variants).collect())
}

impl Server {
    /// Checks that it supports these loads.
    ///
    /// # Errors
    /// When it does not: names the first of them.
    pub fn carries(&self, workloads: &[Workload]) -> Result<()> {
        if self.served_by.keeps_due_times() {
            return Ok(());
        }
        let is_plain = |w: &&Workload| w.slow_consumer.is_none() && w.server_threads == 1 && !w.tls;
        if let Some(unsupported) = workloads.iter().find(|workload| !is_plain(workload)) {
            bail!(
                "workload {}: {}, which has its own pacing, supports no policies for slow consumers, no server_threads and no tls: choose another workload or --server",
                unsupported.name,
                self.served_by
            );
        }
        let known = |workload: &Workload| {
            let schedule = workload.schedule(0);
            matches!(schedule, Ok(Schedule::Rate { .. } | Schedule::Flood))
        };
        match workloads.iter().find(|workload| !known(workload)) {
            Some(unknown) => bail!(
                "workload {}: {}, which has its own pacing, supports only a fixed rate and a flood: choose another workload or --server",
                unknown.name,
                self.served_by
            ),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(manifest: &str) -> tempfile::TempDir {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("server/other");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("server.toml"), manifest).unwrap();
        room
    }

    fn load_one(manifest: &str) -> Server {
        select(room(manifest).path(), "other", None).unwrap()
    }

    const SOUND: &str =
        "name='other'\nwhy='w'\npaces='classic'\n[run]\ncommand=['x']\n[needs]\nprograms=['y']\n";

    #[test]
    fn servers_are_found_by_their_manifests() {
        let room = room(SOUND);
        let names: Vec<String> =
            find(room.path()).unwrap().into_iter().map(|s| s.served_by.name).collect();
        assert_eq!(names, [DEFAULT, "other"]);
        let other = select(room.path(), "other", None).unwrap();
        assert_eq!(other.served_by.paces, Paces::Classic);
        assert!(!other.inherits_listener);
        assert_eq!(other.served_by.options(), ["--server other"]);
        assert!(other.served_by.note().unwrap().contains("coordinated omission"));
        let own = select(room.path(), DEFAULT, Some(Style::Schedule)).unwrap();
        assert!(own.served_by.is_default() && own.served_by.note().is_none());
        let inherits = load_one(&SOUND.replace("[run]", "listener='inherited'\n[run]"));
        assert!(inherits.inherits_listener && !own.inherits_listener);
        let classic = select(room.path(), DEFAULT, Some(Style::Classic)).unwrap();
        assert_eq!(classic.served_by.options(), ["--style classic"]);
        assert_eq!(classic.recipe.args, ["child", "--style", "classic"]);
    }

    #[test]
    fn a_variant_of_a_server_has_more_arguments() {
        let room = room(&format!("{SOUND}[[variant]]\nname='v'\nargs=['--v']\nwhy='less'\n"));
        let names: Vec<String> =
            find(room.path()).unwrap().into_iter().map(|s| s.served_by.name).collect();
        assert_eq!(names, [DEFAULT, "other", "other:v"]);
        let other = select(room.path(), "other", None).unwrap();
        let variant = select(room.path(), "other:v", None).unwrap();
        assert!(other.recipe.args.is_empty());
        assert_eq!(variant.recipe.args, ["--v"]);
        assert_eq!(variant.recipe.build, other.recipe.build);
        assert_eq!((variant.why.as_str(), variant.served_by.paces), ("less", Paces::Classic));
        assert_eq!(variant.served_by.options(), ["--server other:v"]);
    }

    #[test]
    fn errors_name_the_mistake() {
        let sound = room(SOUND);
        let error = select(sound.path(), "othre", None).unwrap_err().to_string();
        assert_eq!(
            error,
            "--server: no server `othre`: did you mean `other`? choose tick-server, other"
        );
        let error = select(sound.path(), "other", Some(Style::Classic)).unwrap_err().to_string();
        assert!(error.starts_with("--style classic: only tick-server has styles"), "{error}");
        for (manifest, expected) in [
            (SOUND.replace("'other'", "'tick-server'"), "two servers are named `tick-server`"),
            (SOUND.replace("'classic'", "'fast'"), "unknown variant `fast`"),
            (SOUND.replace("[run]", "listener='mine'\n[run]"), "unknown variant `mine`"),
            (SOUND.replace("command=['x']", ""), "[run] command: needed"),
            (SOUND.to_owned() + "[extra]\n", "unknown field `extra`"),
        ] {
            let room = room(&manifest);
            let error = find(room.path()).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
    }

    #[test]
    fn loads_that_a_server_does_not_support_are_refused() {
        let head = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\nrate_per_s=5\n";
        let plain: Workload = toml::from_str(head).unwrap();
        let poisson: Workload = toml::from_str(&format!("{head}poisson=true")).unwrap();
        let room = room(SOUND);
        let other = select(room.path(), "other", None).unwrap();
        other.carries(std::slice::from_ref(&plain)).unwrap();
        let error = other.carries(&[plain, poisson.clone()]).unwrap_err().to_string();
        assert!(error.starts_with("workload w: other, which has its own pacing"), "{error}");
        select(room.path(), DEFAULT, None).unwrap().carries(&[poisson]).unwrap();
    }
}
