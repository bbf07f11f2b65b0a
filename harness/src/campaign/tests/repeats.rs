//! Rounds that are played again, and further rounds for the sake of precision.

use super::{Fake, Outcome, Ran, noisy, ok, scheme};
use crate::campaign::controls;
use crate::campaign::order::Blocks;
use crate::campaign::running::REPEATS;
use crate::campaign::scheme::Scheme;
use bench_core::analysis::rows::ranks::precision::{Ending, Goal};
use bench_core::analysis::verdict::Verdict;
use contract::Class;
use std::time::Duration;

/// Round number and repeat of each play of a client, without the control.
fn plays(ran: &Ran, client: &str) -> Vec<(u32, u32, Verdict)> {
    let saved = ran.saved();
    let own = saved.rounds.iter().map(|round| &round.result);
    let own = own.filter(|round| round.client == client && !round.control);
    own.map(|round| (round.round, round.repeat, round.verdict)).collect()
}

/// Each client's n-th play is disturbed or not.
fn by_play(
    disturbed: impl Fn(&str, usize) -> bool,
) -> impl FnMut(usize, &str, u64) -> Option<Outcome> {
    let mut played = std::collections::BTreeMap::<String, usize>::new();
    move |_, client, _| {
        let count = played.entry(client.to_owned()).or_default();
        *count += 1;
        if disturbed(client, *count) { noisy() } else { ok() }
    }
}

#[test]
fn a_disturbed_round_is_played_again_at_the_end_of_its_block() {
    let ran = Ran::new(&scheme(Blocks::OfClients, &["one"]), by_play(|c, n| c == "a" && n == 2));
    ran.result.as_ref().unwrap();
    use Verdict::{Noisy, Ok};
    assert_eq!(plays(&ran, "a"), [(1, 0, Ok), (2, 0, Noisy), (2, 1, Ok), (3, 0, Ok)]);
    assert_eq!((ran.played.len(), ran.progress.ended, ran.progress.more), (13, 13, 1));
    assert_eq!(ran.played[8], ("one".to_owned(), "a".to_owned()), "after its block");
    assert!(ran.progress.begun[8].ends_with("round 2, again"), "{}", ran.progress.begun[8]);
    let row = ran.saved().campaign.rows.into_iter().find(|row| row.client == "a").unwrap();
    assert_eq!((row.verdict, row.rounds), (Ok, 3));
    assert_eq!(row.with_disturbed.unwrap().rounds, 4);
}

#[test]
fn a_block_of_a_sweep_has_its_disturbed_rounds_again_before_the_next_one() {
    let scheme = scheme(Blocks::OfAll, &["one", "two"]);
    let ran = Ran::new(&scheme, |round, _, _| if round < 3 { noisy() } else { ok() });
    assert_eq!(ran.played.len(), 24 + 3);
    let (mut first, mut again) = (ran.played[..3].to_vec(), ran.played[8..11].to_vec());
    first.sort();
    again.sort();
    assert_eq!(first, again);
}

#[test]
fn a_round_that_is_always_disturbed_is_given_up_and_its_row_is_noisy() {
    let ran = Ran::new(&scheme(Blocks::OfClients, &["one"]), by_play(|c, _| c == "a"));
    let of_a = plays(&ran, "a");
    assert_eq!(of_a.len(), 3 * (1 + REPEATS as usize));
    let row = ran.saved().campaign.rows.into_iter().find(|row| row.client == "a").unwrap();
    assert_eq!((row.verdict, row.rank), (Verdict::Noisy, None));
    assert!(row.reasons.to_string().starts_with("only 0 of its 3 rounds"), "{}", row.reasons);
}

#[test]
fn repeats_end_with_the_budget() {
    let budget = Some(Duration::from_millis(800 * 12 + 1700));
    let scheme = Scheme { budget, ..scheme(Blocks::OfClients, &["one"]) };
    let ran = Ran::new(&scheme, |round, _, _| if round < 4 { noisy() } else { ok() });
    // All four of the first block are disturbed; there is time for eleven rounds more by then,
    // as blocks to come are not reserved for.
    assert_eq!(ran.played.len(), 16);
    let none = Scheme { budget: Some(Duration::from_secs(1)), ..scheme };
    let ran = Ran::new(&none, |round, _, _| if round < 4 { noisy() } else { ok() });
    assert_eq!(ran.played.len(), 12);
}

