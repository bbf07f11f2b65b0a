//! The environment of children: an allow-list, as any other variable may change how fast a
//! program runs, and a padding that differs from round to round.

use anyhow::{Result, bail};
use bench_core::record::environment::Environment as Recorded;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// What children get of the harness's own environment, and why; a name that ends with `*` stands
/// for all that begin so. Everything else that they have is set for them: by their manifest
/// (`env` in `[run]`), by the guard ([`crate::host::processes::strays::MARK`]), and the [`PADDING`].
pub const ALLOWED: &[(&str, &str)] = &[
    ("CHROMIUM", "which browser a client in a browser starts"),
    ("DISPLAY", "where a client with a window shows it"),
    ("FONTCONFIG_FILE", "without it, Chromium finds no fonts on some systems"),
    ("FONTCONFIG_PATH", "as above"),
    ("HOME", "where Chromium and fontconfig keep their caches"),
    ("LANG", "the encoding of Python's standard streams"),
    ("LC_*", "as above, each part of it"),
    ("PATH", "programs that are started by name: node, sh, chromium"),
    ("TICK_BENCH_TEST_ROOM", "by which tests of this suite find the processes that they started"),
    ("TMPDIR", "where Chromium creates its profile, and others their temporary files"),
    ("WAYLAND_DISPLAY", "as DISPLAY"),
    ("XAUTHORITY", "without it, some displays admit no client"),
    ("XDG_RUNTIME_DIR", "where the socket of a Wayland display is"),
];

/// Variables that are known to change the speed of programs: named where they are set and not
/// passed on.
const SPEED: &[&str] = &[
    "ASYNC_STD_THREAD_COUNT",
    "GLIBC_TUNABLES",
    "GODEBUG",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "GOTRACEBACK",
    "JE_MALLOC_CONF",
    "LD_*",
    "MALLOC_*",
    "MIMALLOC_*",
    "NODE_*",
    "OMP_*",
    "OPENSSL_*",
    "PYTHON*",
    "RAYON_NUM_THREADS",
    "RUST_*",
    "SMOL_THREADS",
    "SSLKEYLOGFILE",
    "TCMALLOC_*",
    "TOKIO_WORKER_THREADS",
    "UV_*",
    "V8_*",
];

/// The variable that lengthens the environment of a child.
pub const PADDING: &str = "TICK_BENCH_PADDING";

/// What children get of the harness's environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Names that are passed on besides those of the allow-list.
    asked_for: Vec<String>,
}

impl Environment {
    /// The allow-list, and these names.
    ///
    /// # Errors
    /// When one of them is not set.
    pub fn new(asked_for: Vec<String>) -> Result<Self> {
        match asked_for.iter().find(|name| std::env::var_os(name).is_none()) {
            Some(name) => bail!("--pass-env {name}: it is not set: set it, or omit the option"),
            None => Ok(Self { asked_for }),
        }
    }

    /// Leaves a command the variables that children get, and those that were set for it.
    pub fn clean(&self, command: &mut Command) {
        let set: Vec<(OsString, Option<OsString>)> =
            command.get_envs().map(|(name, value)| (name.into(), value.map(Into::into))).collect();
        command.env_clear().envs(self.passed(std::env::vars_os()));
        for (name, value) in set {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// Those of all these variables that children get.
    fn passed(
        &self,
        all: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> BTreeMap<OsString, OsString> {
        all.into_iter().filter(|(name, _)| self.is_asked_for(name) || is_allowed(name)).collect()
    }

    fn is_asked_for(&self, name: &OsStr) -> bool {
        self.asked_for.iter().any(|asked| OsStr::new(asked) == name)
    }

    /// What a campaign records of it.
    #[must_use]
    pub fn record(&self) -> Recorded {
        self.record_of(std::env::vars_os().collect())
    }

    fn record_of(&self, all: Vec<(OsString, OsString)>) -> Recorded {
        let shown = |name: &OsString| name.to_string_lossy().into_owned();
        let withheld = all.iter().map(|(name, _)| name).filter(|name| {
            !self.is_asked_for(name) && !is_allowed(name) && is_one_of(SPEED.iter().copied(), name)
        });
        let mut withheld: Vec<String> = withheld.map(shown).collect();
        withheld.sort();
        let passed = self.passed(all);
        // `name=value`, and the zero at its end.
        let bytes = passed.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
        let (asked_for, passed): (Vec<&OsString>, Vec<&OsString>) =
            passed.keys().partition(|name| self.is_asked_for(name));
        Recorded {
            passed: passed.into_iter().map(shown).collect(),
            asked_for: asked_for.into_iter().map(shown).collect(),
            bytes: bytes as u64,
            withheld,
        }
    }
}

/// The value of [`PADDING`].
#[must_use]
pub fn padding(bytes: u32) -> String {
    "x".repeat(bytes as usize)
}

fn is_allowed(name: &OsStr) -> bool {
    is_one_of(ALLOWED.iter().map(|(name, _)| *name), name)
}

fn is_one_of<'a>(patterns: impl IntoIterator<Item = &'a str>, name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    patterns.into_iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn only_allowed_variables_and_those_asked_for_are_passed_on() {
        let outside = variables(&[
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("LC", "no part of a locale"),
            ("NODE_OPTIONS", "--max-old-space-size=9"),
            ("LD_PRELOAD", "x.so"),
            ("PYTHONOPTIMIZE", "2"),
            ("EDITOR", "vi"),
        ]);
        let asked_for = vec!["LD_PRELOAD".to_owned()];
        let recorded = Environment { asked_for }.record_of(outside);
        assert_eq!(recorded.passed, ["LC_ALL", "PATH"]);
        assert_eq!(recorded.asked_for, ["LD_PRELOAD"]);
        assert_eq!(recorded.withheld, ["NODE_OPTIONS", "PYTHONOPTIMIZE"]);
        let all = "PATH=/bin_LC_ALL=C_LD_PRELOAD=x.so_";
        assert_eq!(recorded.bytes, all.len() as u64);
    }

    #[test]
    fn a_child_has_what_is_allowed_and_what_was_set_for_it() {
        let mut command = Command::new("env");
        command.env("OWN", "of its manifest").env(PADDING, padding(3)).env_remove("HOME");
        Environment::default().clean(&mut command);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> =
            text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        for name in &names {
            assert!(is_allowed(OsStr::new(name)) || ["OWN", PADDING].contains(name), "{text}");
        }
        assert!(names.contains(&"PATH") && !names.contains(&"HOME"), "{text}");
        assert!(text.contains("OWN=of its manifest\n"), "{text}");
        assert!(text.contains("TICK_BENCH_PADDING=xxx\n"), "{text}");
        // Cargo sets it for tests, so it was there to be taken away.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    }

    #[test]
    fn each_allowed_variable_has_a_reason_and_changes_no_runtime() {
        for (name, reason) in ALLOWED {
            assert!(!reason.is_empty(), "{name}");
            assert!(!is_one_of(SPEED.iter().copied(), OsStr::new(name)), "{name}");
        }
    }
}
