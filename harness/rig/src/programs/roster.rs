//! Finds the clients: every `clients/*/client.toml`, and those named by path.

use super::needs::Needs;
use super::recipe::{Build, Recipe, Run, Variant, read_manifest, sound};
use anyhow::{Context, Result, bail};
use bench_core::text::nearest;
use contract::Class;
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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
