//! Rounds with counters in the live views.

use super::{OVERHEAD_NS, Session, TIMING, outline, result, start, workload};
use crate::campaign::progress::{Extent, RoundStart};
use crate::view::lines;
use crate::view::state::{Counted, Event};
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons};
use bench_core::record::counters::{Count, Counter, Counts};

#[test]
fn rounds_with_counters_count_towards_the_end_and_change_no_cell() {
    let steady = workload("steady", "100000", "response_p99");
    let mut plan = outline(vec!["steady".into()], 1);
    let round_ns = TIMING.warmup_ns + TIMING.measure_ns;
    plan.extent = Extent::Rounds { each: 1, counters: 2, round_ns, budget_ns: 0 };
    let mut session = Session::new(plan);
    for entry in 0..7 {
        let p99 = Some(Time::Exact(1000));
        session.play(start(0, entry, 1, &steady), result("steady", "x", Verdict::Ok, p99));
    }
    assert_eq!((session.state.done(), session.state.total()), (7, Some(9)));
    assert_eq!(session.state.remaining_ns(session.now_ns), 2 * (round_ns + OVERHEAD_NS));
    let verdict =
        |session: &Session| session.state.cell(0, 0).unwrap().verdict(session.state.outline.extent);
    let title = "steady · async-std · counters".to_owned();
    session.add(Event::Begin(Box::new(RoundStart { title, ..start(0, 0, 1, &steady) })));
    let round = CountersRound {
        workload: "steady".into(),
        client: "async-std".into(),
        verdict: Verdict::Failed,
        reasons: Reason::NotRun.into(),
        counts: None,
    };
    let line = lines::counted((8, 9), "t", &round);
    assert_eq!(line, "[8/9] t: failed: no round was run");
    session.add(Event::Counted(Box::new(Counted { round, line })));
    assert_eq!(
        (verdict(&session), session.state.cell(0, 0).unwrap().done()),
        (Some(Verdict::Ok), 1)
    );
    assert_eq!(session.state.notices.len(), 1);
    session.add(Event::LeftOut);
    assert_eq!(session.state.remaining_ns(session.now_ns), 0);
    assert!(session.screen(80, 24).contains("counters"));
}

#[test]
fn the_line_of_a_round_with_counters_has_its_numbers() {
    let count = |counter, count| Count {
        counter,
        count,
        enabled_ns: 1,
        running_ns: 1,
        user_space_only: false,
    };
    let counted = vec![
        count(Counter::SystemCalls, 3000),
        count(Counter::PageFaults, 1),
        count(Counter::Cycles, 9),
    ];
    let round = CountersRound {
        workload: "steady".into(),
        client: "floor".into(),
        verdict: Verdict::Noisy,
        reasons: Reasons::default(),
        counts: Some(Counts { processed: 2000, counted, not_counted: Vec::new() }),
    };
    let line = lines::counted((1, 2), "t", &round);
    assert_eq!(line, "[1/2] t: 1.50 system calls, 0.00050 page faults per tick");
    let none =
        CountersRound { counts: Some(Counts { processed: 2000, ..Counts::default() }), ..round };
    assert_eq!(lines::counted((1, 2), "t", &none), "[1/2] t: nothing could be counted");
}
