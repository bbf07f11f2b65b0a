//! Rows of undisturbed rounds, their ranks, controls and precision, on made-up rounds.

use crate::analysis::round::latency::typical::Typical;
use crate::analysis::round::measure::{Measurement, Rates};
use crate::analysis::rows::ranks::precision::{Ended, Ending, Goal, Next, next};
use crate::analysis::rows::ranks::ranking::Noise;
use crate::analysis::rows::ranks::rules::RowRules;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row::Row;
use crate::analysis::rows::summary::{self, Participants};
use crate::analysis::statistics::times::Time;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::{Reason, Reasons};
use crate::analysis::verdict::remark::RowRemark;
use crate::load::workload::Workload;
use contract::Class;
use std::time::Duration;

const US: u64 = 1000;

fn workload(rank_by: &str) -> Workload {
    let text = format!("name='w'\nwhy='w'\nread='r'\nrate_per_s=1000\nrank_by='{rank_by}'\n");
    toml::from_str(&text).unwrap()
}

fn play(client: &str, round: u32, p99_ns: u64, verdict: Verdict) -> RoundResult {
    let time = Time::Exact(p99_ns);
    RoundResult {
        workload: "w".into(),
        client: client.into(),
        control: false,
        round,
        repeat: 0,
        verdict,
        reasons: match verdict {
            Verdict::Noisy => Reason::StolenTime { share: 0.1 }.into(),
            Verdict::Failed => Reason::NotRun.into(),
            _ => Reasons::default(),
        },
        remarks: Vec::new(),
        measurement: verdict.is_measured().then(|| Measurement {
            rates: Rates { processed_per_s: 1000.0, ..Rates::default() },
            typical_ns: Some(Typical { p50: time, p90: time, p99: time }),
            ..Measurement::default()
        }),
        disturbances: Vec::new(),
    }
}

/// Undisturbed rounds with these values.
fn rounds(client: &str, p99_us: &[u64]) -> Vec<RoundResult> {
    (1..).zip(p99_us).map(|(round, us)| play(client, round, us * US, Verdict::Ok)).collect()
}

fn controls(mut rounds: Vec<RoundResult>) -> Vec<RoundResult> {
    rounds.iter_mut().for_each(|round| round.control = true);
    rounds
}

fn summed_up(rank_by: &str, controls: &[&str], all: &[RoundResult]) -> (Vec<Row>, Vec<Noise>) {
    let mut clients: Vec<(String, Class)> =
        all.iter().map(|round| (round.client.clone(), Class::Library)).collect();
    clients.sort_by(|a, b| a.0.cmp(&b.0));
    clients.dedup();
    let controls = controls.iter().map(|&name| name.to_owned()).collect();
    let participants = Participants { clients, controls, rules: RowRules::AllPairs };
    summary::of_workload(&workload(rank_by), &participants, &all.iter().collect::<Vec<_>>())
}

fn rows(all: &[RoundResult]) -> Vec<Row> {
    summed_up("typical_p99", &[], all).0
}

fn p99_us(row: &Row) -> u64 {
    row.typical_ns.unwrap().p99.bound_ns() / US
}

#[test]
fn a_row_is_made_of_the_undisturbed_plays_of_its_rounds() {
    let mut all = rounds("a", &[50, 52]);
    all.push(play("a", 3, 90_000 * US, Verdict::Noisy));
    all.push(RoundResult { repeat: 1, ..play("a", 3, 54 * US, Verdict::Ok) });
    let row = &rows(&all)[0];
    assert_eq!((row.verdict, row.rounds, p99_us(row)), (Verdict::Ok, 3, 52));
    assert_eq!(row.verdicts, [(Verdict::Ok, 3), (Verdict::Noisy, 1)].into());
    let with = row.with_disturbed.unwrap();
    assert_eq!((with.rounds, with.typical_p99_ns), (4, Some(53_000.0)));
    assert_eq!(row.remarks.len(), 1);
    assert!(
        row.remarks[0]
            .to_string()
            .starts_with("disturbed: 1 of 4 plays of its rounds are left out"),
        "{}",
        row.remarks[0]
    );
    // Without a disturbed round nothing is added.
    let row = &rows(&rounds("a", &[50, 52, 54]))[0];
    assert!(row.with_disturbed.is_none() && row.remarks.is_empty());
}

