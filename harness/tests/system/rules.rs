//! Rules of the code that cargo cannot enforce.

use crate::common::root;
use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// The Rust sources that match a pattern below the root, without tests and comments.
fn sources(pattern: &str) -> Vec<(PathBuf, String)> {
    let root = root();
    let paths = glob::glob(&format!("{}/{pattern}", root.display())).unwrap();
    let is_test = |path: &PathBuf| {
        let names = ["tests", "tests.rs", "target", "test_rounds.rs", "examples", "benches"];
        path.strip_prefix(&root).unwrap().iter().any(|part| names.contains(&part.to_str().unwrap()))
    };
    let paths = paths.map(Result::unwrap).filter(|path| !is_test(path));
    let sources: Vec<(PathBuf, String)> = paths
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            (path, lines.collect::<Vec<_>>().join("\n"))
        })
        .collect();
    assert!(!sources.is_empty(), "{pattern}");
    sources
}

fn clients() -> Vec<String> {
    let manifests = glob::glob(&format!("{}/clients/*/client.toml", root().display())).unwrap();
    let name = |path: PathBuf| path.parent()?.file_name()?.to_str().map(str::to_owned);
    let clients: Vec<String> = manifests.map(|path| name(path.unwrap()).unwrap()).collect();
    assert!(clients.len() >= 6);
    clients
}

#[test]
fn a_client_depends_on_the_kit_and_on_no_other_crate_of_the_suite() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let own: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let mut checked = 0;
    for package in &metadata.packages {
        if !package.manifest_path.as_str().contains("/clients/") || package.name == "client-kit" {
            continue;
        }
        let needs: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal && own.contains(d.name.as_str()))
            .map(|d| d.name.as_str())
            .collect();
        assert_eq!(needs, ["client-kit"], "{}", package.name);
        checked += 1;
    }
    assert!(checked >= 6);
}

#[test]
fn the_harness_names_no_client_and_decodes_no_tick() {
    let clients = clients();
    for crate_dir in ["", "core/", "rig/", "archive/", "publish/"] {
        for (path, code) in sources(&format!("harness/{crate_dir}src/**/*.rs")) {
            for client in &clients {
                let named = code.contains(&format!("\"{client}\""));
                assert!(!named, "{} names {client}", path.display());
            }
            for bytes in ["Framer", "tick::decode", "tick::encode"] {
                assert!(!code.contains(bytes), "{} decodes ticks", path.display());
            }
        }
    }
}

#[test]
fn only_the_store_writes_files() {
    let writes = ["fs::write", "File::create", "create_dir", "fs::rename", "remove_dir_all"];
    for crate_dir in ["", "core/", "archive/", "publish/", "classic/", "conformance/"] {
        for (path, code) in sources(&format!("harness/{crate_dir}src/**/*.rs")) {
            let is_writer = path.ends_with("archive/src/store.rs");
            // A case of the conformance suite creates a meter file for its client.
            let code = code.replace("MeterFile::create", "");
            assert!(is_writer || writes.iter().all(|w| !code.contains(w)), "{}", path.display());
        }
    }
}

/// The kit does all of that.
#[test]
fn clients_read_no_clock_write_no_file_and_print_nothing() {
    let forbidden =
        ["println!(", "Instant::now", "fs::write", "File::", "SystemTime", "contract::"];
    for (path, code) in sources("clients/*/src/**/*.rs") {
        if path.components().any(|part| part.as_os_str() == "kit") {
            continue;
        }
        for word in forbidden {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
}

/// The paths that the `use` declarations of a source name, such as `crate::a::b`.
fn imports(code: &str) -> Vec<String> {
    let lines: Vec<&str> = code.lines().collect();
    let is_use = |line: &str| line.trim_start_matches("pub ").starts_with("use ");
    let starts = (0..lines.len()).filter(|&number| is_use(lines[number]));
    let paths = |start: usize| {
        let rest = lines[start..].concat();
        let tree = rest.split_once("use ").unwrap().1.split(';').next().unwrap();
        expand("", tree)
    };
    starts.flat_map(paths).collect()
}

/// The paths of a tree: `a::{b as x, c::{d, e}}` gives `a::b`, `a::c::d` and `a::c::e`.
fn expand(before: &str, tree: &str) -> Vec<String> {
    let Some((head, tail)) = tree.split_once('{') else {
        return vec![format!("{before}{}", tree.split(" as ").next().unwrap().trim())];
    };
    let (mut depth, mut part, mut paths) = (0, String::new(), Vec::new());
    for c in tail.trim_end().strip_suffix('}').unwrap().chars().chain([',']) {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            let within = format!("{before}{}", head.trim());
            paths.extend(expand(&within, &std::mem::take(&mut part)));
        } else {
            part.push(c);
        }
    }
    paths
}

/// The module of a file below a crate's `src`, such as `crate::a::b`.
fn module(file: &str) -> String {
    let path = file.trim_end_matches(".rs").replace('/', "::");
    let path = path.trim_end_matches("::mod");
    match path {
        "lib" | "main" | "mod" => "crate".to_owned(),
        path => format!("crate::{path}"),
    }
}

/// What each module of a crate imports from other modules of it.
fn arrows(dir: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(&format!("{dir}/src/**/*.rs"));
    let base = root().join(dir).join("src");
    let named = |path: &PathBuf| module(path.strip_prefix(&base).unwrap().to_str().unwrap());
    let modules: BTreeSet<String> = sources.iter().map(|(path, _)| named(path)).collect();
    let of = |(path, code): &(PathBuf, String)| {
        let own = named(path);
        let above = own.rsplit_once("::").map_or("crate", |(above, _)| above);
        let absolute = |path: String| match path.strip_prefix("super::") {
            Some(rest) => format!("{above}::{rest}"),
            None => path,
        };
        let target = |path: String| {
            let mut path = absolute(path);
            while path != "crate" && !modules.contains(&path) {
                path = path.rsplit_once("::")?.0.to_owned();
            }
            Some(path).filter(|path| path != "crate" && *path != own)
        };
        let targets = imports(code).into_iter().filter_map(target).collect();
        (own, targets)
    };
    sources.iter().map(of).collect()
}

#[test]
fn imports_form_no_circle() {
    assert_eq!(expand("", "a::{b as x, c::{d, e}}"), ["a::b", "a::c::d", "a::c::e"]);
    let below = ["contract", "core", "rig", "archive", "publish", "classic", "conformance"];
    let harness = below.map(|name| format!("harness/{name}"));
    let others = ["harness", "server", "server/tick", "clients/kit"].map(str::to_owned);
    for dir in harness.into_iter().chain(others) {
        let mut arrows = arrows(&dir);
        assert!(arrows.values().any(|targets| !targets.is_empty()), "{dir}: no import was read");
        // What imports nothing that is left, or is imported by nothing, is in no circle.
        loop {
            let left: BTreeSet<String> = arrows.keys().cloned().collect();
            let imported: BTreeSet<String> = arrows.values().flatten().cloned().collect();
            arrows.retain(|name, targets| {
                imported.contains(name) && targets.iter().any(|target| left.contains(target))
            });
            if arrows.len() == left.len() {
                break;
            }
        }
        assert!(arrows.is_empty(), "{dir}: imports form a circle among {arrows:#?}");
    }
}
