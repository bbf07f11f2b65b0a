//! The one catalogue of columns: every number that a table, a page, a CSV file or a diff
//! shows of a row has one entry here, and nowhere else.
//!
//! `column ← rows, capacities ← layout`.

pub mod capacities;
pub mod column;
pub mod layout;
pub mod rows;