#[test]
fn a_row_of_two_undisturbed_rounds_of_three_is_noisy_and_says_why() {
    let mut all = rounds("a", &[50, 52]);
    all.extend((0..4).map(|_| play("a", 3, 90_000 * US, Verdict::Noisy)));
    all.extend(rounds("b", &[60, 61, 62]));
    let rows = rows(&all);
    let row = rows.iter().find(|row| row.client == "a").unwrap();
    assert_eq!((row.verdict, row.rank), (Verdict::Noisy, None));
    let cause = Reason::StolenTime { share: 0.1 }.into();
    assert_eq!(row.reasons, Reason::FewUndisturbed { undisturbed: 2, of: 3, cause }.into());
    assert!(row.reasons.to_string().starts_with("only 2 of its 3 rounds were undisturbed: the hy"));
    assert!(row.remarks.iter().all(|remark| !matches!(remark, RowRemark::OtherVerdict { .. })));
    // A single round is enough where only one was asked for.
    assert_eq!(self::rows(&[play("a", 1, US, Verdict::Ok)])[0].verdict, Verdict::Ok);
}

#[test]
fn a_failed_round_decides_whatever_was_disturbed() {
    let mut all = rounds("a", &[50]);
    all.extend([play("a", 2, US, Verdict::Noisy), play("a", 3, US, Verdict::Failed)]);
    assert_eq!(rows(&all)[0].verdict, Verdict::Failed);
}

#[test]
fn ranks_count_who_is_better_and_ties_are_not_told_apart() {
    let all = [
        rounds("a", &[50, 51, 52, 50, 51]),
        rounds("b", &[51, 50, 52, 51, 52]),
        rounds("c", &[80, 82, 81, 80, 83]),
        rounds("d", &[160, 161, 165, 166, 160]),
    ]
    .concat();
    let found: Vec<(String, Option<usize>, bool)> =
        rows(&all).into_iter().map(|row| (row.client, row.rank, row.tied)).collect();
    let expected = [("a", 1, true), ("b", 1, true), ("c", 3, false), ("d", 4, false)];
    assert_eq!(found, expected.map(|(name, rank, tied)| (name.to_owned(), Some(rank), tied)));
    let rows = rows(&all);
    assert!(rows[0].versus_leader.is_none());
    let versus = rows[3].versus_leader.as_ref().unwrap();
    assert!((versus.ratio.unwrap() - 3.2).abs() < 0.1 && versus.p_holm < 0.01, "{versus:?}");
    let precision = rows[0].precision.unwrap();
    assert!(precision.interval.low < precision.mean && precision.half_width < 0.05);
}

#[test]
fn one_round_each_ranks_nobody_above_another() {
    let all = [rounds("a", &[50]), rounds("b", &[900])].concat();
    let rows = rows(&all);
    assert!(rows.iter().all(|row| row.rank == Some(1) && row.tied && row.precision.is_none()));
}

/// How high a lower bound really is, is not known: it can be worse, but not better.
#[test]
fn lower_bounds_are_better_than_nothing() {
    let mut bounded = rounds("a", &[50, 51, 52, 50, 51]);
    for round in &mut bounded {
        let typical = round.measurement.as_mut().unwrap().typical_ns.as_mut().unwrap();
        typical.p99 = Time::AtLeast { at_least: typical.p99.bound_ns() };
    }
    let all = [bounded.clone(), rounds("b", &[80, 82, 81, 80, 83])].concat();
    assert!(rows(&all).iter().all(|row| row.rank == Some(1)));
    let all = [bounded, rounds("b", &[20, 21, 20, 22, 21])].concat();
    let ranks: Vec<Option<usize>> = rows(&all).iter().map(|row| row.rank).collect();
    assert_eq!(ranks, [Some(1), Some(2)]);
}

