//! What all tables have in common: where they are read, what things are called, the notes
//! below them, and small charts for a terminal.

pub mod labels;
pub mod notes;
pub mod small_charts;
pub mod style;
