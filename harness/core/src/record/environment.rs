//! The environment of server and clients, and how they were built: what changes the speed of a
//! program besides its code.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which variables of the harness's environment server and clients have.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Environment {
    /// Names of those that they have, by the allow-list of the harness.
    pub passed: Vec<String>,
    /// Names of those that they have because `--pass-env` asked for them.
    pub asked_for: Vec<String>,
    /// Size of all of these, names and values, on the stack of a child, in bytes.
    pub bytes: u64,
    /// Names of those that are known to change the speed of programs, were set for the harness,
    /// and were not passed on.
    pub withheld: Vec<String>,
}

impl Environment {
    /// What has to be known about it below tables.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let note = |names: &[String], about: &str| {
            (!names.is_empty()).then(|| format!("{about}: {}.", names.join(", ")))
        };
        let withheld = "Set outside, and not passed on to server and clients, as these variables change the speed of programs";
        let asked_for = "Passed on to server and clients by --pass-env";
        note(&self.withheld, withheld).into_iter().chain(note(&self.asked_for, asked_for)).collect()
    }
}

/// How server and clients in Rust were built; other languages report versions in their hello.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Toolchain {
    /// The compiler, as it reports itself; null: it could not be asked.
    pub rustc: Option<String>,
    /// The cargo profile.
    pub profile: String,
    /// What the suite's Cargo.toml sets in that profile, such as `lto`.
    pub profile_settings: BTreeMap<String, String>,
    /// What was set outside of the suite: variables of the environment such as `RUSTFLAGS`, and
    /// keys of cargo's own configuration files such as `build.rustflags`.
    pub set_outside: BTreeMap<String, String>,
}

impl Toolchain {
    /// The note on what was set outside of the suite; `None` if nothing was.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let one = |(name, value): (&String, &String)| format!("{name}=`{value}`");
        let all: Vec<String> = self.set_outside.iter().map(one).collect();
        (!all.is_empty()).then(|| format!("Built with settings from outside: {}.", all.join(", ")))
    }
}

/// The bytes by which the environment of a round's children was lengthened, so that their stack
/// begins elsewhere than in other rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Padding {
    /// Of the server.
    pub server_bytes: u32,
    /// Of each of the client's processes.
    pub client_bytes: u32,
}

impl Padding {
    /// Lengths are below this: a page, in which the stack's start then has any place.
    pub const END_BYTES: u32 = 4096;

    /// The padding of round `number` of a campaign, from 0 in the order in which they run.
    #[must_use]
    pub fn of_round(seed: u64, number: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number);
        let mut bytes = || random.random_range(0..Self::END_BYTES);
        Self { server_bytes: bytes(), client_bytes: bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_rounds_padding_follows_from_the_seed_and_differs_between_rounds() {
        let of = |seed| (0..100).map(|n| Padding::of_round(seed, n)).collect::<Vec<_>>();
        let first = of(1);
        assert_eq!(first, of(1));
        assert_ne!(first, of(2));
        let different =
            |bytes: fn(&Padding) -> u32| first.iter().map(bytes).collect::<BTreeSet<_>>();
        assert!(different(|p| p.server_bytes).len() > 95);
        assert!(different(|p| p.client_bytes).len() > 95);
        let alike = first.iter().filter(|p| p.server_bytes == p.client_bytes).count();
        assert!(alike < 3, "server and client are drawn apart");
    }

    #[test]
    fn lengths_are_spread_evenly_over_a_page() {
        let rounds = 16_000;
        let mut counts = [[0u32; 16]; 2];
        for number in 0..rounds {
            let Padding { server_bytes, client_bytes } = Padding::of_round(7, number);
            for (counts, bytes) in counts.iter_mut().zip([server_bytes, client_bytes]) {
                counts[(bytes / 256) as usize] += 1;
            }
        }
        assert!(counts.as_flattened().iter().all(|n| (850..1150).contains(n)), "{counts:?}");
    }

    #[test]
    fn only_what_is_unusual_is_noted() {
        let mut environment = Environment { passed: vec!["PATH".into()], ..Environment::default() };
        assert!(environment.notes().is_empty());
        environment.withheld = vec!["GOGC".into(), "NODE_OPTIONS".into()];
        environment.asked_for = vec!["LD_LIBRARY_PATH".into()];
        let notes = environment.notes().join(" ");
        assert!(notes.contains("change the speed of programs: GOGC, NODE_OPTIONS."), "{notes}");
        assert!(notes.contains("by --pass-env: LD_LIBRARY_PATH."), "{notes}");
        let mut toolchain = Toolchain::default();
        assert_eq!(toolchain.note(), None);
        toolchain.set_outside.insert("RUSTFLAGS".into(), "-C target-cpu=native".into());
        let note = toolchain.note().unwrap();
        assert!(note.ends_with("outside: RUSTFLAGS=`-C target-cpu=native`."), "{note}");
    }
}
