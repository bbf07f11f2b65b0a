//! Saved campaigns for people and for other programs: tables, pages, exports, comparisons.
//!
//! `columns ← text ← tables ← {report, compare} ← {export, index, splice}`; `evidence` is beside
//! them.

pub mod columns;
pub mod compare;
pub mod evidence;
pub mod export;
pub mod index;
pub mod json;
pub mod report;
pub mod splice;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod text;
