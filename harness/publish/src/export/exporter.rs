//! The interface of exporters, and the output formats.

use anyhow::Result;
use bench_archive::archive::Archive;
use std::fmt;
use std::path::PathBuf;

/// The output formats of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tables and small charts for a terminal.
    Text,
    /// The tables in Markdown.
    Markdown,
    /// A page with charts.
    Html,
    /// All numbers as tidy CSV.
    Csv,
    /// The content of `campaign.json`, its rows computed again.
    Json,
    /// The numbers behind the first pictures of the page.
    Charts,
    /// The bar chart of a comparison, for white and for dark pages.
    Svg,
    /// Response times as HdrHistogram logs, one for each workload.
    Hlog,
    /// Every sampled tick as a Parquet table.
    Parquet,
}

/// Its value on the command line.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Charts => "charts",
            Self::Svg => "svg",
            Self::Hlog => "hlog",
            Self::Parquet => "parquet",
        })
    }
}

/// A file of a campaign's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path within that directory.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl File {
    /// A file with that content.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }
}

/// Creates the files of one format.
pub trait Exporter {
    /// The files of a campaign.
    ///
    /// # Errors
    /// When a file of the campaign is missing or damaged.
    fn files(&self, archive: &Archive) -> Result<Vec<File>>;
}
