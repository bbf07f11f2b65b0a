//! Processes: started, watched and ended, with all that they leave behind.

mod children;
pub mod environment;
pub mod guard;
pub mod process;
pub mod run_delay;
pub mod spawn;
pub mod strays;
