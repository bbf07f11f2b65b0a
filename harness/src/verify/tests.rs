//! The audit passes rounds whose books balance, and each of its rules sees a book that
//! was doctored.

use super::*;
use crate::kernel::Queues;
use crate::worked;
use proptest::prelude::*;

const LOSSY: &[[u64; 2]] = &[[100, 50], [4_000, 3_000], [19_000, 1_000]];

fn failures(record: &Record, plan: &Plan) -> String {
    audit(record, plan, &worked::checksums(plan)).failures.join("; ")
}

/// A sound round in which a policy dropped ticks.
fn dropping() -> (Plan, Record) {
    let plan = worked::under("drop-oldest");
    let record = worked::record(&plan, &[LOSSY], 10_000);
    (plan, record)
}

#[test]
fn sound_rounds_pass_under_every_policy() {
    for policy in ["queue", "drop-oldest", "drop-newest", "conflate"] {
        let plan = worked::under(policy);
        let dropped = if policy == "queue" { &[] } else { LOSSY };
        // A client that is fast enough, and one that is not.
        for work_ns in [1_000, 30_000] {
            let record = worked::record(&plan, &[dropped], work_ns);
            assert_eq!(failures(&record, &plan), "", "{policy}, {work_ns} ns");
        }
    }
    let plan = worked::under("block");
    let record = worked::record(&plan, &[&[]], 40_000);
    assert_eq!(record.server.generated, 10_000, "half of what was due");
    assert_eq!(failures(&record, &plan), "");
}

