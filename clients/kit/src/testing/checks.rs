//! What the scenarios share: a connected client, and the books and rows that a
//! run without a fault has.

use super::server::market;
use super::{Child, Connection, Program, Server, plan};
use contract::{ClientEnd, ClientFinal, ClientPlan, FromClient, SampleRow};
use tick::Format;

/// A client that has said hello and ready, and its connection; `None` when it
/// is not available here.
pub(super) fn connect(
    program: Program<'_>,
    plan: &ClientPlan,
    server: &Server,
) -> Option<(Child, Connection)> {
    if is_unavailable(program) {
        return None;
    }
    let mut child = Child::with_plan(program, plan);
    let connection = server.accept(plan.format);
    assert!(matches!(child.hear(), Some(FromClient::Hello(_))));
    assert!(matches!(child.hear(), Some(FromClient::Ready(_))));
    Some((child, connection))
}

/// Asks with a server that is not there: a client that can run fails to connect.
pub(super) fn is_unavailable(program: Program) -> bool {
    let mut child = Child::with_plan(program, &plan("ws://127.0.0.1:1/", Format::Binary));
    assert!(matches!(child.hear(), Some(FromClient::Hello(_))));
    match child.hear() {
        None => false,
        Some(FromClient::Unavailable { reason }) => {
            eprintln!("skipped: {reason}");
            assert_eq!(child.exit().code, Some(0));
            true
        }
        other => panic!("{other:?} without a server"),
    }
}

/// The books of a run in which `count` ticks came, and nothing went wrong.
pub(super) fn whole(count: u64, ended: ClientEnd) -> ClientFinal {
    ClientFinal {
        received: count,
        processed: count,
        queued: 0,
        gaps: 0,
        duplicates: 0,
        reorders: 0,
        undecodable: 0,
        checksum: market().checksum(0..count),
        ended,
        detail: None,
    }
}

/// Exactly the planned seqs, with stamps that rise.
pub(super) fn check_rows(rows: &[SampleRow], plan: &ClientPlan, seqs: std::ops::Range<u64>) {
    let planned = (0..plan.sample.count_below(seqs.end)).map(|index| plan.sample.nth(index));
    assert!(rows.iter().map(|row| row[0]).eq(planned), "{} rows of {seqs:?}", rows.len());
    assert!(rows.iter().all(|row| row[1] > 0 && row[1] <= row[2]));
    assert!(rows.is_sorted_by(|a, b| a[1] <= b[1] && a[2] <= b[2]));
}
