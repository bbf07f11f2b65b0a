//! One file per subcommand, and what some of them share.

pub mod build;
pub mod capacity;
pub mod check;
pub mod classic;
pub mod compare;
pub mod completions;
pub mod diff;
pub mod doctor;
pub mod journey;
pub mod list;
pub mod man;
pub mod new;
pub mod plan;
pub mod publish;
pub mod show;
pub mod sweep;

mod gate;
mod names;
mod news;
mod output;
mod setup;
mod versus;
