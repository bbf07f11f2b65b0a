//! The index of published campaigns, newest first: as Markdown and as a page.
//! Campaigns that cannot be compared never share a table. Pure.
//!
//! Modules, each using those before it only: `entries`, `notes`, `history` (each client over the
//! campaigns of one machine), `markdown`, `page`.

mod entries;
mod history;
mod markdown;
mod notes;
mod page;

pub use entries::{Classic, Entry, Findings, apart};
pub use markdown::{MADE, markdown};
pub use page::page;
