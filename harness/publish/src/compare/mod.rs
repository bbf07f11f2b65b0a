//! Two campaigns compared: what changed, by how much, and how sure that is; and conditions
//! that fail a run.
//!
//! `side, machines ← note, change ← evidence, basis ← pairs, capacities, power, terms ← diff ←
//! text ← page; gate`.

mod basis;
mod capacities;
pub mod change;
pub mod diff;
mod evidence;
pub mod gate;
pub mod machines;
pub mod note;
pub mod page;
mod pairs;
mod power;
pub mod side;
pub mod terms;
pub mod text;
