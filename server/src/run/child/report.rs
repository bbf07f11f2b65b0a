//! The report of a run.

use crate::connection::stream::outgoing::Stream;
use crate::engine::state::Engine;
use crate::run::child::end::RunEnd;
use crate::run::child::lines::send;
use anyhow::Result;
use contract::{
    Dropped, Fresh, FromServer, MOST_PAUSES, SAMPLES_PER_LINE, SampleRow, Samples, ServerFinal,
};

/// An engine after its run, and the streams of its connections by their keys.
pub type FinishedEngine = (Engine, Vec<Stream>);

/// Reports a run: the samples of each connection, the seqs at which messages were made anew,
/// dropped ticks, and the sums.
///
/// # Errors
/// When the harness does not read any more.
pub fn report(finished: Vec<FinishedEngine>, end: &RunEnd) -> Result<()> {
    let mut last = ServerFinal {
        generated: 0,
        written: 0,
        acknowledged: 0,
        confirmed: 0,
        written_bytes: 0,
        dropped: 0,
        pauses: Vec::new(),
        ended: end.kind(),
        detail: end.detail(),
    };
    let engines = finished.len();
    let connections: usize = finished.iter().map(|(_, streams)| streams.len()).sum();
    for connection in 0..connections {
        let engine = &finished[connection % engines].0;
        let Some(stamps) = &engine.stamps else { break };
        let rows: Vec<SampleRow> = stamps.rows(connection / engines).collect();
        for rows in rows.chunks(SAMPLES_PER_LINE) {
            send(&FromServer::Samples(Samples { connection, rows: rows.to_vec() }))?;
        }
    }
    let fresh = finished.first().and_then(|(engine, _)| engine.fresh()).unwrap_or_default();
    for seqs in fresh.chunks(SAMPLES_PER_LINE) {
        send(&FromServer::Fresh(Fresh { seqs: seqs.to_vec() }))?;
    }
    for (number, (mut engine, streams)) in finished.into_iter().enumerate() {
        let counts = &mut engine.counts;
        last.pauses.append(&mut counts.pauses);
        last.generated = last.generated.max(counts.generated);
        last.written += counts.written;
        last.acknowledged += counts.acknowledged;
        last.confirmed += counts.confirmed;
        last.written_bytes += counts.written_bytes;
        last.dropped += counts.dropped;
        for (key, stream) in streams.into_iter().enumerate() {
            let connection = number + key * engines;
            let ranges = stream.into_dropped(engine.feeds.all_symbols());
            for ranges in ranges.chunks(SAMPLES_PER_LINE) {
                send(&FromServer::Dropped(Dropped { connection, ranges: ranges.to_vec() }))?;
            }
        }
    }
    last.pauses.sort_unstable();
    last.pauses.truncate(MOST_PAUSES);
    send(&FromServer::Final(last))
}
