//! What all tables have in common: the style of a terminal or of Markdown, labels, the notes
//! below them, and small charts for a terminal.

pub mod labels;
pub mod notes;
mod pairs;
pub mod small_charts;
pub mod style;
