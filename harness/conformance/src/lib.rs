//! The conformance suite: a small server of its own and the cases that every
//! client has to pass, in whatever language it is written. Each case starts a new process of
//! the client, plays one scene of the contract with it over a real socket, and
//! reports what was wrong in one line.

mod case;
mod cases;
mod checks;
mod child;
mod patience;
mod plan;
mod server;
mod wire;

pub use case::{Candidate, Case, Claims, Finding, Pace};
pub use cases::CASES;
pub use child::{Child, Program};
pub use contract::child::{Exit, Keeper};
pub use patience::PATIENCE;
pub use plan::plan;
pub use server::{Connection, Server, market};

use std::path::Path;

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
            $crate::Program { path: $path, args: &[$($arg),*], dir: None, env: &[] };
        $crate::contract_tests!(@each
            hello other_version bad_plan
            binary json classic_binary classic_json
            cut_frames merged_frames fragments control_frames pings long_messages no_tick
            no_ticks one_tick gaps high_seqs samples stamps stamps_in_a_batch meter
            closed_otherwise server_vanishes server_resets
            stop stop_in_flood stdin_closed stop_before_handshake
            deadline no_handshake no_server
            connections stop_connections memory_ceiling);
    };
}
