//! The tests that claims name, on made-up rounds.

use crate::checks::{Bench, Experiments, Finding, Outcome, overall};
use crate::data::{Data, Needs, Quantity};
use crate::facts::{Client, Facts, Head, Seen};
use bench_archive::campaign::Status;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons};
use bench_core::load::workload::Workload;
use contract::Class;
use std::collections::BTreeMap;

/// Two clients in one experiment, and a claim.
pub(super) fn data(check: &str) -> Data {
    let head = r#"
        about = "made up"
        [[role]]
        name = "a"
        title = "the first"
        client = "one"
        every = 1
        noted_per_s = 30000
        [[role]]
        name = "b"
        title = "the second"
        client = "two:fast"
        every = 1000
        [[experiment]]
        name = "x"
        title = "an experiment"
        why = "to test"
        server = "s"
        workload = "w"
        roles = ["a", "b"]
        control = "a"
        [[claim]]
        id = "c"
        text = "it is so"
        how = "like this"
        [[claim.check]]
    "#;
    Data::parse(&format!("{head}\n{check}")).unwrap()
}

fn facts(values: &[(Quantity, f64)], waiting: [f64; 5]) -> Facts {
    let [server, kernel_send, kernel_receive, library, client] = waiting;
    Facts {
        values: values.iter().copied().collect(),
        backlog_end: Backlog { server, kernel_send, kernel_receive, library, client },
    }
}

fn client(name: &str, verdict: Verdict, rounds: Vec<Facts>) -> (String, Client) {
    let workload: Workload =
        toml::from_str("name='w'\nwhy='w'\nread='r'\nrank_by='backlog_growth'\nrate_per_s=500000")
            .unwrap();
    let result = RoundResult {
        workload: "w".into(),
        client: name.into(),
        control: false,
        round: 1,
        repeat: 0,
        disturbances: Vec::new(),
        verdict,
        reasons: match verdict {
            Verdict::Ok => Reasons::default(),
            _ => Reason::Text("chromium is not on the PATH".into()).into(),
        },
        remarks: Vec::new(),
        measurement: None,
    };
    let row = row::row(&workload, name, Class::Library, &[result]);
    (name.to_owned(), Client { row, rounds })
}

fn seen(clients: Vec<(String, Client)>) -> Experiments {
    let head = Head {
        status: Status::Complete,
        machine: "a machine".into(),
        placement: "server on CPU 0".into(),
        commit: None,
        dirty: None,
    };
    let seen = Seen { head, clients: clients.into_iter().collect() };
    BTreeMap::from([("x".to_owned(), Ok(seen))])
}

/// The processed rates of both clients, one per round.
pub(super) fn rates(a: &[f64], b: &[f64]) -> Experiments {
    let rounds = |rates: &[f64]| {
        let round = |&rate: &f64| facts(&[(Quantity::ProcessedPerS, rate)], [0.0; 5]);
        rates.iter().map(round).collect()
    };
    seen(vec![
        client("one", Verdict::Ok, rounds(a)),
        client("two:fast", Verdict::Overloaded, rounds(b)),
    ])
}

fn judged(data: &Data, experiments: &Experiments) -> Finding {
    let bench = Bench { data, experiments };
    bench.claim(&data.claims[0]).remove(0)
}

fn verdict(check: &str, experiments: &Experiments) -> Outcome {
    judged(&data(check), experiments).verdict
}

pub(super) const LEVEL: &str = "test = 'level'\nof = { experiment = 'x', role = 'a', quantity = 'processed_per_s' }\nat_least = 21000\nat_most = 35000";
const RATIO: &str = "test = 'ratio'\nof = { experiment = 'x', role = 'b', quantity = 'processed_per_s' }\nto = { experiment = 'x', role = 'a', quantity = 'processed_per_s' }\nat_least = 1.5";
const APART: &str = "test = 'apart'\nof = { experiment = 'x', role = 'b', quantity = 'processed_per_s' }\nto = { experiment = 'x', role = 'a', quantity = 'processed_per_s' }\nby = 1.1";
const LAYERS: &str =
    "test = 'layers'\nexperiment = 'x'\nrole = 'a'\nlayers = ['library', 'client']\nat_least = 0.5";

