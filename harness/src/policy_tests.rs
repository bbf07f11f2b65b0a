//! What is measured, and said, of rounds under a policy.

use crate::journey::Journeys;
use crate::measure::{self, Measurement};
use crate::plan::Plan;
use crate::record::Record;
use crate::verdict::{self, Judgement, Verdict};
use crate::verify::{self, Audit};
use crate::worked;
use contract::{ClientEnd, ServerEnd};

/// Of each half of the load a fifth.
const LOSSY: &[[u64; 2]] = &[[1_000, 2_000], [15_000, 2_000]];

fn measured(plan: &Plan, record: &Record) -> Measurement {
    measure::measure(record, plan).unwrap()
}

fn judged(plan: &Plan, record: &Record) -> Judgement {
    let audit = verify::audit(record, plan, &worked::checksums(plan));
    assert_eq!(audit, Audit::default());
    verdict::judge(&audit, measure::measure(record, plan).as_ref(), record, plan)
}

#[test]
fn what_was_dropped_is_lost_and_waits_nowhere() {
    let plan = worked::under("drop-newest");
    let record = worked::record(&plan, &[LOSSY], 1_000);
    let m = measured(&plan, &record);
    assert!((m.loss.unwrap() - 0.2).abs() < 0.0001, "{:?}", m.loss);
    assert_eq!((m.held_back, m.backlog_end.total()), (None, 0.0));
    // Of 20 000 ticks one in 11 is sampled, and of these those of 4 000 were dropped.
    let sample = plan.sample();
    let dropped = (0..20_000)
        .filter(|&seq| sample.at_or_after(seq) == seq && record.links[0].drops.contains(seq))
        .count();
    assert!(dropped > 300);
    assert_eq!(m.samples, sample.count_below(20_000) as usize - dropped);
    let journeys = Journeys::new(&record, &plan, &plan.window_ns());
    assert!(journeys.iter().all(|stamps| stamps.processed_ns.is_some()));
    let response = m.response_ns.unwrap();
    assert_eq!((response.max.bound_ns(), response.max.is_censored()), (1_000, false));
}

#[test]
fn without_a_policy_nothing_is_said_of_loss() {
    let plan = worked::plan("");
    let m = measured(&plan, &worked::record(&plan, &[&[]], 1_000));
    assert_eq!((m.loss, m.held_back), (None, None));
    let json = serde_json::to_value(&m).unwrap();
    assert!(json.get("loss").is_none() && json.get("held_back").is_none());
    assert!(json["staleness_ns"]["p99"].as_u64().unwrap() > 1_000);
}

#[test]
fn a_loss_that_is_allowed_is_no_failure_but_is_told() {
    let plan = worked::under("conflate");
    let judgement = judged(&plan, &worked::record(&plan, &[LOSSY], 1_000));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Ok, None));
    assert!(
        judgement
            .remarks
            .contains(&"lost: the policy conflate kept 20.0 % of the ticks from it".into()),
        "{:?}",
        judgement.remarks
    );
    // And who falls behind all the same is overloaded all the same.
    let judgement = judged(&plan, &worked::record(&plan, &[LOSSY], 50_000));
    assert_eq!(judgement.verdict, Verdict::Overloaded);
    assert!(judgement.reason.unwrap().starts_with("its backlog grew by"));
}

#[test]
fn who_sets_the_pace_and_is_too_slow_is_overloaded() {
    let plan = worked::under("block");
    let slow = worked::record(&plan, &[&[]], 40_000);
    let m = measured(&plan, &slow);
    assert!((m.held_back.unwrap() - 0.5).abs() < 0.001, "{:?}", m.held_back);
    // What was never made counts as having waited for at least as long as it was due.
    assert!(m.response_ns.unwrap().p99.is_censored());
    let judgement = judged(&plan, &slow);
    assert_eq!(judgement.verdict, Verdict::Overloaded);
    assert!(
        judgement.reason.unwrap().starts_with("it held the source back: 50.0 % of the ticks due"),
    );
    let quick = worked::record(&plan, &[&[]], 1_000);
    assert_eq!(judged(&plan, &quick).verdict, Verdict::Ok);
}

#[test]
fn who_is_cut_off_is_overloaded_with_and_without_a_window() {
    let plan = worked::under("disconnect");
    let mut record = worked::record(&plan, &[&[]], 21_000);
    record.server.ended = ServerEnd::CutOff;
    record.server.detail = Some("it was 70000 bytes behind".into());
    record.clients[0].ended = ClientEnd::Disconnected;
    record.watched.snapshots.truncate(15);
    let judgement = judged(&plan, &record);
    assert_eq!(judgement.verdict, Verdict::Overloaded);
    let why = "cut off after 0.28 s: it was 70000 bytes behind";
    assert_eq!(judgement.reason.as_deref(), Some(why));
    // Seen so far, it has numbers.
    let seen = plan.until(record.seen_ns()).unwrap();
    let audit = verify::audit(&record, &seen, &worked::checksums(&plan));
    let m = measure::measure(&record, &seen);
    assert!(m.is_some());
    let judgement = verdict::judge(&audit, m.as_ref(), &record, &seen);
    assert_eq!((judgement.verdict, judgement.reason.as_deref()), (Verdict::Overloaded, Some(why)));
}
