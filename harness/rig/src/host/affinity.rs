//! Which CPUs server, client and harness run on.

use anyhow::{Result, bail};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A set of CPU numbers, ascending, as in `0-3,8`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct CpuList(Vec<usize>);

impl CpuList {
    /// The CPUs that this process may use.
    ///
    /// # Errors
    /// When the kernel does not report them.
    pub fn allowed() -> Result<Self> {
        let set = sched_getaffinity(Pid::from_raw(0))?;
        Ok(Self((0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect()))
    }

    /// Restricts the calling process (its calling thread, and what it spawns)
    /// to these CPUs. Allocates nothing: safe between fork and exec.
    ///
    /// # Errors
    /// When none of them may be used.
    pub fn apply(&self) -> nix::Result<()> {
        let mut set = CpuSet::new();
        for &cpu in &self.0 {
            set.set(cpu)?;
        }
        sched_setaffinity(Pid::from_raw(0), &set)
    }

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

    /// The CPUs of both lists.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut cpus = [&self.0[..], &other.0].concat();
        cpus.sort_unstable();
        cpus.dedup();
        Self(cpus)
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

    /// Whether some CPU is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|cpu| other.0.contains(cpu))
    }

    /// A CPU of `other` that is not among them.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> Option<usize> {
        other.0.iter().copied().find(|cpu| !self.0.contains(cpu))
    }
}

impl FromIterator<usize> for CpuList {
    fn from_iter<I: IntoIterator<Item = usize>>(cpus: I) -> Self {
        Self(Vec::new()).with(&Self(cpus.into_iter().collect()))
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
            if first > last || last >= CpuSet::count() {
                return Err(wrong());
            }
            cpus.extend(first..=last);
        }
        Ok(cpus.into_iter().collect())
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

/// Which CPUs server and client run on. `None`: any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// The server's CPUs; the harness itself stays on them too, so that it
    /// never takes time from a client.
    pub server: Option<CpuList>,
    /// The client's CPUs.
    pub client: Option<CpuList>,
    /// Whether the server may spin before a due time: only where that takes
    /// no CPU from the client.
    pub spin: bool,
}

impl Placement {
    /// The CPUs asked for, or the default: of two CPUs or more, the first half for the server and
    /// the rest for the client; with one CPU, no pinning.
    ///
    /// # Errors
    /// When a CPU is asked for that this process may not use.
    pub fn plan(
        allowed: &CpuList,
        server: Option<CpuList>,
        client: Option<CpuList>,
    ) -> Result<Self> {
        for (option, list) in [("--server-cpus", &server), ("--client-cpus", &client)] {
            if let Some(cpu) = list.as_ref().and_then(|list| allowed.lacks(list)) {
                bail!("{option}: CPU {cpu} is not among those allowed here ({allowed})");
            }
        }
        if allowed.0.len() < 2 {
            return Ok(Self { server: None, client: None, spin: false });
        }
        let (first, rest) = allowed.0.split_at(allowed.0.len() / 2);
        let server = server.unwrap_or_else(|| CpuList(first.to_vec()));
        let client = client.unwrap_or_else(|| CpuList(rest.to_vec()));
        let spin = !server.overlaps(&client);
        Ok(Self { server: Some(server), client: Some(client), spin })
    }
}

/// In one line, as it is saved in campaigns.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.server, &self.client) {
            (Some(server), Some(client)) if self.spin => {
                write!(f, "server and harness on CPU {server}, client on CPU {client}")
            }
            (Some(server), Some(client)) => write!(
                f,
                "server on CPU {server}, client on CPU {client}: they share CPUs, so latencies mean little"
            ),
            _ => f.write_str("one CPU for all: nothing is pinned, and latencies mean little"),
        }
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
        for wrong in ["", "a", "3-1", "1-", "99999"] {
            assert!(wrong.parse::<CpuList>().unwrap_err().contains("not a list of"), "{wrong}");
        }
    }

    #[test]
    fn by_default_server_and_client_share_no_cpu() {
        let two = Placement::plan(&list("0-1"), None, None).unwrap();
        assert_eq!((two.server, two.client), (Some(list("0")), Some(list("1"))));
        assert!(two.spin);
        let eight = Placement::plan(&list("0-7"), None, None).unwrap();
        assert_eq!((eight.server, eight.client), (Some(list("0-3")), Some(list("4-7"))));
    }

    #[test]
    fn shared_cpus_are_reported_and_the_server_does_not_spin() {
        let one = Placement::plan(&list("4"), None, None).unwrap();
        assert_eq!(one.server, None);
        assert!(!one.spin && one.to_string().contains("one CPU"));
        let both = Placement::plan(&list("0-1"), None, Some(list("0-1"))).unwrap();
        assert!(!both.spin && both.to_string().contains("they share"));
    }

    #[test]
    fn cpus_that_are_not_allowed_are_refused() {
        let error = Placement::plan(&list("0-1"), Some(list("5")), None).unwrap_err();
        assert!(error.to_string().contains("--server-cpus: CPU 5"), "{error}");
    }
}