#[test]
fn several_connections_may_lose_different_ticks() {
    let lines = "connections=3\nslow_consumer={policy='conflate',ms=50}";
    let plan = worked::plan(lines);
    let record = worked::record(&plan, &[LOSSY, &[], &[[7, 1]]], 10_000);
    assert_eq!((record.server.dropped, record.clients[0].gaps), (4_051, 3_051));
    assert_eq!(failures(&record, &plan), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_dropped_the_books_balance(
        steps in prop::collection::vec((1..900u64, 1..900u64), 0..10), work_ns in 1_000..30_000u64,
    ) {
        let (mut ranges, mut seq) = (Vec::new(), 0);
        for (gap, count) in steps {
            ranges.push([seq + gap, count]);
            seq += gap + count;
        }
        let plan = worked::under("conflate");
        let record = worked::record(&plan, &[&ranges], work_ns);
        prop_assert_eq!(failures(&record, &plan), "");
    }
}

type Doctor = fn(&mut Record);

#[test]
fn each_rule_about_drops_sees_a_doctored_book() {
    let cases: [(&str, Doctor); 13] = [
        // 3 050 lie below the newest tick; the last thousand above it.
        ("3051 seqs skipped, but 3050 dropped", |r| r.clients[0].gaps += 1),
        ("0 seqs skipped, but 3050 dropped", |r| r.clients[0].gaps = 0),
        ("the market's is", |r| r.clients[0].checksum += 1),
        ("the server's ranges have 4050 dropped ticks, its report 4049", |r| r.server.dropped -= 1),
        ("ranges do not ascend and lie apart", |r| r.links[0].drops.extend([[50, 1]])),
        ("dropped ticks that it never made", |r| r.links[0].drops.extend([[20_001, 5]])),
        ("the client's samples are not the planned", |r| {
            r.links[0].client_rows.remove(3);
        }),
        ("the client's samples are not the planned", |r| r.links[0].client_rows[20][0] = 105),
        ("the server's samples are not the planned", |r| {
            r.links[0].server_rows.remove(3);
        }),
        ("drained, and yet generated without the 4049 dropped", |r| r.server.dropped -= 1),
        ("at 200 ms more came out than went in", |r| r.watched.snapshots[10].dropped += 5_000),
        ("a counter in a meter went backwards", |r| r.watched.snapshots[10].dropped = 0),
        ("the server's meter had 4051 dropped ticks, its report has 4050", |r| {
            let last = r.watched.snapshots.last_mut().unwrap();
            (last.dropped, last.generated) = (last.dropped + 1, last.generated + 1);
        }),
    ];
    let (plan, sound) = dropping();
    assert_eq!(failures(&sound, &plan), "");
    for (words, doctor) in cases {
        let mut record = sound.clone();
        doctor(&mut record);
        let found = failures(&record, &plan);
        assert!(found.contains(words), "{words}: {found}");
    }
}

#[test]
fn what_no_policy_drops_must_not_be_missing() {
    let (_, record) = dropping();
    for policy in ["queue", "block", "disconnect"] {
        let found = failures(&record, &worked::under(policy));
        let words = format!("4050 ticks dropped, which the policy {policy} does not do");
        assert!(found.contains(&words), "{found}");
    }
}

/// A tick that waits is neither written nor dropped, and there may be some.
#[test]
fn what_waits_at_the_end_is_allowed_and_what_is_missing_is_not() {
    let (plan, mut record) = dropping();
    record.watched.told_to_stop = true;
    record.clients[0].ended = ClientEnd::Stopped;
    record.server.ended = ServerEnd::Stopped;
    record.server.generated += 500;
    assert_eq!(failures(&record, &plan), "", "500 ticks wait");
    record.server.generated -= 501;
    assert!(failures(&record, &plan).contains("more came out than went in"));
}

#[test]
fn under_block_the_server_need_not_keep_its_rate() {
    let plan = worked::under("block");
    let record = worked::record(&plan, &[&[]], 40_000);
    assert_eq!(failures(&record, &plan), "");
    // The same stream without the policy: half of the ticks are missing.
    let found = failures(&record, &worked::under("queue"));
    assert!(is_lateness(&found), "{found}");
}

#[test]
fn to_be_cut_off_is_a_result_of_one_policy_only() {
    let cut = |plan: &Plan, ended| {
        let mut record = worked::record(plan, &[&[]], 40_000);
        // Long before the end of the load.
        record.watched.snapshots.truncate(10);
        record.server.ended = ServerEnd::CutOff;
        record.server.detail = Some("it was 70000 bytes behind".into());
        record.clients[0].ended = ended;
        record
    };
    let plan = worked::under("disconnect");
    let record = cut(&plan, ClientEnd::Disconnected);
    assert_eq!(failures(&record, &plan), "");
    assert_eq!(record.overflow().unwrap(), "cut off after 0.18 s: it was 70000 bytes behind");
    let found = failures(&cut(&plan, ClientEnd::Deadline), &plan);
    assert!(found.contains("was cut off, and yet it ended: deadline reached"), "{found}");
    let plan = worked::under("drop-oldest");
    let found = failures(&cut(&plan, ClientEnd::Disconnected), &plan);
    assert!(found.contains("which the policy drop-oldest does not do"), "{found}");
}

/// A client whose stamps come from another clock says by how much they may be off; so
/// much may they contradict the server's and the meter's, and no more.
#[test]
fn a_mapped_clock_is_allowed_its_error_and_no_more() {
    let plan = worked::under("queue");
    let early = |by_ns: u64, error_ns: Option<u64>| {
        let mut record = worked::record(&plan, &[&[]], 1_000);
        record.hello.clock_error_ns = error_ns;
        let link = &mut record.links[0];
        let written_ns = link.server_rows[50][2];
        link.client_rows[50][1] = written_ns - by_ns;
        failures(&record, &plan)
    };
    assert!(early(5_000, None).contains("a negative latency: tick"));
    assert_eq!(early(5_000, Some(5_000)), "");
    assert!(early(5_001, Some(5_000)).contains("received before it was written"));
    // The look after that which had counted the tick is the latest that its stamp can be.
    let late = |by_ns: u64, error_ns: Option<u64>| {
        let mut record = worked::record(&plan, &[&[]], 1_000);
        record.hello.clock_error_ns = error_ns;
        let place = record.links[0].client_rows[50][0];
        let looks = &record.watched.snapshots;
        let counted = looks.iter().position(|look| look.processed > place).unwrap();
        let after_ns = looks[counted + 1].at_ns;
        record.links[0].client_rows[50][2] = after_ns + by_ns;
        failures(&record, &plan)
    };
    assert_eq!(late(0, None), "");
    assert!(late(1, None).contains("a stamp from the future"));
    assert_eq!(late(9_000, Some(9_000)), "");
    assert!(late(9_001, Some(9_000)).contains("a stamp from the future"));
}

/// What a library holds lies in its client's memory: more than that cannot be there.
#[test]
fn a_library_holds_no_more_than_its_memory() {
    let plan = worked::under("queue");
    let sound = worked::record(&plan, &[&[]], 1_000);
    let holding = |ticks: u64, rss_bytes: u64, queues: Option<Queues>| {
        let mut record = sound.clone();
        let look = record.watched.snapshots.last_mut().unwrap();
        look.written += ticks;
        look.generated += ticks;
        (look.client_rss_bytes, look.queues) = (rss_bytes, queues);
        let mut audit = Audit::default();
        audit.instants(&record);
        audit.failures.join("; ")
    };
    let nowhere = Some(Queues::default());
    // 30 bytes a tick: a look allows 32 MB to be on its way in any case.
    assert_eq!(holding(1_060_000, 0, nowhere), "");
    assert!(holding(1_070_000, 0, nowhere).contains("the layers do not add up"));
    assert_eq!(holding(1_070_000, 40_000_000, nowhere), "");
    assert!(holding(1_340_000, 40_000_000, nowhere).contains("1340000 in neither kernel queue"));
    // Nor is it in the library if a kernel queue holds it.
    let kernel = Queues { receive_bytes: 20_000_000, ..Queues::default() };
    assert_eq!(holding(1_340_000, 40_000_000, Some(kernel)), "");
    assert_eq!(holding(1_340_000, 0, None), "", "of a connection that is gone nothing is known");
}
