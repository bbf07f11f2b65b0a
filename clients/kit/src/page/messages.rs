//! What the page and this process say to each other, as kit-browser's page has it.

use crate::ticks::Counts;
use contract::{ClientPlan, SampleRow};
use serde::{Deserialize, Serialize};

/// A message to the page.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToPage<'a> {
    /// What does its clock show?
    Time,
    /// The plan of the run.
    Plan {
        /// As the harness wrote it.
        plan: &'a ClientPlan,
    },
    /// Connect.
    Connect,
    /// Stop and report.
    Stop,
}

/// A message of the page's reader.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromPage {
    /// It is there.
    Loaded,
    /// The page's clock.
    Time {
        /// In ns since the page's origin.
        page_ns: u64,
    },
    /// All connections are open.
    Ready,
    /// The run has ended.
    Report {
        /// How.
        ended: Ended,
        /// The URL that could not be reached, or how a connection broke.
        detail: Option<String>,
        /// By connection.
        connections: Vec<ConnectionReport>,
    },
}

/// How the page's run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A connection could not be opened.
    NotConnected,
    /// All connections were closed with code 1000.
    Closed,
    /// A connection ended in another way.
    Disconnected,
    /// It was stopped.
    Stopped,
}

/// What the page reports of one connection.
#[derive(Debug, Deserialize)]
pub struct ConnectionReport {
    /// What it counted.
    pub counts: PageCounts,
    /// The stamped ticks, on the page's clock.
    pub rows: Vec<SampleRow>,
}

/// What the page counted of one connection.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PageCounts {
    /// Messages that came into the page.
    pub received: u64,
    processed: u64,
    gaps: u64,
    duplicates: u64,
    reorders: u64,
    undecodable: u64,
    checksum: u64,
}

impl From<PageCounts> for Counts {
    fn from(counts: PageCounts) -> Self {
        let PageCounts { received, processed, gaps, duplicates, reorders, undecodable, checksum } =
            counts;
        Self { received, processed, queued: 0, gaps, duplicates, reorders, undecodable, checksum }
    }
}
