//! The result of a check, and how it is built.

use super::readings::Readings;
use serde::Serialize;
use std::fmt;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// What was found, or [`UNKNOWN`].
    pub seen: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it matters.
    pub why: &'static str,
    /// What to do; none where nothing has to be done.
    pub advice: Option<String>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good for measuring.
    Fine,
    /// It may matter, or is unknown.
    Note,
    /// It disturbs measurements.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Warning => "warning",
        })
    }
}

/// What is found if there is no reading.
pub const UNKNOWN: &str = "unknown on this machine";

/// Judges one property of the machine.
pub(super) type Check = fn(&Readings) -> Finding;

/// What is checked, and why; and the advice if there is no reading.
pub(super) struct Topic {
    pub(super) check: &'static str,
    pub(super) why: &'static str,
    pub(super) if_unknown: &'static str,
}

/// The judgement of a reading.
pub(super) struct Judged {
    severity: Severity,
    seen: String,
    advice: Option<String>,
}

pub(super) fn fine(seen: impl Into<String>) -> Judged {
    Judged { severity: Severity::Fine, seen: seen.into(), advice: None }
}

pub(super) fn note(seen: impl Into<String>, advice: impl Into<String>) -> Judged {
    Judged { severity: Severity::Note, seen: seen.into(), advice: Some(advice.into()) }
}

pub(super) fn warning(seen: impl Into<String>, advice: impl Into<String>) -> Judged {
    Judged { severity: Severity::Warning, ..note(seen, advice) }
}

impl Topic {
    /// Judges a reading, if there is one.
    pub(super) fn judge<T>(self, reading: Option<T>, judge: impl FnOnce(T) -> Judged) -> Finding {
        let judged = reading.map_or_else(|| note(UNKNOWN, self.if_unknown), judge);
        Finding {
            check: self.check,
            seen: judged.seen,
            severity: judged.severity,
            why: self.why,
            advice: judged.advice,
        }
    }
}
