//! What of a machine disturbs a measurement, and what to do about each. Pure:
//! from [`Readings`] to findings; what could not be read is said, never guessed.

mod cpus;
mod readings;
mod system;

pub use readings::{Activity, IoUring, Limit, Readings, Task};

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub check: &'static str,
    /// What was seen, or [`UNTOLD`].
    pub seen: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it matters.
    pub why: &'static str,
    /// What to do; none where all is well.
    pub advice: Option<String>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well.
    Fine,
    /// It may matter, or is not known.
    Note,
    /// It disturbs.
    Warning,
}

impl Severity {
    /// As it stands in tables and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// What is seen of what cannot be read.
pub const UNTOLD: &str = "not told by this machine";

/// Judges everything that was read.
#[must_use]
pub fn examine(readings: &Readings) -> Vec<Finding> {
    [cpus::CHECKS, system::CHECKS].concat().into_iter().map(|check| check(readings)).collect()
}

/// Judges one thing.
type Check = fn(&Readings) -> Finding;

/// What is looked at, and why; what to do where the machine does not tell.
struct Topic {
    check: &'static str,
    why: &'static str,
    untold: &'static str,
}

/// What comes of a reading.
struct Judged {
    severity: Severity,
    seen: String,
    advice: Option<String>,
}

fn fine(seen: impl Into<String>) -> Judged {
    Judged { severity: Severity::Fine, seen: seen.into(), advice: None }
}

fn note(seen: impl Into<String>, advice: impl Into<String>) -> Judged {
    Judged { severity: Severity::Note, seen: seen.into(), advice: Some(advice.into()) }
}

fn warning(seen: impl Into<String>, advice: impl Into<String>) -> Judged {
    Judged { severity: Severity::Warning, ..note(seen, advice) }
}

impl Topic {
    /// Judges a reading, if there is one.
    fn judge<T>(self, reading: Option<T>, judge: impl FnOnce(T) -> Judged) -> Finding {
        let judged = reading.map_or_else(|| note(UNTOLD, self.untold), judge);
        Finding {
            check: self.check,
            seen: judged.seen,
            severity: judged.severity,
            why: self.why,
            advice: judged.advice,
        }
    }
}

#[cfg(test)]
mod tests;
