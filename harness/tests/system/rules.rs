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

/// What writes files.
const WRITES: [&str; 7] = [
    "fs::write",
    "File::create",
    "File::options",
    "OpenOptions",
    "create_dir",
    "fs::rename",
    "remove_dir_all",
];

/// The places below `harness` that write files which are no results, each with what it may use.
const OTHER_WRITERS: [(&str, &str); 6] = [
    // Receipts and logs of builds, beside what is built.
    ("rig/src/programs/beside.rs", "create_dir"),
    ("rig/src/programs/beside.rs", "File::create"),
    ("rig/src/programs/beside.rs", "fs::write"),
    ("rig/src/programs/beside.rs", "fs::rename"),
    // The last resort, if the guard itself was killed: the private directory of the meters.
    ("rig/src/host/processes/guard.rs", "remove_dir_all"),
    // The certificate of a campaign, in that directory.
    ("rig/src/round/certificate.rs", "OpenOptions"),
];

#[test]
fn only_the_store_writes_files() {
    let mut others = BTreeSet::new();
    for crate_dir in ["", "core/", "rig/", "archive/", "publish/", "classic/", "conformance/"] {
        for (path, code) in sources(&format!("harness/{crate_dir}src/**/*.rs")) {
            if path.ends_with("archive/src/store.rs") {
                continue;
            }
            // Rounds, and cases of the conformance suite, create a meter file for their client.
            let code = code.replace("MeterFile::create", "");
            for write in WRITES.into_iter().filter(|write| code.contains(write)) {
                let is_it = |other: &&(&str, &str)| path.ends_with(other.0) && write == other.1;
                let other = OTHER_WRITERS.iter().find(is_it);
                let shown = path.display();
                others.insert(other.unwrap_or_else(|| panic!("{shown} writes files: {write}")));
            }
        }
    }
    assert_eq!(others.len(), OTHER_WRITERS.len(), "an exception is outdated: {others:?} remain");
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

/// The paths that a source names: those of its `use` declarations, and those within its code.
fn paths(code: &str) -> Vec<String> {
    let (mut paths, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let Some(start) = after_use(line) else {
            rest.push_str(line.split(" // ").next().unwrap());
            rest.push('\n');
            continue;
        };
        let mut tree = start.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().expect("the end of a declaration"));
        }
        paths.extend(expand("", tree.split(';').next().unwrap()));
    }
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = rest.split(|c| !is_of_path(c)).map(|word| word.trim_end_matches(':'));
    paths.extend(words.filter(|word| word.contains("::")).map(str::to_owned));
    paths
}

/// What follows the `use` of a line that begins a declaration.
fn after_use(line: &str) -> Option<&str> {
    let (before, tree) = line.trim_start().split_once("use ")?;
    let is_visibility = before.starts_with("pub(") && before.ends_with(") ");
    (before.is_empty() || before == "pub " || is_visibility).then_some(tree)
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
            let (within, part) = (format!("{before}{}", head.trim()), std::mem::take(&mut part));
            // After the last comma there is nothing.
            paths.extend(expand(&within, &part).into_iter().filter(|_| !part.trim().is_empty()));
        } else {
            part.push(c);
        }
    }
    paths
}

/// The module of a file below a crate's `src`, such as `crate::a::b`. A `main.rs` is a crate of
/// its own.
fn module(file: &str) -> String {
    let path = file.trim_end_matches(".rs").replace('/', "::");
    let path = path.trim_end_matches("::mod");
    match path {
        "lib" => "crate".to_owned(),
        "main" => "main".to_owned(),
        path => format!("crate::{path}"),
    }
}

/// A path that the module `own` names, from the root of its crate; `None` for one of another
/// crate.
fn absolute(own: &str, path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let (mut from, mut rest) = (own, path);
    loop {
        if let Some(within) = rest.strip_prefix("super::") {
            (from, rest) = (from.rsplit_once("::")?.0, within);
        } else if let Some(within) = rest.strip_prefix("self::") {
            rest = within;
        } else {
            break;
        }
    }
    let child = format!("{from}::{}", rest.split("::").next().unwrap());
    match rest != path || modules.contains(&child) {
        true => Some(format!("{from}::{rest}")),
        false => path.starts_with("crate::").then(|| path.to_owned()),
    }
}

/// The module whose item a path names, unless it is `own` itself or of another crate.
fn target(own: &str, path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut path = absolute(own, path, modules)?;
    while !modules.contains(&path) {
        path.truncate(path.rfind("::")?);
    }
    (path != own).then_some(path)
}

/// The other modules of its crate that each module names.
fn arrows(dir: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(&format!("{dir}/src/**/*.rs"));
    let base = root().join(dir).join("src");
    let named = |path: &PathBuf| module(path.strip_prefix(&base).unwrap().to_str().unwrap());
    let modules: BTreeSet<String> = sources.iter().map(|(path, _)| named(path)).collect();
    let of = |(path, code): &(PathBuf, String)| {
        let own = named(path);
        let targets = paths(code).iter().filter_map(|path| target(&own, path, &modules)).collect();
        (own, targets)
    };
    sources.iter().map(of).collect()
}

#[test]
fn paths_lead_to_the_modules_that_they_name() {
    assert_eq!(expand("", "a::{b as x, c::{d, e}}"), ["a::b", "a::c::d", "a::c::e"]);
    let code = "pub(crate) use child::{\n    A,\n    b,\n};\n    use super::Z;\n\
                fn f() -> Vec<super::X> { child::g::<u8>(std::mem::take) } // see crate::no";
    let all = paths(code);
    assert_eq!(all, ["child::A", "child::b", "super::Z", "super::X", "child::g", "std::mem::take"]);
    let modules = ["crate", "crate::a", "crate::a::b", "crate::a::b::child", "crate::c"];
    let modules = BTreeSet::from(modules.map(str::to_owned));
    for (path, expected) in [
        ("crate::c::X", Some("crate::c")),
        ("crate::X", Some("crate")),
        ("super::X", Some("crate::a")),
        ("super::*", Some("crate::a")),
        ("super::super::c", Some("crate::c")),
        ("self::child::X", Some("crate::a::b::child")),
        ("child::f", Some("crate::a::b::child")),
        ("self::X", None),
        ("std::c", None),
        ("::child::X", None),
        ("c::X", None),
    ] {
        assert_eq!(target("crate::a::b", path, &modules).as_deref(), expected, "{path}");
    }
}

/// Neither by `use` nor by a path within the code.
#[test]
fn imports_form_no_circle() {
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
