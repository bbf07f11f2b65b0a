//! Campaigns of different machines, compared absolutely and by ratios to a client.

use super::campaigns::{Synthetic, around, control, fell_behind, kept_up, published_dirs, rounds};
use super::diffs::{P99, campaign, change, compared, judged, ok, word};
use crate::compare::change::{Change, Subject, Why, Word};
use crate::compare::diff::{self, Diff};
use crate::compare::gate::outcome::{Reason as GateReason, Whole};
use crate::compare::machines::Property;
use crate::compare::note::Note;
use crate::compare::side::{Filter, Side};
use crate::compare::text;
use bench_archive::archive::Archive;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::verdict::Verdict;
use bench_core::record::machine::Virtualisation;

/// The same campaign, measured on another processor and kernel.
fn elsewhere(mut campaign: Synthetic) -> Synthetic {
    campaign.campaign.machine.cpu_model = Some("Xeon".into());
    campaign.campaign.machine.kernel = "6.19".into();
    campaign
}

fn ratios_to(reference: &str) -> Filter {
    Filter { reference: Some(reference.into()), ..Filter::default() }
}

fn by_ratios(a: &Synthetic, b: &Synthetic) -> Diff {
    diff::compare(&a.side(), &b.side(), &ratios_to("base")).unwrap()
}

