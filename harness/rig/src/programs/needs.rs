//! What has to be on the machine before a program can be built and run, and Debian's packages of
//! it.

use bench_core::analysis::verdict::reason::Unavailability;
use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// The table `[needs]` of a manifest.
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

    /// The first of it that is missing.
    #[must_use]
    pub fn missing(&self) -> Option<Unavailability> {
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

    #[test]
    fn a_missing_program_or_file_is_reported_with_its_packages() {
        let missing = |needs: &str| {
            let needs: Needs = toml::from_str(needs).unwrap();
            needs.missing().map(|why| why.to_string())
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
}
