//! The conformance suite: a small server of its own and the cases that every
//! client has to pass, in whatever language it is written. Each case starts a new process of
//! the client, plays one scene of the contract with it over a real socket, and
//! reports what was wrong in one line.

mod cases;
mod checks;
mod child;
mod server;
mod wire;

pub use cases::CASES;
pub use child::{Child, Program};
pub use contract::child::{Exit, Keeper};
pub use server::{Connection, Server, market};

use anyhow::{Context, Result};
use contract::{Class, ClientPlan, Version};
use std::path::Path;
use std::time::Duration;
use tick::{Format, SYMBOLS, Sample, Schedule};

/// Whatever takes longer than this has failed: no case depends on a shorter time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One case.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name on the command line.
    pub name: &'static str,
    /// What a client that passes has proved.
    pub proves: &'static str,
    /// What to check in a client that fails.
    pub mend: &'static str,
    /// How long it takes.
    pub pace: Pace,
    run: fn(&Candidate<'_>) -> Result<()>,
}

/// How long a case takes, and so when it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Also before each campaign.
    Quick,
    /// In the whole suite.
    Usual,
    /// In the whole suite; a slow client takes a minute for it.
    Long,
}

/// A client that is to be checked.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// How to start it.
    pub program: Program<'a>,
    /// What its `client.toml` says of it.
    pub claims: &'a Claims,
    /// Tracks its processes.
    pub keeper: &'a dyn Keeper,
}

/// What a `client.toml` says of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Its name, without that of a variant.
    pub name: String,
    /// Its class.
    pub class: Class,
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The client did as it should.
    Passed,
    /// What was wrong, in one line.
    Failed(String),
    /// The client cannot run on this machine, and why.
    Unavailable(String),
}

/// The client reported that it cannot run here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unavailable(String);

impl Case {
    /// Plays the case with a client.
    #[must_use]
    pub fn play(&self, candidate: &Candidate<'_>) -> Finding {
        match (self.run)(candidate) {
            Ok(()) => Finding::Passed,
            Err(error) => match error.downcast_ref::<Unavailable>() {
                Some(Unavailable(reason)) => Finding::Unavailable(reason.clone()),
                None => Finding::Failed(format!("{error:#}")),
            },
        }
    }
}

impl Claims {
    /// Reads the `client.toml` in a directory.
    ///
    /// # Errors
    /// When there is none, or it has no name or no class.
    pub fn in_directory(dir: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(dir.join("client.toml")).context("no client.toml")?;
        let manifest: toml::Table = text.parse()?;
        let value = |key: &str| manifest.get(key).and_then(toml::Value::as_str);
        let class = serde_json::to_value(value("class"))?;
        Ok(Self {
            name: value("name").context("client.toml: no name")?.to_owned(),
            class: serde_json::from_value(class).context("client.toml: class")?,
        })
    }
}

/// Plays one case with a program of the crate that is being tested: the body of a
/// `#[test]`. It is skipped if the client is not available here.
///
/// # Panics
/// When the case fails.
pub fn test(case: &str, program: Program<'_>, dir: &str) {
    let claims = Claims::in_directory(Path::new(dir)).expect("the client's own client.toml");
    let candidate = Candidate { program, claims: &claims, keeper: &() };
    let named = |known: &&Case| known.name.replace('-', "_") == case;
    let case = CASES.iter().find(named).expect("a case of this name");
    match case.play(&candidate) {
        Finding::Passed => {}
        Finding::Failed(why) => panic!("{why}\n{}: {}", case.name, case.mend),
        Finding::Unavailable(reason) => eprintln!("skipped: {reason}"),
    }
}

/// Checks that these are all cases except the long ones.
///
/// # Panics
/// When one is missing.
pub fn all_named(cases: &[&str]) {
    let known = CASES.iter().filter(|case| case.pace != Pace::Long);
    let known: Vec<String> = known.map(|case| case.name.replace('-', "_")).collect();
    assert_eq!(cases, known);
}

/// Defines one `#[test]` for each case, run against the client at that path, with these
/// arguments.
#[macro_export]
macro_rules! contract_tests {
    (@each $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::test(stringify!($case), PROGRAM, env!("CARGO_MANIFEST_DIR"));
            }
        )*

        #[test]
        fn no_case_is_left_out() {
            $crate::all_named(&[$(stringify!($case)),*]);
        }
    };
    ($path:expr $(, $arg:expr)*) => {
        const PROGRAM: $crate::Program<'_> =
            $crate::Program { path: $path, args: &[$($arg),*], dir: None };
        $crate::contract_tests!(@each
            hello other_version bad_plan
            binary json classic_binary classic_json
            cut_frames merged_frames fragments control_frames pings long_messages no_tick
            no_ticks one_tick gaps high_seqs samples stamps meter
            closed_otherwise server_vanishes server_resets
            stop stop_in_flood stdin_closed stop_before_handshake
            deadline no_handshake no_server
            connections stop_connections memory_ceiling);
    };
}

/// A plan for tests: no meter, no work, generous deadlines.
#[must_use]
pub fn plan(url: &str, format: Format) -> ClientPlan {
    ClientPlan {
        contract: Version,
        urls: vec![url.to_owned()],
        ca: None,
        format,
        symbols: SYMBOLS,
        schedule: Schedule::Flood,
        duration_ns: 1_000_000_000,
        sample: Sample { first: 3, stride: 7 },
        work_ns: 0,
        queue_bound: 256,
        receive_buffer_bytes: None,
        memory_ceiling_bytes: 4 << 30,
        meter: None,
        connect_deadline_ms: 60_000,
        deadline_ms: 60_000,
    }
}
