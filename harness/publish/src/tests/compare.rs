//! Comparisons of synthetic campaigns.

use super::campaigns::{Synthetic, around, control, rounds, workload};
use super::diffs::{P99, before_and_after, campaign, change, compared, judged, ok, word};
use crate::compare::change::{Change, Subject, Why, Word};
use crate::compare::diff::{self};
use crate::compare::gate::outcome::{Reason as GateReason, Whole};
use crate::compare::note::Note;
use crate::compare::side::{Filter, Which};
use crate::compare::text;
use bench_archive::campaign::Status;
use bench_core::analysis::audit::failure::AuditFailure;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons};
use bench_core::record::placement::Placed;

fn refused(a: &Synthetic, b: &Synthetic, filter: &Filter) -> String {
    let error = format!("{:#}", diff::compare(&a.side(), &b.side(), filter).unwrap_err());
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn every_kind_of_change_has_its_result_and_the_most_certain_come_first() {
    let (a, b) = before_and_after();
    let diff = compared(&a, &b);
    let words: Vec<(&str, Word)> = ["alike", "quick", "slow", "wild", "behind", "crash", "stuck"]
        .map(|c| (c, word(&diff, c)))
        .into();
    assert_eq!(
        words,
        [
            ("alike", Word::Same),
            ("quick", Word::Faster),
            ("slow", Word::Slower),
            ("wild", Word::CannotTell),
            ("behind", Word::Slower),
            ("crash", Word::Slower),
            ("stuck", Word::Slower),
        ]
    );
    let slow = change(&diff, "slow", P99);
    assert!((slow.ratio.unwrap() - 1.5).abs() < 1e-9 && slow.p_holm.unwrap() < 0.05);
    assert_eq!((slow.a.value, slow.b.value), (Some(30_090.0), Some(45_135.0)));
    // The greater of 0.5 % in A and none in B.
    assert!((slow.noise_floor.unwrap() - 0.005).abs() < 1e-4, "{slow:?}");
    // Two per cent more growth: above the noise floor, and not due to chance.
    assert!(
        (change(&diff, "stuck", Subject::Metric(Metric::Growth)).worse_by().unwrap() - 0.02).abs()
            < 1e-3
    );

    let order: Vec<Word> = diff.changes.iter().map(|c| c.word).collect();
    let last_change = order.iter().rposition(|w| w.is_change()).unwrap();
    assert!(order[..=last_change].iter().all(|w| w.is_change()));
    assert!(order[last_change + 1..].is_sorted_by_key(|w| *w == Word::CannotTell), "{order:?}");
    assert!(diff.changes[..2].iter().all(|c| c.subject == Subject::Verdict), "verdicts first");
    let p: Vec<f64> = diff.changes[2..=last_change].iter().filter_map(|c| c.p_holm).collect();
    assert!(p.is_sorted(), "{p:?}");

    let only: Vec<(Which, &[String])> =
        diff.missing.iter().map(|m| (m.only_in, m.clients.as_slice())).collect();
    assert_eq!(only, [(Which::A, &["gone".to_owned()][..]), (Which::B, &["new".to_owned()][..])]);
    assert_eq!(diff.headlines.total(), 7);
}

#[test]
fn a_diff_on_a_terminal_and_in_markdown() {
    let (a, b) = before_and_after();
    let mut diff = compared(&a, &b);
    diff.gate = judged(&["slower:5%", "*/quick:p99<1ms"], &b, Some(&diff));
    insta::assert_snapshot!("text", text::terminal(&diff));
    let markdown = text::markdown(&diff);
    let obeyed = markdown.replace("\\<", "");
    assert!(!obeyed.contains("<img") && !markdown.contains('\u{1b}'));
    insta::assert_snapshot!("markdown", markdown);
}

#[test]
fn a_bound_shows_only_what_it_cannot_hide() {
    let bounded = |unit_ns: u64| -> Vec<Measurement> {
        let mut all = around(unit_ns, 7);
        for m in &mut all {
            let q = m.response_ns.as_mut().unwrap();
            q.p99 = Time::AtLeast { at_least: q.p99.bound_ns() };
        }
        all
    };
    let judge = |a: Vec<Measurement>, b: Vec<Measurement>| {
        let (a, b) = (campaign("a", &[ok("x", a)]), campaign("b", &[ok("x", b)]));
        let diff = compared(&a, &b);
        let change = change(&diff, "x", P99).clone();
        (change.word, change.a.at_least, change.b.at_least, change.p.is_some())
    };
    let (low, high) = (10_000, 20_000);
    assert_eq!(judge(around(low, 7), bounded(high)), (Word::Slower, false, true, true));
    assert_eq!(judge(around(high, 7), bounded(low)), (Word::CannotTell, false, true, true));
    assert_eq!(judge(bounded(high), around(low, 7)), (Word::Faster, true, false, true));
    assert_eq!(judge(bounded(low), around(high, 7)), (Word::CannotTell, true, false, true));
    assert_eq!(judge(around(low, 7), bounded(low)), (Word::CannotTell, false, true, true));
    // Two bounds are not tested.
    assert_eq!(judge(bounded(low), bounded(high)), (Word::CannotTell, true, true, false));
}

#[test]
fn the_greater_noise_floor_decides() {
    let noisy = |unit_ns| control(ok("x", around(unit_ns, 7)));
    let a = campaign("a", &[ok("x", around(10_000, 7)), noisy(10_000)]);
    let b = |second| campaign("b", &[ok("x", around(13_000, 7)), noisy(second)]);
    assert_eq!(word(&compared(&a, &b(13_000)), "x"), Word::Slower);
    let loud = compared(&a, &b(18_200));
    let change = change(&loud, "x", P99);
    assert_eq!(change.word, Word::Same);
    assert!((change.margin.unwrap() - 0.4).abs() < 1e-3, "it says within what: {change:?}");
    assert!(text::terminal(&loud).contains("same within 40 %"));
}

#[test]
fn notes_say_when_rounds_are_too_few_for_the_comparisons() {
    let with = |unit_ns, count| campaign("c", &[ok("x", around(unit_ns, count))]);
    let diff = compared(&with(10_000, 3), &with(15_000, 3));
    let found = change(&diff, "x", P99);
    assert_eq!((found.word, found.p), (Word::Slower, Some(0.1)));
    assert!(
        diff.notes.iter().any(|note| matches!(note, Note::FewRounds { .. })),
        "{:?}",
        diff.notes
    );
    assert!(text::terminal(&diff).contains("slower (no test)"));
    assert_eq!(word(&compared(&with(10_000, 3), &with(10_000, 3)), "x"), Word::CannotTell);

    let single = compared(&with(10_000, 1), &with(90_000, 7));
    assert_eq!(word(&single, "x"), Word::CannotTell);
    assert!(
        single.notes.iter().any(|note| matches!(note, Note::OneRound { .. })),
        "{:?}",
        single.notes
    );

    // Five rounds each: 2 / 252 times 30 comparisons is 0.24, whatever they show.
    let many = |unit_ns| {
        let names: Vec<String> = (0..10).map(|i| format!("c{i}")).collect();
        let all: Vec<_> = names.iter().map(|name| ok(name, around(unit_ns, 5))).collect();
        campaign("many", &all)
    };
    let diff = compared(&many(10_000), &many(15_000));
    assert_eq!(diff.headlines.cannot_tell, 10);
    assert!(diff.changes.iter().all(|change| !change.decidable));
    assert!(
        diff.notes.iter().any(|note| matches!(note, Note::NoPower { needed: Some(7), .. })),
        "{:?}",
        diff.notes
    );
    let filter = Filter { clients: vec!["c3".into()], ..Filter::default() };
    let one = diff::compare(&many(10_000).side(), &many(15_000).side(), &filter).unwrap();
    assert_eq!(word(&one, "c3"), Word::Slower);
    assert!(one.notes.contains(&Note::Chosen { names: vec!["c3".into()] }));
}

#[test]
fn rows_that_are_not_ranked_show_no_change() {
    let noisy = rounds("steady", "x", Verdict::Noisy, around(90_000, 7));
    let (a, b) = (campaign("a", &[ok("x", around(10_000, 7))]), campaign("b", &[noisy]));
    let diff = compared(&a, &b);
    assert!(diff.changes.iter().all(|change| change.word == Word::CannotTell));
    let p99 = change(&diff, "x", P99);
    assert_eq!(p99.reason, Some(Why::Unranked { a: None, b: Some(Verdict::Noisy) }));
    let gate = judged(&["slower", "failed"], &b, Some(&diff));
    assert!(
        !gate[0].holds && gate[0].reasons[0] == GateReason::Whole(Whole::Undecidable),
        "{:?}",
        gate[0]
    );
    assert!(gate[1].holds, "a noisy row has numbers");
}

/// A late server is due to the machine; any other failed audit is due to the client.
#[test]
fn a_late_server_does_not_make_a_client_slower() {
    let failed = |failure| Reason::Audit { failure };
    let late = failed(AuditFailure::ServerLate { on_time_share: 0.824, on_time_ms: 5 });
    let wrong = failed(AuditFailure::Duplicates { count: 1 });
    let cases = [
        (vec![late.clone()], Word::CannotTell),
        (vec![wrong.clone()], Word::Slower),
        (vec![late, wrong], Word::Slower),
    ];
    for (reasons, expected) in cases {
        let mut failed = rounds("steady", "x", Verdict::Invalid, around(10_000, 7));
        failed.iter_mut().for_each(|round| round.reasons = Reasons(reasons.clone()));
        let (a, b) = (campaign("a", &[ok("x", around(10_000, 7))]), campaign("b", &[failed]));
        assert_eq!(word(&compared(&a, &b), "x"), expected, "{reasons:?}");
    }
}

#[test]
fn campaigns_that_cannot_be_compared_are_refused_with_advice() {
    let x = || ok("x", around(10_000, 7));
    let a = campaign("a", &[x()]);
    let all = Filter::default();
    let mut b = campaign("b", &[x()]);
    b.campaign.contract += 1;
    assert!(refused(&a, &b, &all).contains("contract"));
    let other = workload("steady", "rate_per_s = 100000\nwork_ns = 5\nrank_by = \"response_p99\"");
    let b = Synthetic::new("b", &[other], x());
    assert!(refused(&a, &b, &all).contains("work_ns 0 and 5"));
    let elsewhere = workload("elsewhere", "rate_per_s = 1\nrank_by = \"response_p99\"");
    let b = Synthetic::new("b", &[elsewhere], rounds("elsewhere", "x", Verdict::Ok, around(1, 7)));
    assert!(refused(&a, &b, &all).contains("nothing to compare"));
    let filter = Filter { clients: vec!["y".into()], ..Filter::default() };
    assert!(refused(&a, &a, &filter).contains("--only y: neither campaign has it; they have x"));
}

#[test]
fn differences_besides_the_numbers_are_noted() {
    let a = campaign("a", &[ok("x", around(10_000, 7))]);
    let mut b = campaign("b", &[ok("x", around(10_000, 7))]);
    assert!(compared(&a, &b).notes.is_empty());
    b.campaign.machine.cpu_model = Some("other".into());
    b.campaign.placement = Placed::Sentence("elsewhere".into());
    b.campaign.server_versions = vec!["tick-server 0.2.0".into()];
    b.campaign.status = Status::Interrupted;
    b.campaign.rounds = 5;
    b.campaign.measure_s = 5.0;
    let notes = compared(&a, &b).notes;
    let notes = notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for expected in [
        "different machines",
        "CPU EPYC and other",
        "placement",
        "B is incomplete (interrupted)",
        "different servers",
        "different numbers of rounds: 7 and 5",
        "high quantiles and maxima cannot be compared",
    ] {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
}

#[test]
fn a_comment_is_never_too_long_and_keeps_changes() {
    let (a, b) = before_and_after();
    let mut diff = compared(&a, &b);
    let all: Vec<Change> = diff.changes.clone();
    for change in all.iter().filter(|change| !change.word.is_change()) {
        diff.changes.extend(vec![change.clone(); 100]);
    }
    let text = text::markdown(&diff);
    assert!(text.len() < 65_536 && text.ends_with("</details>\n"), "{}", text.len());
    assert!(text.contains("| slow ") && text.contains("more: see"));
    // Even if everything changed.
    diff.changes = vec![all[0].clone(); 2000];
    diff.notes = vec![Note::Chosen { names: vec!["<&|>".repeat(1000)] }; 1000];
    assert!(text::markdown(&diff).len() < 65_536);
}