/// A control that differs from itself by a tenth beyond its spread makes a tenth no difference.
#[test]
fn the_noise_floor_is_what_the_spread_of_controls_does_not_explain() {
    let a = rounds("a", &[1000, 1001, 1002, 1000, 1001]);
    let b = rounds("b", &[1060, 1061, 1062, 1060, 1061]);
    let within = [a.clone(), b.clone(), controls(a.clone())].concat();
    let (rows, noise) = summed_up("typical_p99", &["a"], &within);
    let floor = |noise: &[Noise]| {
        let metric = crate::analysis::rows::metric::Metric::TypicalP99;
        noise.iter().find(|noise| noise.metric == metric).unwrap().clone()
    };
    assert!(floor(&noise).floor < 1e-3 && !floor(&noise).is_told_apart());
    assert_eq!(rows[1].rank, Some(2));
    let apart = controls(rounds("a", &[1100, 1101, 1102, 1100, 1101]));
    let (rows, noise) = summed_up("typical_p99", &["a"], &[a, b, apart].concat());
    assert!((floor(&noise).floor - 0.1).abs() < 0.01, "{noise:?}");
    assert!(floor(&noise).is_told_apart());
    assert_eq!(rows[1].rank, Some(1), "six percent are no difference");
}

#[test]
fn several_controls_share_one_floor() {
    let (a, b) = (rounds("a", &[500, 510, 505]), rounds("b", &[900, 910, 905]));
    let all = [a.clone(), b, controls(a), controls(rounds("b", &[990, 1000, 995]))].concat();
    let (_, noise) = summed_up("typical_p99", &["a", "b"], &all);
    let of: Vec<&Noise> = noise
        .iter()
        .filter(|n| n.metric == crate::analysis::rows::metric::Metric::TypicalP99)
        .collect();
    assert_eq!(of.iter().map(|noise| noise.client.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(of[0].floor, of[1].floor);
    // The root mean square of 0 and about a tenth.
    assert!((of[0].floor - 0.067).abs() < 0.02, "{}", of[0].floor);
}

fn after(rows: &[Row], half_width: f64, left_s: u64) -> Next {
    let rank_by = workload("typical_p99").rank_by;
    let cost = |_: &str| Duration::from_secs(3);
    next(rows, rank_by, half_width, Duration::from_secs(left_s), &cost)
}

#[test]
fn a_comparison_ends_when_its_intervals_are_narrow_or_its_time_is_spent() {
    let all = [rounds("a", &[50, 51, 52]), rounds("b", &[50, 80, 110]), rounds("c", &[9, 10, 11])];
    let rows = rows(&all.concat());
    assert_eq!(after(&rows, 4.0, 60), Next::End(Ending::PrecisionReached));
    assert_eq!(after(&rows, 0.5, 60), Next::Block(vec!["b".into()]));
    let Next::Block(block) = after(&rows, 0.001, 6) else { panic!("there is time for two") };
    assert_eq!((block.len(), block[0].as_str()), (2, "b"), "the widest first");
    let Next::End(Ending::BudgetSpent { wide }) = after(&rows, 0.5, 2) else { panic!("no time") };
    assert_eq!(wide[0].client, "b");
    let goal = Goal { half_width: 0.5, budget_ns: 60_000_000_000 };
    let by = Ending::BudgetSpent { wide };
    let text = Ended { workload: "w".into(), goal, by }.to_string();
    assert!(text.starts_with("Rounds ended as this workload's share of 1m was spent; wider than"));
}

/// A comparison that looked at differences would go on here, or end earlier.
#[test]
fn whether_clients_differ_plays_no_part() {
    let near = [rounds("a", &[50, 51, 52]), rounds("b", &[50, 55, 60])].concat();
    let far = [rounds("a", &[50, 51, 52]), rounds("b", &[500, 550, 600])].concat();
    for half_width in [0.01, 0.2] {
        assert_eq!(after(&rows(&near), half_width, 60), after(&rows(&far), half_width, 60));
    }
}

#[test]
fn a_client_with_too_few_undisturbed_rounds_gets_further_ones() {
    let mut all = rounds("a", &[50, 50]);
    all.push(play("a", 3, US, Verdict::Noisy));
    assert_eq!(after(&rows(&all), 0.9, 60), Next::Block(vec!["a".into()]));
    let failed = [play("a", 1, US, Verdict::Failed)];
    assert_eq!(after(&rows(&failed), 0.1, 60), Next::End(Ending::PrecisionReached));
}
