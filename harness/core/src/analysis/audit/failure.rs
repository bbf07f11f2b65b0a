//! What an audit can find wrong.

use crate::record::drops::DropFault;
use contract::fault::Peer;
use contract::{ClientEnd, Policy, ServerEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Counts of ticks by stage; from `generated` − `dropped` on, each is at most the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Flow {
    /// Generated, including what was dropped.
    pub generated: u64,
    /// Dropped by the server's policy.
    pub dropped: u64,
    /// Handed to the server's kernel.
    pub written: u64,
    /// Taken from the client's library.
    pub received: u64,
    /// Decoded, checked and worked on.
    pub processed: u64,
}

impl Flow {
    /// The most ticks that the client can get.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.generated.saturating_sub(self.dropped)
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} generated", self.generated)?;
        if self.dropped > 0 {
            write!(f, ", {} dropped", self.dropped)?;
        }
        let Self { written, received, processed, .. } = self;
        write!(f, ", {written} written, {received} received, {processed} processed")
    }
}

/// A rule of the audit that a round breaks.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[allow(missing_docs)] // each message says what its fields are
pub enum AuditFailure {
    #[error("the client ended on its own: {ended}{}", bracketed(detail))]
    ClientEnded { ended: ClientEnd, detail: Option<String> },
    #[error("the server ended early: {ended}{}", bracketed(detail))]
    ServerEnded { ended: ServerEnd, detail: Option<String> },
    #[error("the server disconnected the client, which the policy {policy} does not do")]
    DisconnectedByPolicy { policy: Policy },
    #[error("the client was disconnected, but reports another end: {ended}")]
    DisconnectUnnoticed { ended: ClientEnd },

    #[error("a counter in a meter decreased")]
    CounterDecreased,
    #[error("at {at_ms} ms a stage had more ticks than the one before it: {flow}")]
    FlowAtSnapshot { at_ms: u64, flow: Flow },
    #[error("a stage reports more ticks than the one before it: {flow}")]
    FlowAtEnd { flow: Flow },
    #[error("everything was drained, but the stages differ: {flow}")]
    DrainedButUnequal { flow: Flow },
    /// More was written than the client has received, the kernel queues hold, and the
    /// client's memory has room for, together.
    #[error(
        "at {at_ms} ms the layers do not add up: {written} written, {received} received, {unaccounted} in neither kernel queue"
    )]
    LayersDoNotAddUp { at_ms: u64, written: u64, received: u64, unaccounted: f64 },

    #[error("the window was not observed to its end")]
    WindowNotObserved,
    #[error("the server generated only {:.2} % of the ticks due", generated_share * 100.0)]
    ServerBehindSchedule { generated_share: f64 },
    #[error("the server generated only {:.2} % of its ticks within {on_time_ms} ms of their due time: the machine was too busy", on_time_share * 100.0)]
    ServerLate { on_time_share: f64, on_time_ms: u64 },
    #[error(
        "Little's law does not hold: a tick waited {waited_ms:.3} ms by its stamps, but {low_ms:.3} to {high_ms:.3} ms by the backlog"
    )]
    LittlesLaw { waited_ms: f64, low_ms: f64, high_ms: f64 },

    #[error("{count} seqs seen twice")]
    Duplicates { count: u64 },
    #[error("{count} seqs out of order")]
    Reorders { count: u64 },
    #[error("{count} messages that are not ticks")]
    Undecodable { count: u64 },
    #[error(
        "the client's counts: {received} received, but {processed} processed and {queued} queued"
    )]
    ClientCounts { received: u64, processed: u64, queued: u64 },
    /// Both as `[received, processed]`.
    #[error(
        "the client's meter ended at {meter:?} received and processed, its report says {report:?}"
    )]
    MeterMismatch { meter: [u64; 2], report: [u64; 2] },
    #[error("{gaps} seqs skipped, but {dropped} dropped")]
    Gaps { gaps: u64, dropped: u64 },
    #[error("checksum {found} over {ticks} ticks, but the market's is {expected}")]
    Checksum { found: u64, ticks: u64, expected: u64 },

    #[error("{count} ticks dropped, which the policy {policy} does not do")]
    DropsWithoutPolicy { count: u64, policy: Policy },
    #[error("the server's meter had {meter} dropped ticks, its report has {report}")]
    DroppedInMeter { meter: u64, report: u64 },
    #[error("the server's ranges have {ranges} dropped ticks, its report {report}")]
    DroppedInRanges { ranges: u64, report: u64 },
    #[error("{fault}")]
    Drops { fault: DropFault },
    #[error(
        "the seqs of the server's new messages do not ascend from 0 to below the {generated} generated: from {first} to {last}"
    )]
    FreshSeqs { first: u64, last: u64, generated: u64 },

    #[error(
        "a stamp from the future: tick {seq} is stamped {by_ms} ms after the meter had counted it"
    )]
    StampAfterMeter { seq: u64, by_ms: u64 },
    #[error("a stamp from the future: tick {seq} was processed after its report")]
    StampAfterReport { seq: u64 },
    #[error("the client went on for more than a second after `stop`: tick {seq}")]
    WentOnAfterStop { seq: u64 },
    /// Of each kind only the first are listed: with many connections each may have one.
    #[error("and {count} more of the same")]
    MoreOfTheSame { count: u64 },
    #[error("a negative latency: tick {seq} was received before it was written")]
    ReceivedBeforeWritten { seq: u64 },
    #[error("tick {seq} was processed before it was received")]
    ProcessedBeforeReceived { seq: u64 },
    /// The clock was read once for several ticks.
    #[error(
        "stamps that ticks share: {count} of {of} sampled ticks were processed at the instant of the tick before them or earlier, tick {seq} first: read the clock for each tick, after its work"
    )]
    SharedStamps { seq: u64, count: u64, of: u64 },
    #[error(
        "{count} of {of} sampled ticks were received before the tick before them, tick {seq} first: read the clock where the library hands a tick over"
    )]
    ReceivedOutOfOrder { seq: u64, count: u64, of: u64 },
    #[error("the server sent tick {seq} before it was due")]
    SentBeforeDue { seq: u64 },
    #[error(
        "the samples of {peer} are not the planned ones: {rows} rows, {planned} planned below tick {below_seq}"
    )]
    Samples { peer: Peer, rows: u64, planned: u64, below_seq: u64 },
}

impl AuditFailure {
    /// Whether it says that the server was late, which is due to the machine and not to the
    /// client.
    #[must_use]
    pub fn is_server_lateness(&self) -> bool {
        matches!(self, Self::ServerBehindSchedule { .. } | Self::ServerLate { .. })
    }
}

/// ` (detail)`, where there is one.
fn bracketed(detail: &Option<String>) -> String {
    detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"))
}