fn until(half_width: f64, budget: Duration) -> Scheme {
    let goal = Goal { half_width, budget_ns: budget.as_nanos() as u64 };
    Scheme { goal: Some(goal), ..scheme(Blocks::OfClients, &["one", "two"]) }
}

/// Rounds of `c` vary by half, those of others by a thousandth.
fn varying(round: usize, client: &str) -> u64 {
    let step = (round * 7 % 5) as u64;
    if client == "c" { 50_000 + 10_000 * step } else { 50_000 + 50 * step }
}

/// A campaign of such rounds, all undisturbed.
fn varied(scheme: &Scheme) -> Ran {
    let undisturbed = |_: usize, _: &str, _: u64| ok();
    Ran::with(scheme, Fake { p99_ns: varying, ..Fake::new(undisturbed) })
}

#[test]
fn wide_clients_have_further_rounds_until_their_share_of_the_budget_is_spent() {
    // Each round takes 0.8 s: 24 rounds in any case, and 20 further ones, ten for each workload.
    let scheme = until(0.001, Duration::from_millis(800 * 44 + 100));
    let ran = varied(&scheme);
    ran.result.as_ref().unwrap();
    assert_eq!(ran.played.len(), 44);
    let saved = ran.saved().campaign;
    assert_eq!(saved.endings.len(), 2);
    assert!(saved.endings.iter().all(|ended| matches!(ended.by, Ending::BudgetSpent { .. })));
    assert_eq!(ran.progress.more, 20);
}

#[test]
fn further_rounds_are_those_of_wide_clients_alone() {
    let scheme = until(0.2, Duration::from_secs(120));
    let ran = varied(&scheme);
    let rounds = |client: &str| plays(&ran, client).len();
    assert_eq!((rounds("a"), rounds("b")), (6, 6), "three under each workload");
    assert!(rounds("c") > 6, "{}", rounds("c"));
    let endings = ran.saved().campaign.endings;
    assert!(endings.iter().all(|ended| ended.by == Ending::PrecisionReached), "{endings:?}");
}

#[test]
fn a_given_number_of_rounds_is_kept() {
    let scheme = scheme(Blocks::OfClients, &["one"]);
    let ran = varied(&scheme);
    assert_eq!(ran.played.len(), 12);
    assert!(ran.campaign.endings.is_empty());
}

#[test]
fn several_controls_play_in_each_block_and_are_read_back() {
    let scheme = Scheme { controls: vec![0, 2], ..scheme(Blocks::OfClients, &["one"]) };
    let ran = varied(&scheme);
    assert_eq!(ran.progress.entries, ["a", "b", "c", "a (control)", "c (control)"]);
    assert_eq!(ran.played.len(), 15);
    let noise = ran.saved().campaign.noise;
    let clients: Vec<&str> = noise.iter().map(|noise| noise.client.as_str()).collect();
    assert!(clients.contains(&"a") && clients.contains(&"c") && !clients.contains(&"b"));
}

#[test]
fn controls_are_of_the_kinds_that_differ_most() {
    let mut entries = scheme(Blocks::OfClients, &[]).entries;
    assert_eq!(controls::choose(&entries, &[], true).unwrap(), [0]);
    entries[1].class = Class::Reference;
    entries[2].recipe.needs.programs = vec!["node".into()];
    assert_eq!(controls::choose(&entries, &[], true).unwrap(), [1, 2]);
    assert_eq!(controls::choose(&entries, &[], false).unwrap(), [1]);
    entries[0].class = Class::Simulated;
    assert_eq!(controls::choose(&entries, &[], true).unwrap(), [1, 0, 2]);
    let asked = ["c", "a", "c"].map(str::to_owned);
    assert_eq!(controls::choose(&entries, &asked, true).unwrap(), [0, 2]);
    assert!(controls::choose(&entries, &["d".to_owned()], true).is_err());
}