fn refused(a: &Synthetic, b: &Synthetic, reference: &str) -> String {
    let refused = diff::compare(&a.side(), &b.side(), &ratios_to(reference)).unwrap_err();
    let error = format!("{refused:#}");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

fn is_of_machine(change: &Change) -> bool {
    matches!(change.reason, Some(Why::OtherMachine { .. }))
}

#[test]
fn absolute_figures_of_different_machines_show_nothing() {
    let all = |unit_ns| [ok("x", around(unit_ns, 7)), ok("y", around(unit_ns, 7))];
    let (a, b) = (campaign("a", &all(10_000)), elsewhere(campaign("b", &all(20_000))));
    let diff = compared(&a, &b);
    assert!(diff.changes.len() >= 6);
    for change in &diff.changes {
        assert_eq!(change.word, Word::CannotTell, "{change:?}");
        assert!(is_of_machine(change) && change.ratio.is_none() && change.p.is_none());
        assert!(change.a.value.is_some() && change.b.value.is_some(), "still shown");
    }
    let why = change(&diff, "x", P99).reason.as_ref().unwrap().to_string();
    assert_eq!(why, "measured with another CPU and kernel");
    let note = diff.notes.iter().find(|note| matches!(note, Note::OtherMachine { .. })).unwrap();
    let note = note.to_string();
    assert!(note.contains("CPU EPYC and Xeon; kernel 6.18 and 6.19"), "{note}");
    assert!(note.contains("--across-machines CLIENT"), "{note}");
    assert!(text::terminal(&diff).contains("0 slower, 0 faster, 0 same, 2 cannot tell"));
}

#[test]
fn each_property_of_a_machine_forbids_it_and_its_name_does_not() {
    let x = || campaign("x", &[ok("x", around(10_000, 7))]);
    type Edit = fn(&mut Synthetic);
    let cases: [(Edit, &[Property]); 6] = [
        (|c| c.campaign.machine.host = "other".into(), &[]),
        (|c| c.campaign.machine.kernel = "6.18.1".into(), &[Property::Kernel]),
        (|c| c.campaign.machine.cpu_model = Some("Xeon".into()), &[Property::Cpu]),
        (|c| c.campaign.machine.cpu_model = None, &[]),
        (
            |c| c.campaign.machine.virtualisation = Some(Virtualisation::Xen),
            &[Property::Virtualisation],
        ),
        (|c| c.campaign.machine.cpu_flags = vec!["hypervisor".into()], &[]),
    ];
    let mut a = x();
    a.campaign.machine.virtualisation = Some(Virtualisation::Kvm);
    for (edit, properties) in cases {
        let mut b = x();
        edit(&mut b);
        let diff = compared(&a, &b);
        match &change(&diff, "x", P99).reason {
            Some(Why::OtherMachine { what, .. }) => assert_eq!(what, properties),
            other => assert!(properties.is_empty(), "{properties:?}: {other:?}"),
        }
    }
}

/// What a client no longer manages may be due to the machine.
#[test]
fn a_changed_verdict_shows_nothing_across_machines_and_is_still_named() {
    let a = campaign("a", &[ok("base", around(10_000, 7)), ok("x", around(10_000, 7))]);
    let failed = rounds("steady", "x", Verdict::Failed, around(1, 7));
    let b = elsewhere(campaign("b", &[ok("base", around(10_000, 7)), failed]));
    for diff in [compared(&a, &b), by_ratios(&a, &b)] {
        let change = change(&diff, "x", Subject::Verdict);
        assert_eq!(change.word, Word::CannotTell);
        let why = change.reason.as_ref().unwrap().to_string();
        assert!(why.contains("another CPU and kernel; B is failed: for a test"), "{why}");
        // A row without numbers is not a comparison of figures.
        let gate = judged(&["*/x:failed"], &b, Some(&diff)).remove(0);
        assert!(!gate.holds, "{gate:?}");
    }
}

#[test]
fn a_gate_on_differences_fails_across_machines_and_objectives_are_about_b_alone() {
    let a = campaign("a", &[ok("x", around(10_000, 7))]);
    let b = elsewhere(campaign("b", &[ok("x", around(10_000, 7))]));
    let diff = compared(&a, &b);
    let [slower, objective] =
        judged(&["slower:5%", "p99<1ms"], &b, Some(&diff)).try_into().unwrap();
    let what = vec![Property::Cpu, Property::Kernel];
    assert_eq!(slower.reasons, [GateReason::Whole(Whole::OtherMachine { what })]);
    assert_eq!((slower.holds, slower.open), (false, 1));
    assert!(slower.to_string().contains("--across-machines CLIENT"), "{slower}");
    assert!(objective.holds, "{objective:?}");
}

/// B's machine is twice as fast; only `slow` lost half of what it had against `base`.
#[test]
fn ratios_to_a_client_cancel_the_speed_of_the_machine() {
    let a = campaign(
        "a",
        &[
            ok("base", around(10_000, 7)),
            ok("alike", around(20_000, 7)),
            ok("slow", around(20_000, 7)),
            ok("quick", around(20_000, 7)),
        ],
    );
    let b = elsewhere(campaign(
        "b",
        &[
            ok("base", around(5_000, 7)),
            ok("alike", around(10_000, 7)),
            ok("slow", around(15_000, 7)),
            ok("quick", around(8_000, 7)),
        ],
    ));
    let diff = by_ratios(&a, &b);
    let words = ["alike", "slow", "quick"].map(|client| word(&diff, client));
    assert_eq!(words, [Word::Same, Word::Slower, Word::Faster]);
    let slow = change(&diff, "slow", P99);
    assert_eq!((slow.a.value, slow.b.value), (Some(2.0), Some(3.0)));
    assert!((slow.ratio.unwrap() - 1.5).abs() < 1e-9, "{slow:?}");
    assert!(diff.changes.iter().all(|change| change.client != "base"));
    assert!(diff.notes.iter().any(|note| matches!(note, Note::RatiosAcross { .. })));
    let shown = text::terminal(&diff);
    assert!(shown.contains("3.000 ×") && shown.contains("A and B are ratios to base"), "{shown}");
    let [slower, enough] =
        judged(&["slower:45%", "slower:60%"], &b, Some(&diff)).try_into().unwrap();
    assert!(!slower.holds && enough.holds, "{slower:?} {enough:?}");
}

/// The blocks of both campaigns drift by a factor of two, for all clients alike.
#[test]
fn rounds_are_divided_by_those_of_the_same_block() {
    let drifting =
        |units: &[u64]| -> Vec<Measurement> { units.iter().map(|&n| kept_up(n)).collect() };
    let base = [10_000, 14_000, 20_000, 12_000, 18_000, 11_000, 16_000];
    let twice = base.map(|unit| unit * 2 + 10);
    let with = |mut x: Vec<Measurement>, left_out: Option<usize>| {
        let mut results = ok("x", x.split_off(0));
        if let Some(index) = left_out {
            results[index].verdict = Verdict::Noisy;
        }
        campaign("c", &[ok("base", drifting(&base)), results])
    };
    let a = with(drifting(&twice), None);
    // A round that does not count has no ratio, and the others keep their partners.
    let b = elsewhere(with(drifting(&twice), Some(2)));
    let diff = by_ratios(&a, &b);
    let p99 = change(&diff, "x", P99);
    assert_eq!((p99.word, p99.a.rounds, p99.b.rounds), (Word::Same, 7, 6), "{p99:?}");
    let interval = p99.interval.unwrap();
    assert!(interval.low > 0.999 && interval.high < 1.001, "{interval:?}");
}

#[test]
fn the_noise_floors_of_both_campaigns_multiply() {
    let with = |unit_ns, again_ns| {
        campaign(
            "c",
            &[
                ok("base", around(unit_ns, 7)),
                control(ok("base", around(again_ns, 7))),
                ok("x", around(unit_ns * 2, 7)),
            ],
        )
    };
    let diff = by_ratios(&with(10_000, 11_000), &elsewhere(with(5_000, 6_000)));
    let floor = change(&diff, "x", P99).noise_floor.unwrap();
    assert!((floor - (1.1 * 1.2 - 1.0)).abs() < 1e-3, "{floor}");
}

#[test]
fn a_client_without_numbers_cannot_be_divided_by() {
    let a = campaign("a", &[ok("base", around(10_000, 7)), ok("x", around(10_000, 7))]);
    let other = campaign("b", &[ok("x", around(10_000, 7)), ok("y", around(10_000, 7))]);
    let error = refused(&a, &other, "base");
    let expected = "--across-machines base: b has no numbers of it under these workloads; both have numbers of x";
    assert_eq!(error, expected);
    let failed = rounds("steady", "base", Verdict::Failed, around(1, 7));
    let noisy = rounds("steady", "base", Verdict::Noisy, around(1, 7));
    for base in [failed, noisy] {
        let b = campaign("b", &[base, ok("x", around(10_000, 7))]);
        assert!(refused(&a, &b, "base").contains("b has no numbers of it"));
    }
    assert!(refused(&a, &a, "nobody").contains("both have numbers of base, x"));
    let alone = campaign("b", &[ok("base", around(10_000, 7))]);
    assert!(refused(&a, &alone, "base").contains("in common besides base"));
}

#[test]
fn lower_bounds_cannot_be_divided_by() {
    let behind = |client: &str| -> Vec<_> {
        let growing = (0..7).map(|i| fell_behind(40_000.0 + f64::from(i))).collect();
        rounds("steady", client, Verdict::Overloaded, growing)
    };
    let a = campaign("a", &[behind("base"), behind("x")]);
    let b = elsewhere(campaign("b", &[behind("base"), behind("x")]));
    let diff = by_ratios(&a, &b);
    assert_eq!(word(&diff, "x"), Word::Same, "growth has a ratio where both grow");
    let a = campaign("a", &[behind("base"), ok("x", around(10_000, 7))]);
    let b = elsewhere(campaign("b", &[behind("base"), ok("x", around(10_000, 7))]));
    let reason = change(&by_ratios(&a, &b), "x", P99).reason.clone();
    assert_eq!(reason, Some(Why::ReferenceBound { client: "base".into() }));
}

/// Seeded values between 0 and 1 (Knuth's MMIX generator).
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as f64 / f64::from(1u32 << 31)
}

