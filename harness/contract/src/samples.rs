//! The stamps of sampled ticks on the lines of both children.

use serde::{Deserialize, Serialize};

/// Rows on one `samples` line; keeps each line far below [`crate::MAX_LINE_BYTES`].
pub const SAMPLES_PER_LINE: usize = 2048;

/// One sampled tick on a `samples` line: `[seq, a_ns, b_ns]`, on the machine's
/// monotonic clock. From a client a = received and b = processed; from the
/// server a = encoded and b = written.
pub type SampleRow = [u64; 3];

/// A `samples` line: at most [`SAMPLES_PER_LINE`] rows, seqs ascending over all
/// lines of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// The connection: from a client the index of its URL in the plan, from the server the
    /// number at the end of the URL.
    pub connection: usize,
    /// The stamped ticks.
    pub rows: Vec<SampleRow>,
}
