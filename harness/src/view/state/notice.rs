//! Warnings as they occur. A repeated one is listed once, with its count. Pure.

use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reasons;
use bench_core::analysis::verdict::remark::Remark;
use std::collections::VecDeque;
use std::fmt;

/// Number of warnings that are kept.
const KEPT: usize = 100;

/// What a warning says.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// A remark on a round.
    Remark(Remark),
    /// A round that is not ok, and why.
    Verdict(Verdict, Reasons),
    /// A line that some process wrote to standard error.
    Stderr(String),
}

impl Warning {
    /// Whether both say the same, apart from their numbers.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Remark(a), Self::Remark(b)) => a.is_like(b),
            (Self::Verdict(a, _), Self::Verdict(b, _)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remark(remark) => remark.fmt(f),
            Self::Verdict(verdict, reasons) => write!(f, "{verdict}: {reasons}"),
            Self::Stderr(line) => f.write_str(line),
        }
    }
}

/// A warning with its count.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Client and workload; `None` if it is not about a round.
    pub about: Option<String>,
    /// The latest of its kind.
    pub warning: Warning,
    /// How often it occurred.
    pub times: u32,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(about) = &self.about {
            write!(f, "{about}: ")?;
        }
        self.warning.fmt(f)?;
        if self.times > 1 {
            write!(f, " ({} times)", self.times)?;
        }
        Ok(())
    }
}

/// All warnings, the newest first.
#[derive(Debug, Default)]
pub struct Notices {
    all: VecDeque<Notice>,
}

impl Notices {
    /// Adds a warning.
    pub fn add(&mut self, about: Option<&str>, warning: Warning) {
        let same =
            |other: &Notice| other.about.as_deref() == about && other.warning.is_like(&warning);
        let before = self.all.iter().position(same).and_then(|index| self.all.remove(index));
        let times = before.map_or(0, |notice| notice.times) + 1;
        self.all.push_front(Notice { about: about.map(str::to_owned), warning, times });
        self.all.truncate(KEPT);
    }

    /// The newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.all.iter()
    }

    /// Number of different warnings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(cpus: f64) -> Warning {
        Warning::Remark(Remark::OtherProcesses { cpus })
    }

    #[test]
    fn a_repeated_warning_moves_to_the_front_and_is_counted() {
        let mut notices = Notices::default();
        notices.add(Some("a"), others(0.2));
        notices.add(Some("a"), Warning::Remark(Remark::StolenTime { share: 0.02 }));
        notices.add(Some("b"), others(0.1));
        notices.add(Some("a"), others(0.3));
        notices.add(None, Warning::Stderr("somebody said this".into()));
        notices.add(None, Warning::Stderr("somebody said this".into()));
        let listed: Vec<(Option<&str>, &Warning, u32)> =
            notices.iter().map(|n| (n.about.as_deref(), &n.warning, n.times)).collect();
        let said = Warning::Stderr("somebody said this".into());
        assert_eq!(
            listed,
            [
                (None, &said, 1),
                (None, &said, 1),
                (Some("a"), &others(0.3), 2),
                (Some("b"), &others(0.1), 1),
                (Some("a"), &Warning::Remark(Remark::StolenTime { share: 0.02 }), 1),
            ]
        );
        assert!(notices.iter().nth(2).unwrap().to_string().ends_with(" (2 times)"));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut notices = Notices::default();
        (0..1000).for_each(|n: u32| notices.add(None, Warning::Stderr(n.to_string())));
        assert_eq!(
            (notices.len(), notices.iter().next().unwrap().to_string()),
            (KEPT, "999".into())
        );
    }
}
