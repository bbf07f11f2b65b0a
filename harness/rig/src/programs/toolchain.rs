//! How the programs are built: the compiler, the profile, and what is set outside of the suite.

use bench_core::record::environment::Toolchain;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::{Table, Value};

/// Variables that change what compilers make of the same code; a name that ends with `*` stands
/// for all that begin so.
const VARIABLES: &[&str] = &[
    "CARGO_BUILD_*",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_PROFILE_*",
    "CC",
    "CFLAGS",
    "CGO_*",
    "CXX",
    "CXXFLAGS",
    "GOAMD64",
    "GOARM64",
    "GOFLAGS",
    "LDFLAGS",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];
/// Of these, those that only say where or how fast a build happens.
const HARMLESS: &[&str] = &["CARGO_BUILD_JOBS", "CARGO_BUILD_TARGET_DIR"];

/// How programs of this suite are built with this profile.
#[must_use]
pub fn read(root: &Path, profile: &str) -> Toolchain {
    let manifest = table(&root.join("Cargo.toml")).unwrap_or_default();
    let mut set_outside = variables(std::env::vars_os());
    for path in configurations(root) {
        set_outside.extend(table(&path).map(|table| configured(&table)).unwrap_or_default());
    }
    Toolchain {
        rustc: rustc(root),
        profile: profile.to_owned(),
        profile_settings: manifest
            .get("profile")
            .and_then(|all| all.get(profile)?.as_table())
            .map(plain)
            .unwrap_or_default(),
        set_outside,
    }
}

/// The version of the compiler that cargo runs in this directory.
fn rustc(root: &Path) -> Option<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").current_dir(root).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let matters = |name: &str| {
        let listed = VARIABLES.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == *pattern,
        });
        let of_target = name.starts_with("CARGO_TARGET_")
            && (name.ends_with("_RUSTFLAGS") || name.ends_with("_LINKER"));
        (listed || of_target) && !HARMLESS.contains(&name)
    };
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| matters(name) && !value.is_empty())
        // Cargo separates encoded flags by this character.
        .map(|(name, value)| (name, value.to_string_lossy().replace('\u{1f}', " ")))
        .collect()
}

/// The files in which cargo finds its configuration, apart from the suite's own: those of the
/// directories above it, and that of the user.
fn configurations(root: &Path) -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let above = root.ancestors().skip(1).map(|dir| dir.join(".cargo"));
    above.chain(home).map(|dir| dir.join("config.toml")).collect()
}

fn table(path: &Path) -> Option<Table> {
    std::fs::read_to_string(path).ok()?.parse().ok()
}

/// What a configuration file of cargo sets about compilers, by key.
fn configured(table: &Table) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |prefix: &str, of: Option<&Value>, keys: &[&str]| {
        let Some(of) = of.and_then(Value::as_table) else { return };
        for (key, value) in of {
            if keys.is_empty() || keys.contains(&key.as_str()) {
                found.insert(format!("{prefix}.{key}"), shown(value));
            }
        }
    };
    add("build", table.get("build"), &["rustc", "rustc-wrapper", "rustflags", "target"]);
    for (section, keys) in [("target", &["rustflags", "linker"][..]), ("profile", &[])] {
        for (name, value) in table.get(section).and_then(Value::as_table).into_iter().flatten() {
            add(&format!("{section}.{name}"), Some(value), keys);
        }
    }
    found
}

/// The settings of a table, apart from tables within it.
fn plain(table: &Table) -> BTreeMap<String, String> {
    let values = table.iter().filter(|(_, value)| !value.is_table());
    values.map(|(key, value)| (key.clone(), shown(value))).collect()
}

/// A value as one would type it, without quotes.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_and_the_compiler_of_the_suite_are_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let toolchain = read(&root, "release");
        assert_eq!(toolchain.profile_settings["lto"], "thin");
        assert_eq!(toolchain.profile_settings["codegen-units"], "1");
        assert!(toolchain.rustc.unwrap().starts_with("rustc 1."));
        assert!(read(&root, "no-such-profile").profile_settings.is_empty());
    }

    #[test]
    fn variables_of_compilers_are_recorded_and_others_are_not() {
        let all = [
            ("RUSTFLAGS", "-C target-cpu=native"),
            ("CARGO_ENCODED_RUSTFLAGS", "-C\u{1f}opt-level=3"),
            ("CARGO_PROFILE_RELEASE_LTO", "false"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-g"),
            ("CARGO_TARGET_DIR", "elsewhere"),
            ("CARGO_BUILD_JOBS", "2"),
            ("CARGO_HOME", "home"),
            ("CFLAGS", ""),
        ];
        let found = variables(all.map(|(name, value)| (name.into(), value.into())).into_iter());
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        let expected = [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "RUSTFLAGS",
        ];
        assert_eq!(names, expected);
        assert_eq!(found["CARGO_ENCODED_RUSTFLAGS"], "-C opt-level=3");
    }

    #[test]
    fn flags_in_cargos_own_files_are_found() {
        let text = "[build]\njobs = 2\nrustflags = ['-C', 'target-cpu=native']\n\
                    [target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\nrunner = 'x'\n\
                    [profile.release]\nlto = false\n[source.crates-io]\nreplace-with = 'x'\n";
        let found = configured(&text.parse().unwrap());
        let expected = [
            ("build.rustflags", "-C target-cpu=native"),
            ("profile.release.lto", "false"),
            ("target.x86_64-unknown-linux-gnu.linker", "clang"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(found, BTreeMap::from(expected));
    }
}
