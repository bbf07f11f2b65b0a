//! The whole system: the harness, servers and clients as real processes. One program, so that
//! it is linked once.

mod common;

mod baseline;
mod builds;
mod capacity;
mod check;
mod classic;
mod clock;
mod compare;
mod containers;
mod counters;
mod diff_command;
mod environment;
mod fan_out;
mod faults;
mod few_ticks;
mod habits;
mod interrupt;
mod killed;
mod kinds;
mod loads;
mod pipes;
mod policies;
mod publish;
mod resources;
mod rules;
mod schema;
mod servers;
mod show;
mod terminal;
mod tls;
mod unsaved;
mod usage;
