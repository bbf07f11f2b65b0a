//! The first error in the output of a build. What follows it is mostly its consequence, and each
//! tool has its own way to mark it.

/// Finds the first error in lines that are given one after the other.
#[derive(Debug, Default)]
pub(super) struct FirstError {
    found: Option<String>,
    /// npm prints what the code of its error means on a later line.
    is_npm_code: bool,
    last: Option<String>,
}

/// A line of a reason is cut at this length, in characters.
const MOST_CHARS: usize = 300;

impl FirstError {
    /// The next line of the output.
    pub(super) fn line(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        self.last = Some(cut(line));
        match &mut self.found {
            None if is_error(line) => {
                self.is_npm_code = npm(line).is_some_and(|text| text.starts_with("code "));
                self.found = Some(cut(line));
            }
            Some(found) if self.is_npm_code => {
                // Between them: `errno`, `syscall` and the like.
                let is_detail = |text: &&str| {
                    let name = text.split(' ').next().unwrap_or_default();
                    !["", "code", "errno", "syscall", "path", "dest"].contains(&name)
                };
                if let Some(text) = npm(line).filter(is_detail) {
                    *found = cut(&format!("{found}: {text}"));
                    self.is_npm_code = false;
                }
            }
            _ => {}
        }
    }

    /// The first error; without one, the last line, which usually says why a build failed.
    pub(super) fn found(self) -> Option<String> {
        self.found.or(self.last)
    }
}

/// Whether a tool marks its errors like this.
fn is_error(line: &str) -> bool {
    is_rustc(line)
        || npm(line).is_some()
        // pip.
        || line.starts_with("ERROR: ")
        || is_go(line)
        // esbuild.
        || line.contains("[ERROR] ")
        || is_exception(line)
        // C compilers, linkers, and shells of which one word is missing.
        || line.contains(": error: ")
        || line.contains(": fatal error: ")
        || line.ends_with(": not found") && line.contains(": ")
}

/// cargo and rustc: `error: …` and `error[E0425]: …`.
fn is_rustc(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("error") else { return false };
    rest.starts_with(": ") || rest.starts_with("[E") && rest.contains("]: ")
}

/// What npm says after the mark of an error, which older versions wrote otherwise.
fn npm(line: &str) -> Option<&str> {
    line.strip_prefix("npm error ").or_else(|| line.strip_prefix("npm ERR! ")).map(str::trim)
}

/// go: `./main.go:7:2: undefined: x` below a line with the package; `go: …`, but not its progress.
fn is_go(line: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let at_a_place = line.split_once(".go:").is_some_and(|(file, rest)| {
        !file.contains(' ') && rest.split(':').next().is_some_and(is_number)
    });
    let is_progress = |rest: &str| {
        ["downloading", "finding", "extracting"].iter().any(|word| rest.starts_with(word))
    };
    at_a_place || line.strip_prefix("go: ").is_some_and(|rest| !is_progress(rest))
}

/// Node.js and Python: `TypeError: …`, `subprocess.CalledProcessError: …`.
fn is_exception(line: &str) -> bool {
    let Some((name, _)) = line.split_once(": ") else { return false };
    let name = name.strip_prefix("Uncaught ").unwrap_or(name);
    let name = name.split(" [").next().unwrap_or(name);
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
    is_name && (name.ends_with("Error") || name.ends_with("Exception"))
}

/// Without what only terminals read.
fn without_colours(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => drop(chars.find(|c| c.is_ascii_alphabetic())),
            c if c.is_control() && c != '\t' => {}
            c => text.push(c),
        }
    }
    text
}

