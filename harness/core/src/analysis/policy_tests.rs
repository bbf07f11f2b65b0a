//! Rounds under each policy for slow consumers: what is measured, and which verdict it gets.

use crate::analysis::audit::audit;
use crate::analysis::round::journey::Journeys;
use crate::analysis::round::measure::{Measurement, measure};
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::judge::{Judgement, judge};
use crate::analysis::verdict::reason::Reason;
use crate::analysis::verdict::remark::Remark;
use crate::load::plan::Plan;
use crate::record::overflow::Overflow;
use crate::record::round::Record;
use crate::test_rounds;
use contract::{ClientEnd, Policy, ServerEnd};

/// A fifth of each half of the load.
const LOSSY: &[[u64; 2]] = &[[1_000, 2_000], [15_000, 2_000]];

fn measured(plan: &Plan, record: &Record) -> Measurement {
    measure(record, plan).unwrap()
}

fn judged(plan: &Plan, record: &Record) -> Judgement {
    let audit = audit(record, plan, &test_rounds::checksums(plan));
    assert_eq!(audit.failures, []);
    judge(&audit, measure(record, plan).as_ref(), record, plan)
}

#[test]
fn dropped_ticks_are_a_loss_and_not_a_backlog() {
    let plan = test_rounds::plan_under("drop-newest");
    let record = test_rounds::record(&plan, &[LOSSY], 1_000);
    let m = measured(&plan, &record);
    assert!((m.loss.unwrap() - 0.2).abs() < 0.0001, "{:?}", m.loss);
    assert_eq!((m.held_back, m.backlog_end.total()), (None, 0.0));
    // Of 20 000 ticks one in 11 is sampled, and of these those of 4 000 were dropped.
    let sample = plan.sample();
    let dropped = (0..20_000)
        .filter(|&seq| sample.at_or_after(seq) == seq && record.connections[0].drops.contains(seq))
        .count();
    assert!(dropped > 300);
    assert_eq!(m.samples, sample.count_below(20_000) as usize - dropped);
    let journeys = Journeys::new(&record, &plan, &plan.window_ns());
    assert!(journeys.iter().all(|stamps| stamps.processed_ns.is_some()));
    let response = m.response_ns.unwrap();
    assert_eq!((response.max.bound_ns(), response.max.is_censored()), (1_000, false));
}

#[test]
fn without_a_policy_there_is_no_loss() {
    let plan = test_rounds::plan("");
    let m = measured(&plan, &test_rounds::record(&plan, &[&[]], 1_000));
    assert_eq!((m.loss, m.held_back), (None, None));
    let json = serde_json::to_value(&m).unwrap();
    assert!(json.get("loss").is_none() && json.get("held_back").is_none());
    assert!(json["staleness_ns"]["p99"].as_u64().unwrap() > 1_000);
}

#[test]
fn an_allowed_loss_is_a_remark_and_not_a_failure() {
    let plan = test_rounds::plan_under("conflate");
    let judgement = judged(&plan, &test_rounds::record(&plan, &[LOSSY], 1_000));
    assert_eq!(judgement.verdict, Verdict::Ok);
    assert!(judgement.reasons.is_empty());
    let [Remark::Loss { policy: Policy::Conflate, share }] = judgement.remarks[..] else {
        panic!("{:?}", judgement.remarks)
    };
    assert!((share - 0.2).abs() < 0.0001, "{share}");
    // A client that falls behind all the same is overloaded.
    let judgement = judged(&plan, &test_rounds::record(&plan, &[LOSSY], 50_000));
    assert_eq!(judgement.verdict, Verdict::Overloaded);
    assert!(matches!(judgement.reasons.0[..], [Reason::BacklogGrew { .. }]));
}

#[test]
fn a_slow_client_that_blocks_the_source_is_overloaded() {
    let plan = test_rounds::plan_under("block");
    let slow = test_rounds::record(&plan, &[&[]], 40_000);
    let m = measured(&plan, &slow);
    assert!((m.held_back.unwrap() - 0.5).abs() < 0.001, "{:?}", m.held_back);
    // A tick that was never generated counts as having waited since it was due.
    assert!(m.response_ns.unwrap().p99.is_censored());
    let judgement = judged(&plan, &slow);
    assert_eq!(judgement.verdict, Verdict::Overloaded);
    assert_eq!(judgement.reasons, Reason::BlockedSource { share: m.held_back.unwrap() }.into());
    let quick = test_rounds::record(&plan, &[&[]], 1_000);
    assert_eq!(judged(&plan, &quick).verdict, Verdict::Ok);
}

#[test]
fn a_disconnected_client_is_overloaded_with_and_without_a_window() {
    let plan = test_rounds::plan_under("disconnect");
    let mut record = test_rounds::record(&plan, &[&[]], 21_000);
    record.server.ended = ServerEnd::CutOff;
    record.server.detail = Some("it was 70000 bytes behind".into());
    record.clients[0].ended = ClientEnd::Disconnected;
    record.watched.snapshots.truncate(15);
    let judgement = judged(&plan, &record);
    assert_eq!(judgement.verdict, Verdict::Overloaded);
    let detail = record.server.detail.clone();
    let overflow = Overflow::Disconnected { after_s: 0.28, detail };
    let reasons = Reason::Overflow { overflow }.into();
    assert_eq!(judgement.reasons, reasons);
    // As far as it was observed, it has numbers.
    let observed = plan.until(record.observed_ns()).unwrap();
    let audit = audit(&record, &observed, &test_rounds::checksums(&plan));
    let m = measure(&record, &observed);
    assert!(m.is_some());
    let judgement = judge(&audit, m.as_ref(), &record, &observed);
    assert_eq!((judgement.verdict, judgement.reasons), (Verdict::Overloaded, reasons));
}
