//! Saved campaigns in the formats of other programs: spreadsheets and data frames,
//! HdrHistogram's viewers, columnar readers. Pure functions of an archive: the
//! same campaign gives the same bytes.

pub mod hlog;
pub mod journeys;
pub mod sampled;
pub mod tidy;
