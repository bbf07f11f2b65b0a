//! The cases, in the order of the contract.

mod counts;
mod ends;
mod hello;
mod several;
mod stream;

use crate::case::Pace::{Long, Quick, Usual};
use crate::case::{Candidate, Case, Pace};
use anyhow::Result;

/// All cases.
pub const CASES: &[Case] = &[
    case(
        "hello",
        Usual,
        hello::hello,
        "it first says which client it is, as its client.toml does",
        "name and class of the hello are those of client.toml, versions names what it is built from; a variant keeps the name",
    ),
    case(
        "other-version",
        Usual,
        hello::other_version,
        "a plan of another contract is refused",
        "check `contract` of the plan first; if it is not this version, say so on stderr and exit with 2",
    ),
    case(
        "bad-plan",
        Usual,
        hello::bad_plan,
        "a plan that is invalid is refused, not guessed at",
        "an unknown key, no JSON, `stop` before a plan, no plan at all: say so on stderr, write nothing to stdout, exit with 2",
    ),
    case(
        "binary",
        Quick,
        stream::binary,
        "12 000 binary ticks: counts, checksum, samples, pongs, meter, close",
        "28 bytes, little-endian: u32 symbol, f64 price, i64 ts, u64 seq; the checksum adds round(price * 100)",
    ),
    case(
        "json",
        Usual,
        stream::json,
        "the same as JSON text",
        "one text message per tick, with seq; integers are exact",
    ),
    case(
        "classic-binary",
        Usual,
        stream::classic_binary,
        "the same without seqs: arrival counts",
        "20 bytes, the seq is the count of ticks that came before",
    ),
    case(
        "classic-json",
        Usual,
        stream::classic_json,
        "the same as JSON without seqs",
        "symbol, price and ts in ms; the seq is the count of ticks that came before",
    ),
    case(
        "cut-frames",
        Usual,
        stream::cut_frames,
        "a frame may arrive in two pieces, cut anywhere",
        "keep what is not yet a whole frame, header included, until the rest arrives",
    ),
    case(
        "merged-frames",
        Usual,
        stream::merged_frames,
        "thousands of frames may arrive in one piece",
        "take every whole frame out of what was read before reading again",
    ),
    case(
        "fragments",
        Usual,
        stream::fragments,
        "a message may come in several frames (RFC 6455, 5.4)",
        "put continuation frames together, empty ones too, and count the message once",
    ),
    case(
        "control-frames",
        Usual,
        stream::control_frames,
        "pings may come between the fragments of a message",
        "answer a ping at once, and continue the message that is under way",
    ),
    case(
        "pings",
        Usual,
        stream::pings,
        "pings are answered while no tick comes, with their payload",
        "keep reading while idle; a pong carries the ping's payload, up to 125 bytes",
    ),
    case(
        "long-messages",
        Usual,
        stream::long_messages,
        "lengths of 16 and of 64 bits are read",
        "payloads from 126 bytes and from 65 536 bytes have longer headers; such a message is not a tick",
    ),
    case(
        "no-tick",
        Usual,
        counts::no_tick,
        "a message that is not a tick is counted as undecodable only",
        "wrong length, wrong kind, a price that is not a number: received and undecodable, not processed",
    ),
    case(
        "no-ticks",
        Usual,
        counts::no_ticks,
        "a run without ticks has counts of zero",
        "report zeros and no sample row when the server closes at once",
    ),
    case(
        "one-tick",
        Usual,
        counts::one_tick,
        "a single tick is counted and stamped",
        "the meter and the report must not lag by a batch",
    ),
    case(
        "a-million",
        Long,
        counts::a_million,
        "a million ticks: exact counts and checksum",
        "nothing may be lost, counted twice or rounded in a long run",
    ),
    case(
        "gaps",
        Quick,
        counts::gaps,
        "ticks that the server skips, repeats or sends late are counted as such",
        "gaps: seqs skipped; a skipped one that comes late is a reorder and no longer a gap; one that came before is a duplicate",
    ),
    case(
        "high-seqs",
        Usual,
        counts::high_seqs,
        "seqs above 2^32 are exact",
        "read all 64 bits of the seq",
    ),
    case(
        "samples",
        Usual,
        counts::samples,
        "exactly the planned seqs are stamped",
        "rows for first, first + stride, … and no others, ascending, at most 2048 per line",
    ),
    case(
        "stamps",
        Usual,
        counts::stamps,
        "stamps are from the monotonic clock, and the work of the plan is done between them",
        "CLOCK_MONOTONIC in ns; received when the library hands the message over, processed after `work_ns` of busy CPU",
    ),
    case(
        "stamps-in-a-batch",
        Quick,
        counts::stamps_in_a_batch,
        "each tick of a batch has a stamp of its own, after its own work",
        "read the clock for each sampled tick when its work is done, not once for all that a read has brought",
    ),
    case(
        "meter",
        Usual,
        counts::meter,
        "the meter rises while ticks come, and is exact when they pause",
        "store the counts at least every few ms of work and whenever you become idle; received first",
    ),
    case(
        "closed-otherwise",
        Usual,
        ends::closed_otherwise,
        "a close code other than 1000 is reported as a disconnect",
        "report `disconnected` with the detail `close code N`, and answer the close frame",
    ),
    case(
        "server-vanishes",
        Usual,
        ends::server_vanishes,
        "a server that vanishes within a frame is reported, with all that came before",
        "process what has arrived, then report `disconnected` with a detail",
    ),
    case(
        "server-resets",
        Usual,
        ends::server_resets,
        "a reset connection is reported",
        "report `disconnected` with a detail; do not crash",
    ),
    case(
        "stop",
        Usual,
        ends::stop,
        "`stop` ends it while no tick comes",
        "read stdin while you wait for the server",
    ),
    case(
        "stop-in-flood",
        Quick,
        ends::stop_in_flood,
        "`stop` ends it in the middle of a flood, at once and with complete counts",
        "stop reading and processing, do not drain; received = processed + queued + undecodable",
    ),
    case(
        "stdin-closed",
        Usual,
        ends::stdin_closed,
        "the end of stdin is a `stop`",
        "report when stdin ends, so that nothing is left behind when a harness dies",
    ),
    case(
        "stop-before-handshake",
        Usual,
        ends::stop_before_handshake,
        "`stop` ends it before it is connected",
        "report zeros as `stopped`",
    ),
    case(
        "deadline",
        Usual,
        ends::deadline,
        "it ends on its own at its deadline",
        "report `deadline` after `deadline_ms` from the plan",
    ),
    case(
        "no-handshake",
        Usual,
        ends::no_handshake,
        "it gives up on a server that accepts and says nothing",
        "after `connect_deadline_ms` say so on stderr and exit with 1",
    ),
    case(
        "no-server",
        Usual,
        ends::no_server,
        "a server that does not exist is an error",
        "say on stderr what could not be reached and exit with 1",
    ),
    case(
        "connections",
        Usual,
        several::connections,
        "several connections have their own order, counters and samples",
        "open all `urls` at once; counters of connection n are 128·n bytes further on; the final has sums",
    ),
    case(
        "stop-connections",
        Usual,
        several::stop,
        "`stop` ends all connections",
        "one report over all of them",
    ),
    case(
        "memory-ceiling",
        Usual,
        ends::memory_ceiling,
        "an unbounded queue ends at the memory ceiling",
        "with a queue that has no bound: report `memory_ceiling` when resident memory reaches it",
    ),
];

const fn case(
    name: &'static str,
    pace: Pace,
    run: fn(&Candidate<'_>) -> Result<()>,
    proves: &'static str,
    mend: &'static str,
) -> Case {
    Case { name, proves, mend, pace, run }
}
