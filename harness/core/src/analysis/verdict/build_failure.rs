//! Why a program could not be built.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A build that failed.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct BuildFailure {
    /// The command that built it, as it would be typed.
    pub command: String,
    /// How it ended.
    pub end: BuildEnd,
    /// The first error that the tool reported, in its own words; its last line where none looks
    /// like one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_line: Option<String>,
    /// The file with all its output, from the suite's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// How a build ended that failed.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum BuildEnd {
    /// With an error.
    Exit {
        /// As the operating system names it, such as `exit status: 1`.
        status: String,
    },
    /// It printed nothing for too long, and was ended.
    Silent {
        /// How long, in ms.
        limit_ms: u64,
    },
    /// It built something else.
    NoBinary {
        /// The binary that it should have built.
        name: String,
    },
    /// It could not be run, or not to its end.
    NotRun {
        /// What the operating system says.
        error: String,
    },
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, end, error_line, log } = self;
        match end {
            BuildEnd::Exit { status } => write!(f, "its build `{command}` failed ({status})")?,
            BuildEnd::Silent { limit_ms } => {
                let seconds = *limit_ms as f64 / 1e3;
                write!(f, "its build `{command}` printed nothing for {seconds} s and was ended")?;
            }
            BuildEnd::NoBinary { name } => {
                write!(f, "its build `{command}` made no program named {name}")?;
            }
            BuildEnd::NotRun { error } => {
                write!(f, "its build `{command}` cannot be run: {error}")?;
            }
        }
        if let Some(line) = error_line {
            write!(f, ": {line}")?;
        }
        match log {
            Some(log) => write!(f, "; all of its output is in {log}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_build_reports_its_error_and_its_log() {
        let failure = |end| BuildFailure {
            command: "npm ci".to_owned(),
            end,
            error_line: Some("npm ERR! code E404".to_owned()),
            log: Some("target/tick-bench/logs/a.log".to_owned()),
        };
        let exit = failure(BuildEnd::Exit { status: "exit status: 1".to_owned() });
        assert_eq!(
            exit.to_string(),
            "its build `npm ci` failed (exit status: 1): npm ERR! code E404; all of its output is in target/tick-bench/logs/a.log"
        );
        let silent = BuildFailure {
            error_line: None,
            log: None,
            ..failure(BuildEnd::Silent { limit_ms: 1_500 })
        };
        assert_eq!(
            silent.to_string(),
            "its build `npm ci` printed nothing for 1.5 s and was ended"
        );
        for failure in [exit, silent] {
            let json = serde_json::to_value(&failure).unwrap();
            assert_eq!(serde_json::from_value::<BuildFailure>(json).unwrap(), failure);
        }
    }
}
