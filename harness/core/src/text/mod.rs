//! Text in and out: units as people write them, numbers as tables print them, foreign
//! texts made safe, and the known name that was probably meant.

pub mod digits;
pub mod escape;
pub mod nearest;
pub mod units;
