//! The report of a run.

use crate::run::child::end::End;
use crate::run::child::lines::say;
use crate::run::child::worker_threads::Played;
use anyhow::Result;
use contract::{Dropped, Fresh, FromServer, SAMPLES_PER_LINE, SampleRow, Samples, ServerFinal};

/// Says everything about the run: samples of each connection, seqs made anew, drops,
/// and the sums.
///
/// # Errors
/// When the harness does not read any more.
pub fn report(played: Vec<Played>, (ended, detail): End) -> Result<()> {
    let mut last = ServerFinal {
        generated: 0,
        written: 0,
        acknowledged: 0,
        confirmed: 0,
        written_bytes: 0,
        dropped: 0,
        ended,
        detail,
    };
    let engines = played.len();
    let connections: usize = played.iter().map(|(_, streams)| streams.len()).sum();
    for connection in 0..connections {
        let engine = &played[connection % engines].0;
        let Some(stamps) = &engine.stamps else { break };
        let rows: Vec<SampleRow> = stamps.rows(connection / engines).collect();
        for rows in rows.chunks(SAMPLES_PER_LINE) {
            say(&FromServer::Samples(Samples { connection, rows: rows.to_vec() }))?;
        }
    }
    let fresh = played.first().and_then(|(engine, _)| engine.fresh()).unwrap_or_default();
    for seqs in fresh.chunks(SAMPLES_PER_LINE) {
        say(&FromServer::Fresh(Fresh { seqs: seqs.to_vec() }))?;
    }
    for (number, (engine, streams)) in played.into_iter().enumerate() {
        let books = &engine.books;
        last.generated = last.generated.max(books.generated);
        last.written += books.written;
        last.acknowledged += books.acknowledged;
        last.confirmed += books.confirmed;
        last.written_bytes += books.written_bytes;
        last.dropped += books.dropped;
        for (place, stream) in streams.into_iter().enumerate() {
            let connection = number + place * engines;
            for ranges in stream.into_dropped(engine.feeds.whole()).chunks(SAMPLES_PER_LINE) {
                say(&FromServer::Dropped(Dropped { connection, ranges: ranges.to_vec() }))?;
            }
        }
    }
    say(&FromServer::Final(last))
}