/// Rounds that vary by about 5 % (log-normal, by a sum of twelve), around a median.
fn varying(median_ns: f64, state: &mut u64) -> Vec<Measurement> {
    let normal = |state: &mut u64| (0..12).map(|_| random(state)).sum::<f64>() - 6.0;
    (0..7).map(|_| kept_up((median_ns * (0.05 * normal(state)).exp()) as u64)).collect()
}

/// Of forty diffs of two campaigns with the same ratios, on machines of different speed.
#[test]
fn equal_ratios_are_rarely_called_different_and_intervals_cover_them() {
    let mut state = 7;
    let (mut false_changes, mut covered, mut all) = (0, 0, 0);
    for _ in 0..40 {
        let mut measured = |speed: f64| {
            let clients = [("base", 1.0), ("x", 1.3), ("y", 2.0), ("z", 4.0)];
            let rounds =
                clients.map(|(client, cost)| ok(client, varying(1e5 * cost / speed, &mut state)));
            campaign("c", &rounds)
        };
        let (a, b) = (measured(1.0), elsewhere(measured(1.7)));
        let diff = by_ratios(&a, &b);
        false_changes += usize::from(diff.changes.iter().any(|change| change.word.is_change()));
        for change in diff.changes.iter().filter(|change| change.subject == P99) {
            let interval = change.interval.unwrap();
            covered += usize::from(interval.low <= 1.0 && interval.high >= 1.0);
            all += 1;
        }
    }
    assert!(false_changes <= 4, "{false_changes} of 40");
    assert!(covered as f64 >= 0.9 * f64::from(all), "{covered} of {all}");
}

/// A published campaign against itself, with another kernel in the copy.
#[test]
fn published_campaigns_are_compared_by_ratios_where_the_kernel_differs() {
    let dir = published_dirs().pop().unwrap();
    let (archive, mut copy) = (Archive::open(&dir).unwrap(), Archive::open(&dir).unwrap());
    copy.campaign.machine.kernel = "other".into();
    let (a, b) = (Side::of(&archive), Side::of(&copy));
    let absolute = diff::compare(&a, &b, &Filter::default()).unwrap();
    assert!(absolute.changes.iter().all(is_of_machine));
    let reference = absolute.changes.iter().find(|change| change.a.verdict == Some(Verdict::Ok));
    let diff = diff::compare(&a, &b, &ratios_to(&reference.unwrap().client)).unwrap();
    let cpu = |change: &&Change| change.subject == Subject::Metric(Metric::Cpu);
    let of_cpu: Vec<&Change> = diff.changes.iter().filter(cpu).collect();
    assert!(of_cpu.len() > 10, "{}", of_cpu.len());
    for change in of_cpu {
        assert!(!change.word.is_change() && !is_of_machine(change), "{change:?}");
        assert!(change.ratio.is_none_or(|ratio| (ratio - 1.0).abs() < 1e-9), "{change:?}");
    }
    serde_json::to_string(&diff).unwrap();
}