#[test]
fn a_level_is_within_its_bounds_outside_or_undecided() {
    let of = |a: &[f64]| verdict(LEVEL, &rates(a, &[]));
    assert_eq!(of(&[27e3, 28e3, 29e3]), Outcome::Holds);
    assert_eq!(of(&[7e3, 8e3, 9e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[36e3, 37e3, 90e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[20e3, 28e3, 29e3]), Outcome::CannotTell, "the rounds lie on both sides");
    assert_eq!(of(&[28e3, 28e3]), Outcome::CannotTell, "two rounds");
    let found = judged(&data(LEVEL), &rates(&[27e3, 28e3, 29e3], &[]));
    assert_eq!(
        found.measured,
        "an experiment, the first, processed: 28.0 k/s (27.0 k/s to 29.0 k/s in 3 rounds); required: 21.0 k/s to 35.0 k/s"
    );
}

#[test]
fn a_ratio_is_judged_by_its_interval() {
    let of = |a: &[f64], b: &[f64]| verdict(RATIO, &rates(a, b));
    assert_eq!(of(&[10e3, 10e3, 11e3], &[20e3, 21e3, 22e3]), Outcome::Holds);
    assert_eq!(of(&[10e3, 10e3, 11e3], &[11e3, 12e3, 12e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[10e3, 11e3, 12e3], &[14e3, 17e3, 22e3]), Outcome::CannotTell);
    assert_eq!(of(&[0.0; 3], &[14e3, 17e3, 22e3]), Outcome::CannotTell, "by zero");
}

#[test]
fn two_quantities_of_one_client_are_compared_round_by_round() {
    let same = RATIO.replace(
        "role = 'b', quantity = 'processed_per_s'",
        "role = 'a', quantity = 'written_per_s'",
    );
    let of = |pairs: &[(f64, f64)]| {
        let round = |&(processed, written): &(f64, f64)| {
            let values = [(Quantity::ProcessedPerS, processed), (Quantity::WrittenPerS, written)];
            facts(&values, [0.0; 5])
        };
        let rounds = pairs.iter().map(round).collect();
        verdict(&same, &seen(vec![client("one", Verdict::Ok, rounds)]))
    };
    // Rounds differ by a factor of three, but the ratio is 2 in each.
    assert_eq!(of(&[(10e3, 20e3), (20e3, 40e3), (30e3, 60e3)]), Outcome::Holds);
    assert_eq!(of(&[(10e3, 10e3), (20e3, 21e3), (30e3, 31e3)]), Outcome::DoesNotHold);
    assert_eq!(of(&[(10e3, 20e3), (0.0, 40e3), (30e3, 60e3)]), Outcome::CannotTell);
}

#[test]
fn quantities_that_tie_are_not_apart() {
    let of = |a: &[f64], b: &[f64]| verdict(APART, &rates(a, b));
    assert_eq!(of(&[10e3, 10e3, 10e3], &[13e3, 13e3, 14e3]), Outcome::Holds);
    assert_eq!(of(&[10e3, 10e3, 10e3], &[7e3, 7e3, 8e3]), Outcome::Holds, "either way");
    assert_eq!(of(&[10e3, 10e3, 10e3], &[10e3, 10.2e3, 10.4e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[10e3, 10e3, 10e3], &[9e3, 10e3, 13e3]), Outcome::CannotTell);
}

#[test]
fn a_backlog_is_located_by_the_share_of_its_layers() {
    let of = |waiting: [f64; 5]| {
        let rounds = vec![facts(&[], waiting); 3];
        judged(&data(LAYERS), &seen(vec![client("one", Verdict::Overloaded, rounds)]))
    };
    assert_eq!(of([0.0, 0.0, 10e3, 20e3, 70e3]).verdict, Outcome::Holds);
    let server = of([880e3, 50e3, 60e3, 10e3, 0.0]);
    assert_eq!(server.verdict, Outcome::DoesNotHold);
    assert!(server.measured.contains("1 000 000 ticks wait at the end: server 88 %"), "{server:?}");
    assert_eq!(of([5.0, 5.0, 5.0, 5.0, 5.0]).verdict, Outcome::CannotTell, "nothing waits");
}

#[test]
fn missing_measurements_give_no_verdict_and_a_reason() {
    let data = data(LEVEL);
    let say = |experiments: &Experiments| {
        let found = judged(&data, experiments);
        assert_eq!(found.verdict, Outcome::CannotTell);
        found.measured
    };
    let gone = seen(vec![client("one", Verdict::Unavailable, Vec::new())]);
    assert_eq!(
        say(&gone),
        "an experiment, the first: not measured: one is unavailable: chromium is not on the PATH"
    );
    let invalid = seen(vec![client("one", Verdict::Invalid, vec![Facts::default(); 3])]);
    assert!(say(&invalid).contains("the first: invalid: "));
    assert_eq!(
        say(&seen(Vec::new())),
        "an experiment, the first: not measured: one is unavailable"
    );
    let unread = BTreeMap::from([("x".to_owned(), Err("node is not there".to_owned()))]);
    assert_eq!(say(&unread), "an experiment: node is not there");
    assert_eq!(say(&BTreeMap::new()), "an experiment: was not run");
    let other = facts(&[(Quantity::WrittenPerS, 1.0)], [0.0; 5]);
    let unknown = seen(vec![client("one", Verdict::Ok, vec![other; 3])]);
    assert!(say(&unknown).contains("0 rounds, but 3 are needed"));
}

#[test]
fn what_a_server_sends_is_known_of_rounds_that_it_limits() {
    let sent = RATIO.replace("processed_per_s", "generated_per_s");
    let rounds = |rate: f64| {
        let values = [(Quantity::GeneratedPerS, rate), (Quantity::ProcessedPerS, rate)];
        vec![facts(&values, [0.0; 5]); 3]
    };
    let limited = seen(vec![
        client("one", Verdict::ServerLimited, rounds(200e3)),
        client("two:fast", Verdict::ServerLimited, rounds(980e3)),
    ]);
    assert_eq!(verdict(&sent, &limited), Outcome::Holds);
    let found = judged(&data(RATIO), &limited);
    assert_eq!(found.verdict, Outcome::CannotTell, "of a client: {}", found.measured);
}

#[test]
fn a_claim_needs_all_of_its_checks_or_any() {
    use Outcome::{CannotTell, DoesNotHold, Holds};
    let of = |needs, verdicts: &[Outcome]| {
        let all = verdicts.iter().map(|&verdict| Finding { measured: String::new(), verdict });
        overall(needs, &all.collect::<Vec<_>>())
    };
    assert_eq!(of(Needs::All, &[Holds, Holds]), Holds);
    assert_eq!(of(Needs::All, &[Holds, CannotTell]), CannotTell);
    assert_eq!(of(Needs::All, &[CannotTell, DoesNotHold]), DoesNotHold);
    assert_eq!(of(Needs::Any, &[DoesNotHold, Holds, CannotTell]), Holds);
    assert_eq!(of(Needs::Any, &[DoesNotHold, CannotTell]), CannotTell);
    assert_eq!(of(Needs::Any, &[DoesNotHold, DoesNotHold]), DoesNotHold);
}

#[test]
fn errors_in_the_data_say_where_they_are() {
    let sound = "about='a'\n[[role]]\nname='r'\ntitle='t'\nclient='c'\nevery=1\n[[experiment]]\nname='x'\ntitle='t'\nwhy='w'\nserver='s'\nworkload='w'\nroles=['r']\ncontrol='r'\n[[claim]]\nid='i'\ntext='t'\nhow='h'\n[[claim.check]]\ntest='level'\nof={experiment='x',role='r',quantity='processed_per_s'}\nat_least=1\n";
    Data::parse(sound).unwrap();
    for (from, to, expected) in [
        ("test='level'", "test='levle'", "unknown variant `levle`"),
        ("every=1", "every=7", "every: 7: give 1 or 1000"),
        ("roles=['r']", "roles=['q']", "experiment x: no role `q`: choose r"),
        ("control='r'", "control='q'", "control: no role `q`"),
        ("experiment='x'", "experiment='y'", "claim i: no experiment `y`: choose x"),
        ("role='r',", "role='q',", "claim i: experiment x: no role `q`"),
        ("quantity='processed_per_s'", "quantity='speed'", "unknown variant `speed`"),
        ("at_least=1\n", "", "claim i: give at_least, at_most, or both"),
        ("name='x'", "name='../x'", "as it names a directory"),
        ("at_least=1\n", "at_least=1\nmore=2\n", "unknown field `more`"),
    ] {
        let text = sound.replacen(from, to, 1);
        assert_ne!(text, sound, "{from}");
        let error = format!("{:#}", Data::parse(&text).unwrap_err());
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
