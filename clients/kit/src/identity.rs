//! Who a client says it is, and the receipt of what it is made of.

use anyhow::{Result, ensure};
use contract::{Class, ClientHello, QueueShape, Version};

/// The lock file that this client was built with.
const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"));

/// What a client claims to be.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name, as in its `client.toml`.
    pub name: &'static str,
    /// How it wants to be compared.
    pub class: Class,
    /// What schedules its work, in a few words.
    pub runtime: String,
    /// What carries its bytes, in a few words.
    pub transport: &'static str,
    /// The queue between its socket and its work.
    pub queue: QueueShape,
    /// The crates that make it what it is. Their versions are looked up in the
    /// workspace's lock file when the client is built.
    pub crates: &'static [&'static str],
}

impl Identity {
    pub(crate) fn hello(&self) -> Result<ClientHello> {
        let mut versions = Vec::new();
        for name in self.crates {
            let found = locked(name);
            ensure!(
                !found.is_empty(),
                "crate `{name}` is not in Cargo.lock: mend Identity::crates"
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

/// `name version` of each version of a crate in the lock file.
fn locked(name: &str) -> Vec<String> {
    let named = format!("name = \"{name}\"");
    let mut lines = LOCK.lines();
    let mut found = Vec::new();
    while lines.any(|line| line == named) {
        let version = lines.next().and_then(|line| line.strip_prefix("version = "));
        found.extend(version.map(|quoted| format!("{name} {}", quoted.trim_matches('"'))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_comes_from_the_lock_file() {
        assert_eq!(locked("client-kit"), [concat!("client-kit ", env!("CARGO_PKG_VERSION"))]);
    }

    #[test]
    fn every_version_of_a_crate_is_named() {
        let versions = locked("socket2");
        assert!(versions.len() >= 2, "glommio and the kit use different ones: {versions:?}");
    }

    #[test]
    fn an_unknown_crate_is_not_invented() {
        assert!(locked("no-such-crate").is_empty());
    }
}
