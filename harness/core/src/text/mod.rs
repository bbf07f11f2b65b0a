//! Text in and out: units as people write them, numbers as tables print them, foreign
//! texts escaped, and suggestions for unknown names.

pub mod ascii;
pub mod digits;
pub mod escape;
pub mod nearest;
pub mod units;
