//! Rules of the code that cargo cannot enforce.

use crate::common::root;
use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeSet;
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
