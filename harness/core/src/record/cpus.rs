//! Sets of CPUs by their numbers, which may have holes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One more than the highest number of a CPU: `CPU_SETSIZE` of sched_setaffinity(2).
pub const MOST: usize = 1024;

/// A set of CPU numbers, ascending, written as `0-3,8`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CpuList(Vec<usize>);

impl CpuList {
    /// Whether a CPU is among them.
    #[must_use]
    pub fn has(&self, cpu: usize) -> bool {
        self.0.contains(&cpu)
    }

    /// The lowest CPU; `None` if the list is empty.
    #[must_use]
    pub fn first(&self) -> Option<usize> {
        self.0.first().copied()
    }

    /// The number of CPUs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The CPUs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied()
    }

    /// The CPUs of both lists.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// The CPUs that are not in the other list.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.iter().filter(|&cpu| !other.has(cpu)).collect()
    }

    /// The CPUs that are in both lists.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        self.iter().filter(|&cpu| other.has(cpu)).collect()
    }

    /// Whether some CPU is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.iter().any(|cpu| other.has(cpu))
    }

    /// A CPU of `other` that is not among them.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> Option<usize> {
        other.iter().find(|&cpu| !self.has(cpu))
    }
}

impl FromIterator<usize> for CpuList {
    fn from_iter<I: IntoIterator<Item = usize>>(cpus: I) -> Self {
        let mut cpus: Vec<usize> = cpus.into_iter().collect();
        cpus.sort_unstable();
        cpus.dedup();
        Self(cpus)
    }
}

impl FromStr for CpuList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a list of CPUs such as `0` or `0-3,8`");
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: usize = first.trim().parse().map_err(|_| wrong())?;
            let last: usize = last.trim().parse().map_err(|_| wrong())?;
            if first > last || last >= MOST {
                return Err(wrong());
            }
            cpus.extend(first..=last);
        }
        Ok(cpus.into_iter().collect())
    }
}

impl TryFrom<String> for CpuList {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
            [only] => only.to_string(),
            [first, .., last] => format!("{first}-{last}"),
            [] => String::new(),
        });
        f.write_str(&runs.collect::<Vec<_>>().join(","))
    }
}

impl From<CpuList> for String {
    fn from(list: CpuList) -> Self {
        list.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> CpuList {
        text.parse().unwrap()
    }

    #[test]
    fn lists_are_parsed_and_displayed() {
        assert_eq!(list("8,0-3,2"), CpuList(vec![0, 1, 2, 3, 8]));
        assert_eq!(list("8,0-3,2").to_string(), "0-3,8");
        for wrong in ["", "a", "3-1", "1-", "99999", "1024"] {
            assert!(wrong.parse::<CpuList>().unwrap_err().contains("not a list of"), "{wrong}");
        }
    }

    #[test]
    fn lists_are_saved_as_text() {
        let saved = serde_json::to_string(&list("5,9")).unwrap();
        assert_eq!(saved, "\"5,9\"");
        assert_eq!(serde_json::from_str::<CpuList>(&saved).unwrap(), list("5,9"));
        assert!(serde_json::from_str::<CpuList>("\"x\"").is_err());
    }

    #[test]
    fn lists_are_joined_and_compared() {
        let (a, b) = (list("0-3"), list("2-5"));
        assert_eq!(a.with(&b), list("0-5"));
        assert_eq!(a.without(&b), list("0-1"));
        assert_eq!(a.common(&b), list("2-3"));
        assert!(a.overlaps(&b) && !list("0-1").overlaps(&b));
        assert_eq!((a.lacks(&b), a.lacks(&list("1"))), (Some(4), None));
    }
}
