//! The catalogue of columns: every number of a row in a table, a page, a CSV file or a diff has
//! one entry here, and nowhere else.
//!
//! `column ← rows, capacities ← layout`.

pub mod capacities;
pub mod column;
pub mod layout;
pub mod rows;
