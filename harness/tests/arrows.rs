//! The arrows of the house, one way: tick ← contract ← server, kit, harness;
//! kit ← clients. Nobody else may depend on anybody, and the harness names no
//! client in its code.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let own: BTreeSet<String> = metadata.packages.iter().map(|p| p.name.to_string()).collect();
    let inside = |package: &cargo_metadata::Package| {
        package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal && own.contains(&d.name))
            .map(|d| d.name.clone())
            .collect()
    };
    metadata.packages.iter().map(|p| (p.name.to_string(), inside(p))).collect()
}

#[test]
fn dependencies_point_one_way() {
    let arrows = arrows();
    let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(arrows["tick"], names(&[]));
    assert_eq!(arrows["contract"], names(&["tick"]));
    assert_eq!(arrows["tick-server"], names(&["contract", "tick"]));
    assert_eq!(arrows["conformance"], names(&["contract", "tick"]));
    // The kit carries it for the tests of clients only, by a feature.
    assert_eq!(arrows["client-kit"], names(&["conformance", "contract", "tick"]));
    assert_eq!(arrows["harness"], names(&["conformance", "contract", "tick"]));
    // What attacks all of them with arbitrary bytes, and is needed by none. It has the
    // floor's frame reader by its file.
    assert_eq!(arrows["fuzz"], names(&["contract", "harness", "tick", "tick-server"]));
    assert!(arrows.values().all(|needs| !needs.contains("fuzz")));
    let known = ["tick", "contract", "conformance", "tick-server", "client-kit", "harness", "fuzz"];
    let mut clients = 0;
    for (client, needs) in arrows.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        assert_eq!(needs, &names(&["client-kit"]), "{client}");
        clients += 1;
    }
    assert!(clients >= 6);
}

#[test]
fn the_harness_names_no_client_and_decodes_no_tick() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clients: Vec<String> = glob::glob(&format!("{}/../clients/*/client.toml", root.display()))
        .unwrap()
        .map(|path| {
            path.unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    assert!(clients.len() >= 6);
    for path in glob::glob(&format!("{}/src/**/*.rs", root.display())).unwrap() {
        let path = path.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for client in &clients {
            assert!(!code.contains(&format!("\"{client}\"")), "{} names {client}", path.display());
        }
        for bytes in ["Framer", ".decode(", ".encode("] {
            assert!(!code.contains(bytes), "{} touches tick's bytes", path.display());
        }
    }
}

#[test]
fn only_the_store_writes_results_and_only_the_kit_and_server_see_stdout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for path in glob::glob(&format!("{}/clients/*/src/*.rs", root.display())).unwrap() {
        let path = path.unwrap();
        if path.components().any(|part| part.as_os_str() == "kit") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for forbidden in
            ["println!(", "Instant::now", "fs::write", "File::", "SystemTime", "contract::"]
        {
            assert!(!text.contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
    for path in glob::glob(&format!("{}/harness/src/**/*.rs", root.display())).unwrap() {
        let path = path.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code = code.replace("MeterFile::create", "");
        let writes = ["fs::write", "File::create", "create_dir", "fs::rename"];
        let writer = path.ends_with("store.rs");
        assert!(writer || writes.iter().all(|w| !code.contains(w)), "{} writes", path.display());
    }
}
