//! Who a client is, and the versions of what it is made of.

use anyhow::{Result, ensure};
use contract::{Class, ClientHello, QueueShape, Version};

/// The lock file that this client was built with.
pub(crate) const LOCK: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"));

/// Who a client is, for its hello.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name, as in its `client.toml`.
    pub name: &'static str,
    /// Its class, as in its `client.toml`.
    pub class: Class,
    /// What schedules its work, for people.
    pub runtime: String,
    /// What carries its bytes, for people.
    pub transport: &'static str,
    /// The queue between its socket and its work.
    pub queue: QueueShape,
    /// The crates that it stands for. Their versions come from the lock file that it is
    /// built with; `name@0.30` stands for those versions of `name` that begin so.
    pub crates: &'static [&'static str],
}

impl Identity {
    pub(crate) fn hello(&self, lock: &str) -> Result<ClientHello> {
        let mut versions = Vec::new();
        for name in self.crates {
            let found = locked(lock, name);
            ensure!(
                !found.is_empty(),
                "crate `{name}` is not in Cargo.lock: correct Identity::crates"
            );
            versions.extend(found);
        }
        Ok(ClientHello {
            contract: Version,
            name: self.name.to_owned(),
            versions,
            runtime: self.runtime.clone(),
            transport: self.transport.to_owned(),
            class: self.class,
            queue: self.queue,
            clock_error_ns: None,
        })
    }
}

/// `name version` of each version of a crate in the lock file, or of those that begin with what
/// follows the name and an `@`.
fn locked(lock: &str, name: &str) -> Vec<String> {
    let (name, begin) = name.split_once('@').unwrap_or((name, ""));
    let named = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    let mut found = Vec::new();
    while lines.any(|line| line == named) {
        let version = lines.next().and_then(|line| line.strip_prefix("version = "));
        let version = version.map(|quoted| quoted.trim_matches('"'));
        let version = version.filter(|version| version.starts_with(begin));
        found.extend(version.map(|version| format!("{name} {version}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_comes_from_the_lock_file() {
        assert_eq!(locked(LOCK, "client-kit"), [concat!("client-kit ", env!("CARGO_PKG_VERSION"))]);
    }

    #[test]
    fn every_version_of_a_crate_is_found() {
        let versions = locked(LOCK, "socket2");
        assert!(versions.len() >= 2, "glommio and the kit use different ones: {versions:?}");
        assert_eq!(locked(LOCK, "socket2@0.6").len(), 1);
    }

    #[test]
    fn an_unknown_crate_has_no_version() {
        assert!(locked(LOCK, "no-such-crate").is_empty());
    }
}