fn cut(line: &str) -> String {
    line.chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(output: &str) -> String {
        let mut first = FirstError::default();
        output.lines().for_each(|line| first.line(line));
        first.found().unwrap_or_default()
    }

    #[test]
    fn cargo_reports_its_first_error() {
        let output = "\u{1b}[32m   Compiling\u{1b}[0m a v0.1.0 (/a)\n\
            warning: unused import: `std::fmt`\n\
            \u{1b}[31merror[E0425]\u{1b}[0m: cannot find value `x` in this scope\n \
            --> src/main.rs:1:13\n  |\nerror: aborting due to 1 previous error\n\
            error: could not compile `a` (bin \"a\") due to 1 previous error\n";
        assert_eq!(first(output), "error[E0425]: cannot find value `x` in this scope");
        let output = "    Updating crates.io index\n\
            warning: spurious network error (3 tries remaining): [6] Couldn't resolve host name\n\
            error: failed to get `serde` as a dependency of package `a v0.1.0`\n\nCaused by:\n  x\n";
        assert_eq!(
            first(output),
            "error: failed to get `serde` as a dependency of package `a v0.1.0`"
        );
    }

    #[test]
    fn npm_reports_its_code_and_what_it_means() {
        for mark in ["npm ERR!", "npm error"] {
            let output = format!(
                "npm warn deprecated a@1: use b\n{mark} code ENOTFOUND\n{mark} errno ENOTFOUND\n\
                 {mark} network request to the registry failed\n\
                 {mark} network This is a problem related to network connectivity.\n\
                 `npm ci` failed: see its output above\n"
            );
            let expected = format!("{mark} code ENOTFOUND: network request to the registry failed");
            assert_eq!(first(&output), expected);
        }
        let plain = "npm ERR! `npm ci` can only install packages with a lock file\nnpm ERR! more\n";
        assert_eq!(first(plain), "npm ERR! `npm ci` can only install packages with a lock file");
    }

    #[test]
    fn pip_reports_its_first_error_and_not_the_traceback_of_who_called_it() {
        let output = "WARNING: Retrying (Retry(total=0)) after connection broken\n\
            ERROR: Could not find a version that satisfies the requirement a==9 (from versions: 1)\n\
            ERROR: No matching distribution found for a==9\n\
            cannot make the virtual environment: Command '['python']' returned 1\n";
        assert_eq!(
            first(output),
            "ERROR: Could not find a version that satisfies the requirement a==9 (from versions: 1)"
        );
        let traceback = "Traceback (most recent call last):\n  File \"install.py\", line 3\n    \
            import nothing\nModuleNotFoundError: No module named 'nothing'\n";
        assert_eq!(first(traceback), "ModuleNotFoundError: No module named 'nothing'");
    }

    #[test]
    fn go_reports_the_place_below_the_name_of_the_package() {
        let output = "go: downloading example.com/a v1.0.0\n# command-line-arguments\n\
            ./main.go:7:2: undefined: x\n./main.go:9:2: undefined: y\n";
        assert_eq!(first(output), "./main.go:7:2: undefined: x");
        let output =
            "main.go:14:2: cannot find package \"github.com/a/b\" in any of:\n\t/usr/lib\n";
        assert_eq!(
            first(output),
            "main.go:14:2: cannot find package \"github.com/a/b\" in any of:"
        );
        assert_eq!(first("go: no such tool \"compile\"\nx\n"), "go: no such tool \"compile\"");
    }

    #[test]
    fn other_tools_are_recognised_or_their_last_line_is_kept() {
        for (output, expected) in [
            ("✘ [ERROR] Could not resolve \"a\"\n\n1 error\n", "✘ [ERROR] Could not resolve \"a\""),
            (
                "a.c:1:1: error: unknown type name 'x'\nmake: *** 2\n",
                "a.c:1:1: error: unknown type name 'x'",
            ),
            (
                "node:internal/modules:1\n  throw err;\n  ^\n\nError: Cannot find module 'a'\n    at b\n",
                "Error: Cannot find module 'a'",
            ),
            ("sh: 1: gcc: not found\nmake failed\n", "sh: 1: gcc: not found"),
            ("first\nno such library: install it\n\n", "no such library: install it"),
            ("", ""),
        ] {
            assert_eq!(first(output), expected);
        }
        assert_eq!(first(&"x".repeat(999)).len(), MOST_CHARS);
    }
}
